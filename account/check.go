package account

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/password"
)

// manyAdmins is the number of administrators from which [RuleManyAdmins] is found.
const manyAdmins = 6

var (
	listPowerful = db.Query[userRow](schema, "SELECT "+userColumns+` FROM merlon_user
		WHERE roles <> '' AND disabled = 0 AND leaving = 0 ORDER BY id LIMIT 1000`)
	listStored = db.Query[struct{ ID, N int64 }](schema, `SELECT coalesce(min(id), 0) AS id, count(*) AS n FROM merlon_user
		WHERE password LIKE 'md5$%' OR password LIKE 'sha1$%' LIMIT 1`)
)

// checks are the part's: of its configuration, of the site that it is a part of, and of the users that there are.
func (a *part) checks() []check.Check {
	all := []check.Check{{Rule: RuleWeak, Run: a.checkWeak}, {Rule: RuleContact, Run: a.checkContact}}
	for _, c := range []check.Check{
		{Rule: RuleNoAdmin, Deploy: true, Run: a.checkAdmin},
		{Rule: RuleOneFactor, Deploy: true, Run: a.checkFactors},
		{Rule: RuleManyAdmins, Deploy: true, Run: a.checkMany},
		{Rule: RuleLostRole, Run: a.checkRoles},
		{Rule: RuleBreaches, Deploy: true, Run: a.checkBreaches},
		{Rule: RuleUnproven, Run: a.checkUnproven},
		{Rule: password.RuleFast, Run: a.checkFast},
		{Rule: password.RuleSlow, Deploy: true, Run: a.checkSlow},
	} {
		c.Live = true
		all = append(all, c)
	}
	return all
}

// checkSlow is what the hasher says of its own time.
func (a *part) checkSlow(ctx context.Context) (found []check.Finding) {
	for _, c := range a.hasher.Checks() {
		if c.Rule.ID == password.RuleSlow.ID {
			found = append(found, c.Run(ctx)...)
		}
	}
	return found
}

// powerful are the users with a role.
func (a *part) powerful(ctx context.Context, rule check.Rule, look func(*db.Reader, []userRow) ([]check.Finding, error)) []check.Finding {
	r := a.house.Engine.Read(ctx)
	defer r.Close()
	users, err := listPowerful.All(r)
	var found []check.Finding
	if err == nil {
		found, err = look(r, users)
	}
	if err != nil {
		found = append(found, rule.Finding("", "the users could not be read: "+err.Error(), "migrate the database, then check again"))
	}
	return found
}

func (a *part) checkAdmin(ctx context.Context) []check.Finding {
	return a.powerful(ctx, RuleNoAdmin, func(_ *db.Reader, users []userRow) ([]check.Finding, error) {
		if slices.ContainsFunc(users, isAdmin) {
			return nil, nil
		}
		return []check.Finding{RuleNoAdmin.Finding("", "no user is an administrator", "open the setup link that serve prints")}, nil
	})
}

func (a *part) checkFactors(ctx context.Context) []check.Finding {
	return a.powerful(ctx, RuleOneFactor, func(r *db.Reader, users []userRow) (found []check.Finding, err error) {
		for _, u := range users {
			if !isAdmin(u) {
				continue
			}
			has, err := a.hasSecond(r, u.ID)
			if err != nil {
				return found, err
			}
			if !has {
				found = append(found, RuleOneFactor.Finding(fmt.Sprintf("user %d", u.ID), "an administrator has a password only", "sign in as that user and add a passkey or an app, at /account"))
			}
		}
		return found, nil
	})
}

// hasSecond reports whether a user has an authenticator app, or one of the ways of other parts.
func (a *part) hasSecond(r *db.Reader, user int64) (bool, error) {
	if _, err := findTOTP.One(r, user); err == nil {
		return true, nil
	} else if !errors.Is(err, db.ErrNoRow) {
		return false, err
	}
	for _, w := range a.ways {
		n, err := w.Count(r, user)
		if err != nil || n > 0 {
			return n > 0, err
		}
	}
	return false, nil
}

func (a *part) checkMany(ctx context.Context) []check.Finding {
	return a.powerful(ctx, RuleManyAdmins, func(_ *db.Reader, users []userRow) ([]check.Finding, error) {
		n := len(slices.DeleteFunc(users, func(u userRow) bool { return !isAdmin(u) }))
		if n < manyAdmins {
			return nil, nil
		}
		return []check.Finding{RuleManyAdmins.Finding("", fmt.Sprintf("%d users are administrators", n), "give those who need less a role of their own")}, nil
	})
}

func (a *part) checkRoles(ctx context.Context) []check.Finding {
	known := map[string]bool{Admin: true}
	for _, rt := range a.house.Routes() {
		for need := range strings.SplitSeq(rt.Who, " + ") {
			if role, ok := strings.CutPrefix(need, rolePrefix); ok {
				known[role] = true
			}
		}
	}
	return a.powerful(ctx, RuleLostRole, func(_ *db.Reader, users []userRow) (found []check.Finding, _ error) {
		for _, u := range users {
			for _, role := range u.user().Roles {
				if !known[role] {
					known[role] = true // told once
					found = append(found, RuleLostRole.Finding(fmt.Sprintf("user %d", u.ID), fmt.Sprintf("has the role %q, for which no route asks", role), "correct the role, or the route"))
				}
			}
		}
		return found, nil
	})
}

func (a *part) checkUnproven(ctx context.Context) []check.Finding {
	return a.powerful(ctx, RuleUnproven, func(_ *db.Reader, users []userRow) (found []check.Finding, _ error) {
		for _, u := range users {
			if u.Verified == 0 && u.Chosen != 0 {
				found = append(found, RuleUnproven.Finding(fmt.Sprintf("user %d", u.ID), "has a role and a password, and the address was never proven", "have the user open the mail, or take the role away"))
			}
		}
		return found, nil
	})
}

func (a *part) checkFast(ctx context.Context) []check.Finding {
	r := a.house.Engine.Read(ctx)
	defer r.Close()
	n, err := listStored.One(r)
	switch {
	case err != nil:
		return []check.Finding{password.RuleFast.Finding("", "the hashes could not be read: "+err.Error(), "migrate the database, then check again")}
	case n.N == 0:
		return nil
	}
	return []check.Finding{password.RuleFast.Finding("", fmt.Sprintf("%d users have a fast hash, the first is user %d", n.N, n.ID), "import them by: user import, which wraps them")}
}
