package passkey

import (
	"encoding/base64"
	"errors"
	"log/slog"
	"strconv"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/account"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/event"
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/internal/text"
	"github.com/merlon-web/merlon/page"
	"github.com/merlon-web/merlon/throttle"
)

// SignIn is the form of the button: the script fills it in.
type SignIn struct {
	Answer string `form:"max=16384,hidden" label:"The passkey's answer"`
	Next   string `form:"max=2048,hidden" label:"Where to go next"`
}

// SignInPage is the data of the page passkey-sign-in.html.
type SignInPage struct {
	Form form.Form[SignIn]
	Ask  account.Ask
	Next string
}

// SignInInput is what the page takes from its address.
type SignInInput struct {
	Next string `query:"next,max=2048"`
}

var signInPage = page.New[SignInPage](pages, "passkey-sign-in.html")

// ask implements account.Way.Ask.
func (p *part) ask(r account.Asker) account.Ask {
	c := p.challenge(r.Now(), bound{purpose: toSignIn, browser: r.Binding()})
	return account.Ask{Challenge: b64.EncodeToString(c), RPID: p.rpID, Timeout: challengeLife.Milliseconds(), Verify: string(protocol.VerificationRequired)}
}

func (p *part) showSignIn(r *merlon.Read[account.Guest], in SignInInput) (*merlon.Response, error) {
	next, _ := r.Local(in.Next)
	return merlon.Show(signInPage, SignInPage{Ask: p.ask(r), Next: next.String()}), nil
}

// attempt is what verify found, outside of the transaction.
type attempt struct {
	limited   *throttle.Limited
	why       string // it failed, in one word for the event
	refused   bool   // before anything was looked up: counted, no row of its own
	row       row
	challenge []byte
	counter   uint32
	backed    bool
}

// refused is what anybody can send as often as they like: its events are counted, not written one by one.
func refused(why string) attempt { return attempt{why: why, refused: true} }

