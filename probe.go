package merlon

import "context"

// A Probe is how a part lets a drill, or a test of the whole site, be a user of it.
type Probe struct {
	// Users makes made-up users in a copy of the data: one without a role, and one for each role that the access table
	// names. It is called before [Part.Restored], so that each has what a restore must void.
	Users func(context.Context, *House) ([]ProbeUser, error)
	// SignIn signs one of them in over HTTP, through the pages and forms that everybody uses, with every factor that the
	// user has. The error says which step failed, never a secret.
	SignIn func(context.Context, Browser, ProbeUser) error
	// Post sends a form as one of them, who is signed in to the browser, and looks whether what it sent stands there
	// afterwards. Nil: the part has no such form.
	Post func(context.Context, Browser, ProbeUser) error
	// Disable shuts one of them out, as an administrator would: whoever is signed in as them must be out at once. Nil: the
	// part's users cannot be disabled.
	Disable func(context.Context, *House, ProbeUser) error
}

// A ProbeUser is a made-up user. It is handed from process to process, and its secrets are worth something in one copy of
// the data only, which is deleted.
type ProbeUser struct {
	Role     string `json:"role,omitempty"`
	Email    string `json:"email"`
	Password string `json:"password"`
	Code     string `json:"code,omitempty"` // of a second factor, good once
	// Cookie and Link are from before the restore: NAME=VALUE of a session, and the path of a mailed link. Both must be
	// refused afterwards.
	Cookie string `json:"cookie"`
	Link   string `json:"link"`
}

// An Approach is a way to a page of a part's to which no link of the site's leads: behind a mailed link, a code, a passkey. The
// attacker of a site walks it on a copy of the data ([Part.Approaches]), once for each thing that it tries on the forms of the page.
type Approach struct {
	// Name says who comes by it, after who that is: "with a mailed link for a new password".
	Name string
	// SignedIn says that the browser is a user's at the end, who has no role. Else it is nobody's.
	SignedIn bool
	// Last says that walking it spoils the copy for everybody else: it is walked when all else was tried.
	Last bool
	// Go makes whom it needs in the copy and leads the browser, which has no cookie yet, by pages and forms, to the page. It
	// returns by their names what is typed into those fields of the page's forms that take nothing made up: a code, the answer
	// of a passkey. The error says which step failed, never a secret. It is called by one goroutine at a time.
	Go func(context.Context, *House, Browser) (typed map[string]string, err error)
}

// A CopyTrial is how a part that makes backups ([Part.TryCopies]) has them tried: copies are made at a place that is nobody's,
// sealed to a key that was made for it, of data that is a copy itself.
type CopyTrial struct {
	// Make makes one copy, as the site does by itself.
	Make func(context.Context) error
	// Restore gets the newest copy back into a folder, and fails if it is not whole. The key is what an owner types; without
	// one it must fail.
	Restore func(ctx context.Context, into, key string) error
	Key     string // the owner's, which the data does not have
	// Spare are the files of the data folder, by their names below it, that no copy has and no site misses.
	Spare func(name string) bool
}

// A Browser loads pages and fills in the forms that stand on them. Paths are of the site alone. It follows redirects.
type Browser interface {
	// SetCookie gives it a cookie, written NAME=VALUE.
	SetCookie(text string)
	// Get loads a page and returns its status.
	Get(ctx context.Context, path string) (status int, err error)
	// Submit sends the form of the last page that posts to this path, with its own hidden fields and these values. The
	// error says when there is no such form.
	Submit(ctx context.Context, action string, values map[string]string) (status int, err error)
	// Path is where the last page came from, after redirects.
	Path() string
	// Has reports whether the last page holds a text.
	Has(text string) bool
	// Body is the last page as it was sent.
	Body() string
}

// Probes are what the parts of the site have for drills.
func (h *House) Probes() (all []*Probe) {
	for _, p := range h.site.cfg.Parts {
		if p.Probe != nil {
			all = append(all, p.Probe)
		}
	}
	return all
}
