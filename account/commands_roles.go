package account

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/event"
)

func (a *part) laterCommands() []merlon.Command {
	return []merlon.Command{
		{Name: "user link", Args: "EMAIL", Short: "print the link for the first password of an account again, in the place of the one before", Example: `ann@example.org --reason "the first one was lost"`,
			Flags: []merlon.Flag{{Name: "reason", Usage: "why, for the record", Required: true}}, Run: a.userLink},
		{Name: "user roles", Args: "EMAIL", Short: "the roles of an account; with --add and --remove: change them", Example: `ann@example.org --add board --reason "elected"`, Run: a.userRoles,
			Flags: []merlon.Flag{{Name: "add", Usage: "roles to give, separated by commas"}, {Name: "remove", Usage: "roles to take away, separated by commas"},
				{Name: "reason", Usage: "why, for the record; a change needs it"},
				{Name: "new-role", Usage: "take a role that no route asks for", Switch: true},
				{Name: "last-admin", Usage: "also take the role admin from the only administrator", Switch: true}}},
	}
}

// userRoles shows the roles of an account, or changes them as [SetRoles] does: the sessions end, a mail tells.
func (a *part) userRoles(ctx context.Context, c *merlon.Call) error {
	add, remove := split(c.Flag("add")), split(c.Flag("remove"))
	if err := checkRoles(slices.Concat(add, remove)); err != nil {
		return merlon.Misused("%s", err)
	}
	for _, role := range add {
		if slices.Contains(remove, role) {
			return merlon.Misused("%s is to be given and to be taken away: leave it out of --add or of --remove", role)
		}
	}
	if len(add)+len(remove) > 0 && strings.TrimSpace(c.Flag("reason")) == "" {
		return merlon.Misused("--reason is missing: who may do what was changed, and why, must be known afterwards: add it, as in: --reason \"elected\"")
	}
	if err := usedRoles(c, add); err != nil {
		return err
	}
	row, err := a.named(ctx, c)
	if err != nil {
		return err
	}
	if len(add)+len(remove) > 0 {
		err = c.House.Engine.Write(ctx, func(_ context.Context, w *db.Writer) error {
			var err error
			if row, err = userByID.One(w, row.ID); err != nil {
				return err
			}
			return a.changeRoles(w, c, &row, add, remove)
		})
		if err != nil {
			return err
		}
	}
	roles := row.user().Roles
	if roles == nil {
		roles = []string{}
	}
	return c.Answer("merlon/user-roles/v1", "user", map[string]any{"id": row.ID, "email": row.Email, "roles": roles}, func(out io.Writer) error {
		_, err := fmt.Fprintf(out, "%s: %s\n", event.Clean(row.Email), listed(roles))
		return err
	})
}

func (a *part) changeRoles(w *db.Writer, c *merlon.Call, row *userRow, add, remove []string) error {
	before := row.user().Roles
	for _, role := range remove {
		if !slices.Contains(before, role) {
			return merlon.Misused("%s has not the role %q, so that it cannot be taken away: the account has %s", row.Email, role, listed(before))
		}
	}
	after := slices.DeleteFunc(slices.Clone(before), func(role string) bool { return slices.Contains(remove, role) })
	for _, role := range add {
		if !slices.Contains(after, role) {
			after = append(after, role)
		}
	}
	if len(add) > 0 && row.waiting() {
		return merlon.Refuse("%s got no role: the address is not proven, and whoever signed up with it may not be its owner: wait until its mail is opened, or make the account yourself, in the place of that sign-up (user add %s --role %s)", row.Email, row.Email, strings.Join(add, ","))
	}
	if slices.Contains(remove, Admin) {
		if err := keepAdmin(w, c, row.ID); err != nil {
			return err
		}
	}
	row.Roles = strings.Join(after, ",")
	return setRoles(c.House, w, row.ID, after, slog.String("reason", c.Flag("reason")))
}

// split reads roles that are separated by commas.
func split(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, ",")
}
