package merlon

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/merlon-web/merlon/db"
)

// maintenanceFile stands in the data folder while the site is being looked after: a restart does not open it.
const maintenanceFile = "maintenance"

var errMaintenance = errors.New("maintenance is on: open the site by the command maintenance off")

// maintenanceRetry is when a visitor is told to come again.
const maintenanceRetry = 5 * time.Minute

// Keeper is what a [Part] offers ([Part].Offers) that knows who looks after the site: such a visitor is let in during
// maintenance. The visit's session is read, its access rule was not asked.
type Keeper interface {
	KeepsSite(*Visit) (bool, error)
}

// Entrance is what a [Part] offers ([Part].Offers) that has a page on which users sign in beside [Part].SignIn: it stays open
// during maintenance too. The path is the page's, and that of the form which it sends; empty: there is none.
type Entrance interface{ SignInPath() string }

// Introducer is what a [Part] offers ([Part].Offers) that knows who came where no access rule was asked, or said no: error
// pages name the user too.
type Introducer interface {
	Introduce(*Visit) (Framed, error)
}

// Named says who a user is in the words of the part that knows ([Part.Named]), "" if none does.
func (h *House) Named(from db.Querier, user int64) (string, error) {
	for _, p := range h.site.cfg.Parts {
		if p.Named != nil {
			return p.Named(from, user)
		}
	}
	return "", nil
}

// InMaintenance reports whether visitors are told to come again later.
func (h *House) InMaintenance() bool { return h.site.maintained.Load() }

// SetMaintenance closes the site to visitors, who get 503 with Retry-After, or opens it again. Those who look after it
// (see [Keeper]), the pages on which they sign in, and static files stay open; jobs and mails go on. It outlives a restart, and
// holds for all processes of a database that several share, within two seconds. If the database cannot be written it holds for this
// process, and the error says so.
func (h *House) SetMaintenance(ctx context.Context, on bool) error {
	told := h.site.tellMaintenance(ctx, h.Engine, on)
	if err := markMaintenance(h.Data, on); err != nil {
		return errors.Join(err, told)
	}
	h.site.maintained.Store(on)
	if told != nil {
		return fmt.Errorf("merlon: this process heeds it, and the others on the same database could not be told: %w: give the command once more when the database takes writes", told)
	}
	return nil
}

// markMaintenance makes the mark in a data folder, or takes it away.
func markMaintenance(dir string, on bool) error {
	path := filepath.Join(dir, maintenanceFile)
	if !on {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

// markedMaintenance reports whether a data folder has the mark. One that cannot be looked at is taken for closed: nobody is let in by a
// disk that fails.
func markedMaintenance(dir string) bool {
	_, err := os.Lstat(filepath.Join(dir, maintenanceFile))
	return !errors.Is(err, fs.ErrNotExist)
}

// What processes with data folders of their own are told stands in the database that they share. Each keeps it in its folder as
// well, where a restore of the database does not take it away.
var (
	maintenanceRow  = db.Query[maintenanceWord](schema, "SELECT number, closed FROM merlon_maintenance WHERE id = 1")
	putMaintenance  = db.Returning[int64](schema, "INSERT INTO merlon_maintenance (id, number, closed) VALUES (1, 1, $1) ON CONFLICT (id) DO UPDATE SET number = merlon_maintenance.number + 1, closed = excluded.closed RETURNING number")
	dropMaintenance = db.Exec(schema, "DELETE FROM merlon_maintenance")
)

type maintenanceWord struct{ Number, Closed int64 }

// tellMaintenance tells the other processes.
func (s *Site) tellMaintenance(ctx context.Context, engine db.Engine, on bool) error {
	if !s.Shared() {
		return nil
	}
	closed := int64(0)
	if on {
		closed = 1
	}
	var number int64
	if err := engine.Write(ctx, func(_ context.Context, w *db.Writer) (err error) {
		number, err = putMaintenance.Run(w, closed)
		return err
	}); err != nil {
		return err
	}
	s.heard.Store(number)
	return nil
}

// hearMaintenance does what this process was told last: by the database that it shares, if that says anything, else by the mark. A
// word that was heard before counts at a start only: a process that could not tell the others stays closed.
func (s *Site) hearMaintenance(ctx context.Context, start bool) error {
	if s.Shared() {
		r := s.cfg.Engine.Read(ctx)
		word, err := maintenanceRow.One(r)
		_ = r.Close()
		switch {
		case err == nil && word.Number == s.heard.Load() && !start:
			return nil
		case err == nil:
			on := word.Closed != 0
			s.heard.Store(word.Number)
			s.maintained.Store(on)
			if markedMaintenance(s.env.Data) == on {
				return nil
			}
			return markMaintenance(s.env.Data, on)
		case !errors.Is(err, db.ErrNoRow):
			return err
		}
	}
	s.maintained.Store(markedMaintenance(s.env.Data))
	return nil
}

// inService reports whether the site is open to this visitor; who is told to come again has the answer.
func (w *walk) inService() bool {
	if !w.site.maintained.Load() {
		return true
	}
	if w.atEntrance() {
		return true
	}
	visit := w.newVisit()
	for _, k := range Offers[Keeper](w.run.house) {
		keeps, err := k.KeepsSite(&visit)
		if err != nil {
			w.failed(err, nil)
			return false
		}
		if keeps {
			w.personal = true
			return true
		}
	}
	if w.r.Method != http.MethodGet && w.r.Method != http.MethodHead {
		w.ResponseWriter.Header()["Connection"] = []string{"close"} // the body is not read
	}
	w.fail(http.StatusServiceUnavailable, errMaintenance)
	return false
}

// atEntrance reports whether the request is for a page that stays open: where users sign in and out, and the house's own.
func (w *walk) atEntrance() bool {
	path := w.r.URL.Path
	if in := w.site.signIn; in != "" && (within(path, in) || path == "/sign-out") || strings.HasPrefix(path, "/_merlon/") {
		return true
	}
	for _, e := range Offers[Entrance](w.run.house) {
		if in := e.SignInPath(); in != "" && within(path, in) {
			return true
		}
	}
	return false
}

// within reports whether a path is in or below another one.
func within(path, in string) bool { return path == in || strings.HasPrefix(path, in+"/") }

// KeepMaintenance closes the site of one data folder if that of another is closed: data that takes another's place must not
// open what somebody had closed. It is for whoever replaces a data folder.
func KeepMaintenance(from, to string) error {
	if !markedMaintenance(from) {
		return nil // not closed, or there is no such folder
	}
	return markMaintenance(to, true)
}
