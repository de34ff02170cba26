// Package session keeps what a site remembers of a visitor in the database, under the hash of a random token that only the
// visitor's cookie holds, and sealed so that the database alone reveals none of it.
//
// A session cannot be fixed (every change of rights makes a new token and ends the old row in the same transaction), cannot
// rise again (rows are updated while they live, never inserted a second time), and ends at deadlines that nothing moves.
// Visitors who have nothing to keep have no row and no cookie.
//
// It does not protect from who holds the cookie itself (a browser's extensions, malware on the visitor's machine), nor from
// who reads this process's memory. Who can write to the database can end sessions, but neither read nor forge their values,
// nor raise a session's rights without breaking its seal.
package session

import (
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/db"
)

// constant is the type of what must be written in the program's source: the names of keys, the reasons of an end.
type constant string

// Limits of a session that are not the owner's to choose.
const (
	// Skew is how far a row may lie in the future of the clock before it is refused: a clock that was set back must not
	// lengthen a session (5 minutes).
	Skew = 5 * time.Minute
	// Coarse is how exact "last seen" is, so that reading does not write at every request (1 minute).
	Coarse = time.Minute
	// Keep is how long an ended or expired row stays, so that its visitor can be told why; its values go at once (7 days).
	Keep = 7 * 24 * time.Hour
)

// Config is what a [Manager] is made of. Only Secret has no default.
type Config struct {
	// Name is the site's name in the cookie: __Host-NAME-session. Empty: __Host-session. [a-z0-9-]{1,32}.
	Name string
	// Store keeps the rows. Nil: [NewStore], in the site's own database.
	Store Store
	// Clock tells the time. Nil: [time.Now].
	Clock func() time.Time
	// Secret returns a key of at least 32 bytes for a purpose, always the same one: the key ring's. It signs the
	// pre-session cookies of visitors who are shown a form. Sessions themselves need no key of the server.
	Secret func(purpose string) []byte
	// Random is where tokens, salts and nonces come from. Nil: crypto/rand. Only tests give another.
	Random io.Reader

	// Single, Strong and Admin are the lifetimes of the classes, see [Manager.Numbers]. A zero field is its default: 24 h
	// idle and 30 days for one factor, 1 h and 24 h for two, 15 min and 8 h for administrators.
	Single, Strong, Admin Lifetime

	// PerUser is how many sessions a user may have at once; one more ends the one unseen for longest. 0: 20.
	PerUser int
	// MaxBytes bounds the values of one session, encoded. 0: 64 KiB.
	MaxBytes int
	// CacheBytes bounds the memory for opened rows. 0: 16 MiB.
	CacheBytes int
	// Shared says that other processes write to the same store, or that it lies beside the database and shows what a transaction
	// that may still fail has written. The cache is then off: a session that another process ended must end here on the next
	// request too, and what was undone must not stay.
	Shared bool

	// Device returns the label that the list of sessions shows for a request's browser. Nil: the names of browser and
	// system, as in "Firefox on Linux", from the User-Agent. It is cut at 64 bytes and is for display only.
	Device func(*http.Request) string
	// Disabled is asked at every request of a signed-in session whether the user may no longer be served, outside the
	// cache. Nil: nobody is disabled but by [Manager.EndUser], which whoever disables a user calls in any case.
	Disabled func(q db.Querier, user int64) (bool, error)
}

// A Manager opens, rotates and ends the sessions of one site. It is safe for concurrent use.
type Manager struct {
	store    Store
	clock    func() time.Time
	random   io.Reader
	cookie   string
	preKey   func() *[sha256.Size]byte // a function, so that no verb of fmt prints it
	life     [classes]Lifetime
	perUser  int
	maxBytes int
	device   func(*http.Request) string
	disabled func(db.Querier, int64) (bool, error)
	cache    *cache // nil: off
	seen     pending
}

const purposePre = "merlon/session/pre-session/v1"

// New returns the manager of a configuration. The error is a [check.Faults]: all that is wrong at once.
func New(c Config) (*Manager, error) {
	var faults check.Faults
	fault := func(where, what, do string) { faults = append(faults, RuleConfig.Finding(where, what, do)) }

	m := &Manager{store: c.Store, clock: c.Clock, random: c.Random, perUser: c.PerUser, maxBytes: c.MaxBytes, device: c.Device, disabled: c.Disabled}
	if m.store == nil {
		m.store = NewStore()
	}
	if m.clock == nil {
		m.clock = time.Now
	}
	if m.random == nil {
		m.random = rand.Reader
	}
	if m.device == nil {
		m.device = DeviceLabel
	}
	m.cookie = "__Host-session"
	if c.Name != "" {
		if !validSiteName(c.Name) {
			fault("Config.Name", fmt.Sprintf("session: the name %q", c.Name), "use 1 to 32 of a-z, 0-9 and -")
		}
		m.cookie = "__Host-" + c.Name + "-session"
	}
	if c.Secret == nil {
		fault("Config.Secret", "session: no key", "give the key ring's: func(purpose string) []byte of 32 bytes or more")
	} else {
		key := c.Secret(purposePre)
		if len(key) < 32 {
			fault("Config.Secret", fmt.Sprintf("session: a key of %d bytes for %q", len(key), purposePre), "give a key of 32 bytes or more")
		}
		fixed := sha256.Sum256(key)
		m.preKey = func() *[sha256.Size]byte { return &fixed }
	}
	for class, given := range [classes]Lifetime{single: c.Single, strong: c.Strong, admin: c.Admin} {
		life, why := given.orDefault(defaults[class])
		if why != "" {
			fault("Config."+classNames[class], "session: "+why, "give 0 < Idle ≤ Absolute ≤ 400 days, or leave both 0 for the defaults")
		}
		m.life[class] = life
	}
	bound := func(name string, field *int, def, least, most int) {
		if *field == 0 {
			*field = def
		}
		if *field < least || *field > most {
			fault("Config."+name, fmt.Sprintf("session: %s is %d", name, *field), fmt.Sprintf("give %d to %d, or 0 for %d", least, most, def))
		}
	}
	bound("PerUser", &m.perUser, 20, 1, 1000)
	bound("MaxBytes", &m.maxBytes, 64<<10, 1<<10, 1<<20)
	bytes := c.CacheBytes
	bound("CacheBytes", &bytes, 16<<20, 64<<10, 1<<30)
	if !c.Shared {
		m.cache = newCache(bytes)
	}
	if err := faults.Err(); err != nil {
		return nil, err
	}
	return m, nil
}

func validSiteName(name string) bool {
	return len(name) <= 32 && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

// Schema returns the migrations and statements of the manager's store, nil when it keeps no tables.
func (m *Manager) Schema() *db.Schema { return m.store.Schema() }

// CookieName returns the name of the session cookie, prefix included.
func (m *Manager) CookieName() string { return m.cookie }

func (m *Manager) now() int64 { return m.clock().UnixMicro() }

// fill fills b with randomness. There is no session without: crypto/rand cannot fail, and a test's reader must not.
func (m *Manager) fill(b []byte) {
	if _, err := io.ReadFull(m.random, b); err != nil {
		panic("session: Config.Random failed: " + err.Error() + "; a session cannot be made without randomness; leave Random nil")
	}
}
