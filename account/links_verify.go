package account

import (
	"log/slog"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/event"
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/page"
)

var (
	verifyPage = page.New[LinkPage](pages, "verify.html")
	proveEmail = db.Exec(schema, "UPDATE merlon_user SET verified = $2 WHERE id = $1 AND email = $3 AND verified = 0")
)

func (a *part) showVerify(r *merlon.Read[Guest], _ merlon.None) (*merlon.Response, error) {
	t, ok, err := showLink(r, verifyTicket)
	if err != nil || !ok {
		return merlon.Gone(), err
	}
	return merlon.Show(verifyPage, LinkPage{t.Email}), nil
}

// verify says that the address is the user's. Nobody is signed in by it: a link may be opened by another person than the
// one who chose the password.
func (a *part) verify(w *merlon.Write[Guest], _ form.Form[OneButton]) (*merlon.Response, error) {
	t, ok, err := spend(w, verifyTicket)
	if err != nil || !ok {
		return merlon.Gone(), err
	}
	row, ok, err := ticketUser(w.DB, t)
	if err != nil || !ok || row.Email != t.Email {
		return merlon.Gone(), err
	}
	if err := a.prove(w.DB, row, w.Now().UnixMicro()); err != nil {
		return nil, err
	}
	w.Record(RuleVerified, event.Done, slog.Int64("account", row.ID))
	return merlon.Redirect("/sign-in").Notice("Your address is confirmed. You can sign in now."), nil
}

// prove notes that the account's address is its owner's, once.
func (a *part) prove(w *db.Writer, row userRow, now int64) error {
	done, err := proveEmail.Run(w, row.ID, now, row.Email)
	if err != nil {
		return err
	}
	if err := void(w, row.ID, verifyTicket); err != nil || done.Rows == 0 {
		return err
	}
	return run(a.cfg.Hooks.Verified, w, row.user())
}
