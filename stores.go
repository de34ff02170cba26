package merlon

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/internal/setting"
	"github.com/merlon-web/merlon/keyring"
	"github.com/merlon-web/merlon/secret"
	"github.com/merlon-web/merlon/session"
	"github.com/merlon-web/merlon/throttle"
)

// Stores are where a site keeps its sessions and its counted attempts, if not in its database. Room valkey has some: valkey.Or(env).
type Stores interface {
	// Place names the server, without a secret: the same for the same, also in another process.
	Place() string
	// At reports whether these are the stores that the setting valkey.url names.
	At(url string) bool
	// Faults are what is wrong with the settings; then Open is not called.
	Faults() check.Faults
	// Open returns the stores. Sessions of one generation are none of another, and what the keys have not signed is none. It need
	// not connect.
	Open(generation string, keys *keyring.Subkeys) (session.Store, throttle.Store, error)
	// Close ends what Open has begun; Open may follow.
	Close()
	// Checks look at the server, between Open and Close.
	Checks() []check.Check
}

// ValkeySettings say on which server sessions and counted attempts are, for programs that can use one ([Config.Stores]). They are the
// settings valkey.url and so on of merlon.toml; the zero value is none: they are in the database.
type ValkeySettings struct {
	URL    string // "valkeys://site@cache.example.org:6379/0", over TLS; "valkey://127.0.0.1:6379", "unix:///run/valkey/valkey.sock"
	Prefix string // what the server's keys begin with; empty: "merlon"
	Mode   string // "cluster", or empty
	Roots  string // a PEM file with who may sign the server's certificate; empty: whom the system trusts
	// Password is the user's, or the file has it as its one line.
	Password     secret.String
	PasswordFile string
}

// Secret returns the password, read from its file if there is one.
func (v ValkeySettings) Secret() (secret.String, error) {
	if v.PasswordFile == "" {
		return v.Password, nil
	}
	if !v.Password.Empty() {
		return secret.String{}, errors.New("the user has two passwords, one of them in a file: set one")
	}
	given, err := readPassword(v.PasswordFile)
	if err != nil {
		return secret.String{}, fmt.Errorf("the file with the password cannot be read: %w: write the password alone into a file that the site may read", err)
	}
	return given, nil
}

// judgeStores refuses settings that name a server and are not heeded: sessions that one process ended would live on for another.
func (s *Site) judgeStores() {
	set, stores := s.env.Settings.Valkey, s.cfg.Stores
	switch {
	case set.URL == "" && (set.Prefix+set.Mode+set.Roots+set.PasswordFile != "" || !set.Password.Empty()):
		s.fault(RuleStores.Finding(setting.ValkeyURL.String(), "there is something said of a Valkey server, and no server", "set valkey.url too, or take the others out"))
	case set.URL != "" && (stores == nil || !stores.At(set.URL)):
		s.fault(RuleStores.Finding(setting.ValkeyURL.String(), "a Valkey server is named, and this program keeps its sessions elsewhere", `have it ask: Stores: valkey.Or(env), with the import github.com/merlon-web/merlon/valkey; or take the setting out`))
	case stores != nil:
		s.fault(stores.Faults()...)
	}
}

var (
	storeRow  = db.Query[placed](schema, "SELECT place, generation FROM merlon_store WHERE id = 1")
	putStore  = db.Exec(schema, "INSERT INTO merlon_store (id, at, place, generation) VALUES (1, $1, $2, $3) ON CONFLICT (id) DO UPDATE SET at = excluded.at, place = excluded.place, generation = excluded.generation")
	dropStore = db.Exec(schema, "DELETE FROM merlon_store")
)

// placed is where sessions were kept when the site was started last, under a name of its own; the zero value: it was not noted.
type placed struct{ Place, Generation string }

// noted reports whether nothing is to be noted for a site that keeps its sessions at a place. A database that is nobody else's notes
// nothing while they are in it.
func (p placed) noted(place string, shared bool) bool {
	return p.Place == place && (p.Generation != "" || !shared)
}

