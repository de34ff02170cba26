package passkey

import (
	"encoding/base64"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/protocol/webauthncose"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/account"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/event"
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/page"
)

// Add is the form with which a passkey is added: the script fills in the answer.
type Add struct {
	Name   string `form:"required,max=60" label:"Name of the passkey" help:"So that you know it again: the device, or where it is kept."`
	Answer string `form:"max=16384,hidden" label:"The passkey's answer"`
}

// Rename is the form with which a passkey gets another name.
type Rename struct {
	ID   int64  `path:"id"`
	Name string `form:"required,max=60" label:"Name of the passkey" help:"So that you know it again: the device, or where it is kept."`
}

// Remove is the form of the button that removes a passkey.
type Remove struct {
	ID int64 `path:"id"`
}

// ByID is the input of the page about one passkey.
type ByID struct {
	ID int64 `path:"id"`
}

// Shown is a passkey as pages show it.
type Shown struct {
	ID     int64
	Name   string
	Added  account.Moment
	Used   account.Moment // no words: not yet
	Copied bool           // it is on other devices of the user too
}

// ListPage is the data of the page passkeys.html.
type ListPage struct {
	Passkeys []Shown
	Full     bool // the user has as many as a user may have
	Last     bool // there is one, and no app
	Codes    bool // recovery codes are left
}

// AddPage is the data of the page passkey-add.html.
type AddPage struct {
	Form form.Form[Add]
	Ask  Creation
}

// OnePage is the data of the page passkey.html.
type OnePage struct {
	Form    form.Form[Rename]
	Passkey Shown
	Last    bool // the user has no other one
	Sleep   bool // and is an administrator without an app, whose rights would sleep
}

// A Creation is what a browser is asked for: WebAuthn's PublicKeyCredentialCreationOptionsJSON, as far as it is used.
type Creation struct {
	RP          Party     `json:"rp"`
	User        Person    `json:"user"`
	Challenge   string    `json:"challenge"` // base64url
	Params      []Param   `json:"pubKeyCredParams"`
	Timeout     int64     `json:"timeout"` // milliseconds
	Exclude     []Known   `json:"excludeCredentials"`
	Selection   Selection `json:"authenticatorSelection"`
	Attestation string    `json:"attestation"`
}

// A Party is the site that a passkey belongs to.
type Party struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// A Person is the user that a passkey belongs to. The names stay on the user's devices.
type Person struct {
	ID      string `json:"id"` // the handle, base64url
	Name    string `json:"name"`
	Display string `json:"displayName"`
}

// A Param is a kind of key that is accepted.
type Param struct {
	Type string `json:"type"`
	Alg  int    `json:"alg"`
}

// A Known is a passkey that the user has: its authenticator makes no second one.
type Known struct {
	Type       string   `json:"type"`
	ID         string   `json:"id"`
	Transports []string `json:"transports"`
}

// A Selection is what the authenticator must be able to do.
type Selection struct {
	Resident string `json:"residentKey"`
	Require  bool   `json:"requireResidentKey"` // the same, for browsers of WebAuthn Level 1
	Verify   string `json:"userVerification"`
}

var (
	listPage = page.New[ListPage](pages, "passkeys.html")
	addPage  = page.New[AddPage](pages, "passkey-add.html")
	onePage  = page.New[OnePage](pages, "passkey.html")
)

// algorithms are the kinds of keys, preferred first: Ed25519, P-256, and RSA for Windows Hello on old devices (WebAuthn 3,
// 5.4.1 names these three).
var algorithms = []webauthncose.COSEAlgorithmIdentifier{webauthncose.AlgEdDSA, webauthncose.AlgES256, webauthncose.AlgRS256}

func show(lang string, r row, now time.Time) Shown {
	s := Shown{ID: r.ID, Name: r.Name, Added: account.Date(lang, time.UnixMicro(r.Created)), Copied: r.Backed != 0}
	if r.Used != 0 {
		s.Used = account.Ago(lang, time.UnixMicro(r.Used), now)
	}
	return s
}

func (p *part) list(r *merlon.Read[account.User], _ merlon.None) (*merlon.Response, error) {
	rows, err := ofUser.All(r.DB, r.User.ID, maxPasskeys)
	if err != nil {
		return nil, err
	}
	data := ListPage{Full: len(rows) >= maxPasskeys}
	for _, one := range rows {
		data.Passkeys = append(data.Passkeys, show(r.Lang(), one, r.Now()))
	}
	app, err := account.HasApp(r.DB, r.User.ID)
	if err != nil {
		return nil, err
	}
	left, err := account.CodesLeft(r.DB, r.User.ID)
	if err != nil {
		return nil, err
	}
	data.Last, data.Codes = len(rows) == 1 && !app, left > 0
	return merlon.Show(listPage, data), nil
}

