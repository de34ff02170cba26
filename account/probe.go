package account

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/secret"
	"github.com/merlon-web/merlon/session"
)

// probe is how a drill is a user of a site with accounts.
func (a *part) probe() *merlon.Probe {
	return &merlon.Probe{Users: a.probeUsers, SignIn: probeSignIn, Post: probePost, Disable: probeDisable}
}

// probeDisable disables a made-up user.
func probeDisable(ctx context.Context, h *merlon.House, u merlon.ProbeUser) error {
	return h.Engine.Write(ctx, func(_ context.Context, w *db.Writer) error {
		row, err := userByEmail.One(w, normal(u.Email))
		if err != nil {
			return err
		}
		return Disable(h, w, row.ID, true)
	})
}

// rolesOf are the roles that the access table names, each once, and the administrator's.
func rolesOf(routes []merlon.RouteInfo) []string {
	roles := []string{Admin}
	for _, r := range routes {
		for need := range strings.SplitSeq(r.Who, " + ") {
			if role, ok := strings.CutPrefix(need, rolePrefix); ok && !slices.Contains(roles, role) {
				roles = append(roles, role)
			}
		}
	}
	return roles
}

// probeUsers makes an ordinary user and one of each role, each with a session and a link for a new password.
func (a *part) probeUsers(ctx context.Context, h *merlon.House) (all []merlon.ProbeUser, err error) {
	password := newCode()
	hash, err := a.hasher.Hash(ctx, secret.New(password), fromServer)
	if err != nil {
		return nil, err
	}
	var b [8]byte
	_, _ = rand.Read(b[:])
	tag := hex.EncodeToString(b[:])
	err = h.Engine.Write(ctx, func(_ context.Context, w *db.Writer) error {
		all = nil
		for i, role := range append([]string{""}, rolesOf(h.Routes())...) {
			u := merlon.ProbeUser{Role: role, Email: fmt.Sprintf("drill-%d-%s@drill.invalid", i, tag), Password: password}
			if err := a.probeUser(w, h, hash, &u); err != nil {
				return err
			}
			all = append(all, u)
		}
		return nil
	})
	return all, err
}

func (a *part) probeUser(w *db.Writer, h *merlon.House, hash string, u *merlon.ProbeUser) error {
	var roles []string
	if u.Role != "" {
		roles = []string{u.Role}
	}
	now := h.Clock()
	id, err := Create(w, u.Email, "Drill", hash, now, roles...)
	if err != nil {
		return err
	}
	level := session.Level{User: id, Factors: 1, Recent: now}
	if u.Role == Admin {
		level.Factors, level.Class = 2, session.Administrator
		sealed, err := a.sealTOTP(id, newTOTPSecret())
		if err != nil {
			return err
		}
		if _, err := insertTOTP.Run(w, id, sealed, now.UnixMicro(), 0); err != nil {
			return err
		}
		codes, err := makeCodes(w, id, now) // a code of the app would have to be waited for: those of the present are void
		if err != nil {
			return err
		}
		u.Code = codes[0]
	}
	code, err := issue(w, resetTicket, id, u.Email, now)
	if err != nil {
		return err
	}
	u.Link = "/account/link/" + string(resetTicket) + "/" + code
	u.Cookie, err = madeSession(w, h, level, nothingMore)
	return err
}

// probePost gives a made-up user another name.
func probePost(ctx context.Context, b merlon.Browser, u merlon.ProbeUser) error {
	const path, name = "/account/name", "Drilled"
	if status, err := b.Get(ctx, path); err != nil || status != 200 || b.Path() != path {
		return errors.Join(fmt.Errorf("account: the page of a name answered %d at %s", status, b.Path()), err)
	}
	status, err := b.Submit(ctx, path, map[string]string{"Name": name})
	if err != nil || status != 200 {
		return errors.Join(fmt.Errorf("account: another name was answered %d", status), err)
	}
	if _, err := b.Get(ctx, "/account"); err != nil || !b.Has(name) {
		return errors.Join(fmt.Errorf("account: another name was taken, and %s has the old one", b.Path()), err)
	}
	return nil
}

// probeSignIn signs a made-up user in by the sign-in page, and by its second step.
func probeSignIn(ctx context.Context, b merlon.Browser, u merlon.ProbeUser) error {
	if status, err := b.Get(ctx, "/sign-in"); err != nil || status != 200 {
		return errors.Join(fmt.Errorf("account: the sign-in page answered %d", status), err)
	}
	status, err := b.Submit(ctx, "/sign-in", map[string]string{"Email": u.Email, "Password": u.Password})
	if err == nil && b.Path() == "/sign-in/second" {
		status, err = b.Submit(ctx, "/sign-in/second", map[string]string{"Code": u.Code})
	}
	switch {
	case err != nil:
		return err
	case status != 200 || strings.HasPrefix(b.Path(), "/sign-in"):
		return fmt.Errorf("account: the sign-in ended with %d at %s", status, b.Path())
	}
	status, err = b.Get(ctx, "/account")
	if err == nil && (status != 200 || b.Path() != "/account") {
		err = fmt.Errorf("account: the account's page answered %d at %s after the sign-in", status, b.Path())
	}
	return err
}