// verify looks whether the challenge is this site's and was given to this browser, and which passkey is named. Only then is the
// attempt counted, for that passkey and by the known device, or by the network (throttle.Passkey): what names none that there
// is costs nobody a place, so that neighbours cannot keep a passkey out. Then the answer is verified, with no transaction
// open.
func (p *part) verify(r *merlon.Read[account.Guest], f form.Form[SignIn]) (attempt, error) {
	in, ok := f.Value()
	if !ok || in.Answer == "" {
		return refused("no answer"), nil
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes([]byte(in.Answer))
	if err != nil {
		return refused("unreadable"), nil
	}
	challenge, err := b64.DecodeString(parsed.Response.CollectedClientData.Challenge)
	if err != nil || !p.fresh(challenge, r.Now(), bound{purpose: toSignIn, browser: r.Binding()}) {
		return refused("challenge"), nil
	}
	found, err := findPasskey.One(r.DB, parsed.RawID)
	if errors.Is(err, db.ErrNoRow) {
		return refused("unknown"), nil
	}
	if err != nil {
		return attempt{}, err
	}
	device, err := account.KnownDevice(r, found.User)
	if err != nil {
		return attempt{}, err
	}
	permit, err := p.house.Limits.Reserve(r.Context(), throttle.Passkey(strconv.FormatInt(found.ID, 10), device, r.Client())...)
	var limited *throttle.Limited
	if errors.As(err, &limited) {
		return attempt{limited: limited}, nil
	}
	if err != nil {
		return attempt{}, err
	}
	if err := permit.Spend(throttle.ForPasskey); err != nil {
		return attempt{}, err
	}
	t, err := p.judge(r, found, parsed, challenge)
	_ = r.DB.Close()
	if err != nil {
		return t, err
	}
	return t, permit.Settle(r.Context(), t.why == "")
}

// judge follows WebAuthn 3, 7.2: the challenge, which is of this site and for this browser, was not used; the credential, which
// is known, is its user's; name, origin, user verification and signature are right.
func (p *part) judge(r *merlon.Read[account.Guest], found row, parsed *protocol.ParsedCredentialAssertionData, challenge []byte) (attempt, error) {
	if used, err := wasUsed(r.DB, challenge); used || err != nil {
		return attempt{why: "used", row: found}, err
	}
	handle, err := handleOf(r.DB, found.User)
	if err != nil {
		return attempt{}, err
	}
	rp, err := p.relying()
	if err != nil {
		return attempt{}, err
	}
	of := func(_, _ []byte) (webauthn.User, error) {
		return holder{handle, []webauthn.Credential{found.credential()}}, nil
	}
	_, c, err := rp.ValidatePasskeyLogin(of, webauthn.SessionData{Challenge: base64.RawURLEncoding.EncodeToString(challenge),
		RelyingPartyID: p.rpID, UserVerification: protocol.VerificationRequired}, parsed)
	if err != nil {
		return attempt{why: "invalid", row: found}, nil
	}
	return attempt{row: found, challenge: challenge, counter: parsed.Response.AuthenticatorData.Counter, backed: c.Flags.BackupState}, nil
}

func (p *part) signIn(w *merlon.Write[account.Guest], f form.Form[SignIn], t attempt) (*merlon.Response, error) {
	if t.limited != nil {
		return merlon.TooMany(t.limited.Until), nil
	}
	next, _ := w.Local(f.Raw("Next"))
	why := t.why
	if why == "" {
		var res *merlon.Response
		var err error
		if res, why, err = p.enter(w, t, next); err != nil || why == "" {
			return res, err
		}
	}
	// An unknown passkey, a false one and one of a user who may not come in are answered alike.
	outcome := event.Failed
	if t.refused {
		outcome = event.Refused
	}
	w.Record(RuleFailed, outcome, slog.String("reason", why), slog.Int64("account", t.row.User))
	f = f.Reject("", say(w, "passkey.sign-in.wrong"))
	return merlon.ShowStatus(422, signInPage, SignInPage{Form: f, Ask: p.ask(w), Next: f.Raw("Next")}), nil
}

// enter signs the user in, in the transaction: what was verified before must still hold, the challenge is used up. It
// returns why not, in one word.
func (p *part) enter(w *merlon.Write[account.Guest], t attempt, next merlon.Local) (res *merlon.Response, why string, err error) {
	now, err := findPasskey.One(w.DB, t.row.Credential)
	if err != nil && !errors.Is(err, db.ErrNoRow) {
		return nil, "", err
	}
	if err != nil || !now.same(t.row) {
		return nil, "removed", nil
	}
	if w.User.SignedIn && w.User.User.ID != now.User {
		return nil, "another user", nil // who confirms what they do must be who does it
	}
	if once, err := use(w.DB, t.challenge); err != nil || !once {
		return nil, "used", err
	}
	if (t.counter != 0 || now.Counter != 0) && int64(t.counter) <= now.Counter {
		// WebAuthn 3, 6.1.1: a sign of a copy, or none; a passkey that is meant to be copied may fall back honestly.
		w.Record(RuleCounter, event.Failed, slog.Int64("account", now.User), slog.Int64("passkey", now.ID), slog.Bool("copied", now.Eligible != 0))
		if now.Eligible == 0 {
			return nil, "counter", nil
		}
	}
	if _, err := usePasskey.Run(w.DB, now.ID, max(int64(t.counter), now.Counter), number(t.backed), w.Now().UnixMicro()); err != nil {
		return nil, "", err
	}
	res, err = account.Enter(w, now.User, "passkey", next)
	if errors.Is(err, merlon.ErrSignIn) || errors.Is(err, db.ErrNoRow) {
		return nil, "account", nil
	}
	return res, "", err
}

// say returns one of Merlon's own messages in the visitor's language.
func say(r interface{ Lang() string }, id string, args ...any) string {
	return text.Own().Format(r.Lang(), id, args...)
}
