package account

import (
	"errors"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/db"
)

// A Way is a further way to sign in that another part offers (merlon.Part.Offers): room passkey has one. Account asks it
// what a user has, shows its box on the security page, and its button on the sign-in page.
type Way struct {
	Name string // for events: "passkey"
	// Count returns how many of them the user has.
	Count func(q db.Querier, user int64) (int, error)
	// Manage is the page where the user adds and removes them; Title, Button (of the link to that page) and Empty are ids of
	// the catalogue. Without a Button the link says "Manage" and the title.
	Manage string
	Title  string
	Button string
	Empty  string
	// SignIn is the page where a visitor signs in by it without the sign-in page.
	SignIn string
	// Confirm is the id of the words of the link to it on the page that asks a user once more; empty: the title.
	Confirm string
	// Ask makes what the way's own piece of the sign-in page asks the browser for; nil: it has no such piece. The piece is
	// the file shared/ways.html, which the part puts over account's empty one (merlon.Part.Over).
	Ask func(r Asker) Ask
	// Delete removes all that the way keeps of a user whose account is deleted.
	Delete func(w *db.Writer, user int64) error
	// DeleteAdded removes what was added between two times, both included, in Unix microseconds: the owner says that somebody
	// else did it. What [NoticeAdded] told of is removed by the exact time of its request.
	DeleteAdded func(w *db.Writer, user, from, to int64) error
	// Export returns what "download my data" tells of it.
	Export func(q db.Querier, user int64) (any, error)
}

// SignInPath implements [merlon.Entrance]: the way in stays open during maintenance.
func (w Way) SignInPath() string { return w.SignIn }

// An Asker is a request, by GET or POST, whose answer asks the browser for something.
type Asker interface {
	Now() time.Time
	Binding() []byte
}

// An Ask is what a page asks the browser's authenticator for: WebAuthn's PublicKeyCredentialRequestOptionsJSON, as far as it
// is used. The way's script reads it from a data block.
type Ask struct {
	Challenge string `json:"challenge"` // base64url
	RPID      string `json:"rpId"`
	Timeout   int64  `json:"timeout"` // milliseconds
	Verify    string `json:"userVerification"`
}

// ask is what the sign-in page asks for besides the password, the zero value without a part that does.
func (a *part) ask(r Asker) Ask {
	for _, w := range a.ways {
		if w.Ask != nil {
			return w.Ask(r)
		}
	}
	return Ask{}
}

// Enter signs a user in whom a [Way] has recognised, with two factors: it is for ways that ask the user, not only the device
// (a passkey with user verification). It is refused for a user who is disabled, deleted or not verified. The answer leads to
// next, or, if the account is to be deleted, to the page that calls it back.
func Enter[U any](w *merlon.Write[U], user int64, way string, next merlon.Local) (*merlon.Response, error) {
	a, err := of(w.House())
	if err != nil {
		return nil, err
	}
	row, err := userByID.One(w.DB, user)
	if err != nil {
		return nil, err
	}
	if !row.mayEnter() {
		return nil, merlon.ErrSignIn
	}
	return landing(row, next), enter(a, w, row, proof{factors: 2, way: way})
}

// HasApp reports whether a user has an authenticator app: a [Way] tells by it whether the user's last one is the last second
// factor.
func HasApp(q db.Querier, user int64) (bool, error) {
	on, _, _, err := totpState(q, user)
	return on, err
}

// CodesLeft returns how many recovery codes a user has that were not used.
func CodesLeft(q db.Querier, user int64) (int, error) { return codesLeft(q, user) }

// KnownDevice names the browser, if the user has signed in with it before, for a limit that strangers do not fill. It grants
// nothing. One that only opened a mailed link is not known.
func KnownDevice[U any](r *merlon.Read[U], user int64) (name string, err error) {
	cookie, has := deviceCookie.Get(r)
	d, known, err := knownDevice(cookie, has, r.DB, user, r.Now())
	if err != nil || !known || d.Entered == 0 {
		return "", err
	}
	return d.name(), nil
}

// Notice tells a user by mail what a [Way] did to the account: texts ID.subject and ID.text of the catalogue, with a link for
// "that was not me". An administrator whom it left without a second factor is told that the rights sleep.
func Notice[U any](w *merlon.Write[U], user int64, id string, args ...any) error {
	a, row, err := concerned(w, user)
	if err != nil {
		return err
	}
	return a.factorNotice(w.DB, w.Lang(), w.Now(), row, id, args...)
}

// NoticeAdded is [Notice] of a factor that a [Way] has added in this very request, under the time w.Now: the mail's link for
// "that was not me" takes it away again ([Way.DeleteAdded]). No other notice does.
func NoticeAdded[U any](w *merlon.Write[U], user int64, id string, args ...any) error {
	a, row, err := concerned(w, user)
	if err != nil {
		return err
	}
	return a.addedNotice(w.DB, w.Lang(), w.Now(), row, id, args...)
}

// concerned finds the part and the user whom a notice is about.
func concerned[U any](w *merlon.Write[U], user int64) (*part, userRow, error) {
	a, err := of(w.House())
	if err != nil {
		return nil, userRow{}, err
	}
	row, err := userByID.One(w.DB, user)
	return a, row, err
}

// of finds the part in the site that a request or command belongs to.
func of(h *merlon.House) (*part, error) {
	found := merlon.Offers[*part](h)
	if len(found) == 0 {
		return nil, errors.New("account: the site has no part account: what builds on accounts needs one; add account.New(account.Config{}) to Config.Parts")
	}
	return found[0], nil
}