func (p *part) showAdd(r *merlon.Read[account.User], _ merlon.None) (*merlon.Response, error) {
	ask, err := p.creation(r.DB, r, r.User)
	if err != nil {
		return nil, err
	}
	return merlon.Show(addPage, AddPage{Ask: ask}), nil
}

// creation makes what the browser is asked for.
func (p *part) creation(q db.Querier, r account.Asker, u account.User) (Creation, error) {
	rows, err := ofUser.All(q, u.ID, maxPasskeys)
	if err != nil {
		return Creation{}, err
	}
	handle, err := handleOf(q, u.ID)
	if err != nil {
		return Creation{}, err
	}
	c := p.challenge(r.Now(), bound{purpose: toAdd, browser: r.Binding(), user: u.ID, handle: handle})
	if handle == nil {
		handle = p.firstHandle(c)
	}
	ask := Creation{RP: Party{p.rpID, p.house.Title}, User: Person{b64.EncodeToString(handle), u.Email, u.Name},
		Challenge: b64.EncodeToString(c), Timeout: challengeLife.Milliseconds(), Exclude: []Known{}, Attestation: string(protocol.PreferNoAttestation),
		Selection: Selection{Resident: string(protocol.ResidentKeyRequirementRequired), Require: true, Verify: string(protocol.VerificationRequired)}}
	for _, a := range algorithms {
		ask.Params = append(ask.Params, Param{string(protocol.PublicKeyCredentialType), int(a)})
	}
	for _, one := range rows {
		k := Known{Type: string(protocol.PublicKeyCredentialType), ID: b64.EncodeToString(one.Credential), Transports: []string{}}
		if one.Transports != "" {
			k.Transports = strings.Split(one.Transports, ",")
		}
		ask.Exclude = append(ask.Exclude, k)
	}
	return ask, nil
}

// brought is what read found, outside of the transaction.
type brought struct {
	key       *webauthn.Credential // nil: it cannot be added
	challenge []byte
	handle    []byte
}