func wherePlaced(q db.Querier) (placed, error) {
	row, err := storeRow.One(q)
	if errors.Is(err, db.ErrNoRow) {
		return placed{}, nil
	}
	return row, err
}

// stores opens what keeps sessions and attempts. When that is another place than it was, all sessions are void: those of the other
// place would rise at the next change, ended or not. A copy that is looked at has its own in its database.
func (s *Site) stores(ctx context.Context, keys *keyring.Ring, beside bool) (session.Store, throttle.Store, error) {
	own := func() (session.Store, throttle.Store, error) {
		return session.NewStore(), throttle.NewStore(s.cfg.Engine), nil
	}
	if !beside || s.env.Mode == Drill {
		return own()
	}
	place := ""
	if s.cfg.Stores != nil {
		place = s.cfg.Stores.Place()
	}
	r := s.cfg.Engine.Read(ctx)
	now, err := wherePlaced(r)
	_ = r.Close()
	if err == nil && !now.noted(place, s.Shared()) {
		now, err = s.placeSessions(ctx, place)
	}
	switch {
	case err != nil:
		return nil, nil, err
	case place == "":
		return own()
	}
	return s.cfg.Stores.Open(now.Generation, keys.For("merlon/session/row/v1"))
}

func told(place string) string {
	if place == "" {
		return "in its database"
	}
	return "on " + place
}

// placeSessions notes the place, and gives the sessions there a new name. Of two processes that begin at once on one database both
// get the same, or the later one is refused.
func (s *Site) placeSessions(ctx context.Context, place string) (now placed, err error) {
	fresh, rows := rand.Text(), session.NewStore()
	err = s.cfg.Engine.Write(ctx, func(_ context.Context, w *db.Writer) (err error) {
		if now, err = wherePlaced(w); err != nil || now.noted(place, s.Shared()) {
			return err
		}
		if now.Place != place {
			alive, err := rows.Count(w, s.clock().UnixMicro())
			if err != nil {
				return err
			}
			if s.Shared() && (now.Generation != "" || alive > 0) {
				return RuleStores.Finding(setting.ValkeyURL.String(), fmt.Sprintf("the site's sessions are kept %s, and this process would keep them %s", told(now.Place), told(place)),
					"set it as all processes of the site have it; or, to move them, stop all and run in its database, as the role that owns the tables: DELETE FROM merlon_store; UPDATE merlon_session SET revoked_at = 1 WHERE revoked_at = 0")
			}
			ended, err := rows.EndAll(w, s.clock().UnixMicro(), "sessions are kept elsewhere")
			if err != nil {
				return err
			}
			if now.Place != "" || ended > 0 {
				w.OnRelease(func() { s.log.Warn("sessions are kept " + told(place) + " from now on: all visitors sign in again") })
			}
		}
		now = placed{place, fresh}
		_, err = putStore.Run(w, s.clock().UnixMicro(), place, fresh)
		return err
	})
	return now, err
}

// closeStores ends what stores began.
func (s *Site) closeStores() {
	if s.cfg.Stores != nil {
		s.cfg.Stores.Close()
	}
}

// RuleStores is about the settings of the server for sessions and counted attempts.
var RuleStores = check.Rule{ID: "MRL-SITE-024", Property: check.Integrity, Severity: check.High,
	Title:  "sessions would be kept in two places",
	Why:    "a sign-out, or the end of a disabled user's sessions, holds only where it was written",
	Attack: "A thief of a session goes on at the process that keeps its own, after the owner has ended all of them at another.",
	Wrong:  "valkey.url = \"valkeys://…\" beside a program without Stores, or for one of two processes",
	Right:  "Stores: valkey.Or(env), and the same setting for every process of the site",
	Source: "OWASP ASVS 5.0 7.4.1, 13.1.1; CWE-613"}