// read verifies the answer of a new authenticator: WebAuthn 3, 7.1.
func (p *part) read(r *merlon.Read[account.User], f form.Form[Add]) (brought, error) {
	in, ok := f.Value()
	if !ok {
		return brought{}, nil
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes([]byte(in.Answer))
	if err != nil {
		return brought{}, nil
	}
	stored, err := handleOf(r.DB, r.User.ID)
	if err != nil {
		return brought{}, err
	}
	challenge, err := b64.DecodeString(parsed.Response.CollectedClientData.Challenge)
	if err != nil || !p.fresh(challenge, r.Now(), bound{purpose: toAdd, browser: r.Binding(), user: r.User.ID, handle: stored}) {
		return brought{}, nil
	}
	handle := stored
	if handle == nil {
		handle = p.firstHandle(challenge)
	}
	rp, err := p.relying()
	if err != nil {
		return brought{}, err
	}
	session := webauthn.SessionData{Challenge: base64.RawURLEncoding.EncodeToString(challenge), RelyingPartyID: p.rpID, UserID: handle,
		UserVerification: protocol.VerificationRequired}
	for _, a := range algorithms {
		session.CredParams = append(session.CredParams, protocol.CredentialParameter{Type: protocol.PublicKeyCredentialType, Algorithm: a})
	}
	key, err := rp.CreateCredential(holder{handle: handle}, session, parsed)
	if err != nil || !sizedKey(key.PublicKey) {
		return brought{}, nil
	}
	return brought{key, challenge, handle}, nil
}

// add keeps a passkey. The challenge is used up in the same transaction.
func (p *part) add(w *merlon.Write[account.User], f form.Form[Add], b brought) (*merlon.Response, error) {
	in, ok := f.Value()
	why, codes := "", false
	if ok {
		var err error
		if why, codes, err = p.keep(w, in.Name, b); err != nil {
			return nil, err
		}
	}
	if !ok || why != "" {
		if why != "" {
			w.Record(RuleRefused, event.Failed, slog.Int64("account", w.User.ID), slog.String("reason", why))
			f = f.Reject("", say(w, why))
		}
		ask, err := p.creation(w.DB, w, w.User)
		if err != nil {
			return nil, err
		}
		return merlon.ShowStatus(422, addPage, AddPage{f, ask}), nil
	}
	if codes {
		return merlon.Redirect("/account/codes"), nil
	}
	return merlon.Redirect("/account/passkeys"), nil
}

// keep returns why a passkey is not kept: a message's id. It tells whether there are recovery codes to be shown, for the day on
// which the passkey is lost.
func (p *part) keep(w *merlon.Write[account.User], name string, b brought) (why string, codes bool, err error) {
	user := w.User.ID
	if b.key == nil {
		return "passkey.add.invalid", false, nil
	}
	stored, err := handleOf(w.DB, user)
	if err != nil {
		return "", false, err
	}
	if stored != nil && string(stored) != string(b.handle) {
		return "passkey.add.invalid", false, nil // the first two at once: the second form names another handle
	}
	n, err := countOf(w.DB, user)
	if err != nil || n >= maxPasskeys {
		return "passkey.add.many", false, err
	}
	if once, err := use(w.DB, b.challenge); err != nil || !once {
		return "passkey.add.invalid", false, err
	}
	if stored == nil {
		if _, err := insertHandle.Run(w.DB, user, b.handle); err != nil {
			return "", false, err
		}
	}
	k := b.key
	id, err := insertPasskey.Run(w.DB, user, k.ID, k.PublicKey, k.Authenticator.AAGUID, int64(k.Authenticator.SignCount), number(k.Flags.BackupEligible),
		number(k.Flags.BackupState), transports(k.Transport), name, w.Now().UnixMicro())
	if db.IsUnique(err) {
		return "passkey.add.known", false, nil // WebAuthn 3, 7.1 step 26: a credential has one owner
	}
	if err != nil {
		return "", false, err
	}
	// sessions that were opened before know nothing of it: they would change factors by the password alone
	if err := account.Raise(w); err != nil {
		return "", false, err
	}
	if err := w.Session.EndOthers(user, "factors changed"); err != nil {
		return "", false, err
	}
	w.Record(RuleAdded, event.Done, slog.Int64("account", user), slog.Int64("passkey", id))
	next, _ := w.Local("/account/passkeys")
	if codes, err = account.FirstCodes(w, next); err != nil {
		return "", false, err
	}
	return "", codes, account.NoticeAdded(w, user, "passkey.mail.added") // without its name: whoever added it chose that
}

func (p *part) show(r *merlon.Read[account.User], in ByID) (*merlon.Response, error) {
	one, err := oneOfUser.One(r.DB, in.ID, r.User.ID)
	if err != nil {
		return nil, err
	}
	data, err := pageOf(r.DB, r.User, one, r.Lang(), r.Now())
	data.Form = form.New(Rename{ID: one.ID, Name: one.Name})
	return merlon.Show(onePage, data), err
}

// pageOf is what the page of a passkey says of it.
func pageOf(q db.Querier, u account.User, one row, lang string, now time.Time) (data OnePage, err error) {
	n, err := countOf(q, u.ID)
	if err != nil {
		return data, err
	}
	app, err := account.HasApp(q, u.ID)
	return OnePage{Passkey: show(lang, one, now), Last: n == 1, Sleep: n == 1 && !app && u.Has(account.Admin)}, err
}

func (p *part) rename(w *merlon.Write[account.User], f form.Form[Rename]) (*merlon.Response, error) {
	in, ok := f.Value()
	one, err := oneOfUser.One(w.DB, in.ID, w.User.ID)
	if err != nil {
		return nil, err
	}
	if !ok {
		data, err := pageOf(w.DB, w.User, one, w.Lang(), w.Now())
		data.Form = f
		return merlon.ShowStatus(422, onePage, data), err
	}
	if _, err := renamePasskey.Run(w.DB, one.ID, w.User.ID, in.Name); err != nil {
		return nil, err
	}
	w.Record(RuleRenamed, event.Done, slog.Int64("account", w.User.ID), slog.Int64("passkey", one.ID))
	return merlon.Redirect("/account/passkeys"), nil
}

func (p *part) remove(w *merlon.Write[account.User], f form.Form[Remove]) (*merlon.Response, error) {
	in, ok := f.Value()
	if !ok {
		return nil, errors.New("passkey: a form without fields cannot fail to be read: nothing was removed; report this")
	}
	one, err := oneOfUser.One(w.DB, in.ID, w.User.ID)
	if err != nil {
		return nil, err
	}
	data, err := pageOf(w.DB, w.User, one, w.Lang(), w.Now())
	if err != nil {
		return nil, err
	}
	if _, err := deletePasskey.Run(w.DB, one.ID, w.User.ID); err != nil {
		return nil, err
	}
	if err := account.Lower(w); err != nil {
		return nil, err
	}
	if err := w.Session.EndOthers(w.User.ID, "factors changed"); err != nil { // those that it opened
		return nil, err
	}
	w.Record(RuleRemoved, event.Done, slog.Int64("account", w.User.ID), slog.Int64("passkey", one.ID))
	if err := account.Notice(w, w.User.ID, "passkey.mail.removed"); err != nil {
		return nil, err
	}
	if data.Sleep {
		return merlon.Redirect("/account/app"), nil // the page says what that means, and offers another factor
	}
	return merlon.Redirect("/account/passkeys"), nil
}
