package account

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/event"
	"github.com/merlon-web/merlon/journal"
	"github.com/merlon-web/merlon/mailbox"
	"github.com/merlon-web/merlon/throttle"
)

// commands are what the part adds to the site's own program. Where a person is set free or shut out a reason is asked for.
func (a *part) commands() []merlon.Command {
	reason := merlon.Flag{Name: "reason", Usage: "why, for the record", Required: true}
	return append([]merlon.Command{
		{Name: "user add", Args: "EMAIL [NAME]", Short: "make an account and print the link with which its user chooses a password; without a name it is called as the address before the @", Example: `ann@example.org "Ann Ash" --role board`,
			Flags: []merlon.Flag{{Name: "role", Usage: "roles, separated by commas"}, {Name: "reason", Usage: "why, for the record; may be left out"},
				{Name: "new-role", Usage: "take a role that no route asks for", Switch: true}}, Run: a.userAdd},
		{Name: "user invite", Args: "EMAIL", Short: "mail an invitation to sign up, on a closed site too", Example: "ann@example.org", Run: a.userInvite},
		{Name: "user list", Short: "the accounts, newest first", Run: a.userList, Flags: []merlon.Flag{{Name: "limit", Usage: "how many; 100 if it is left out"}}},
		{Name: "user disable", Args: "EMAIL", Short: "shut a user out at once", Example: `ann@example.org --reason "left the club"`,
			Flags: []merlon.Flag{reason, {Name: "last-admin", Usage: "also the only administrator", Switch: true}}, Run: a.userDisable},
		{Name: "user enable", Args: "EMAIL", Short: "let a user in again", Example: `ann@example.org --reason "back"`, Flags: []merlon.Flag{reason}, Run: a.userEnable},
		{Name: "user unlock", Args: "EMAIL", Short: "release the limits on an account", Example: `ann@example.org --reason "called, was recognised"`, Flags: []merlon.Flag{reason}, Run: a.userUnlock},
		{Name: "user reset-2fa", Args: "EMAIL", Short: "take away an account's second factors", Example: `ann@example.org --reason "phone lost, showed passport"`, Flags: []merlon.Flag{reason}, Run: a.userResetFactors},
		{Name: "user delete", Args: "EMAIL", Short: "delete an account for good", Example: `ann@example.org --reason "asked by letter" --confirm ann@example.org`,
			Flags: []merlon.Flag{reason, {Name: "confirm", Usage: "the address once more"}, {Name: "last-admin", Usage: "also the only administrator", Switch: true}}, Run: a.userDelete},
		{Name: "user import", Args: "FILE", Short: "make accounts from Django's dumpdata (JSON) or a CSV file", Example: "users.json --dry-run", File: true, Run: a.userImport, Long: importHelp,
			Flags: []merlon.Flag{{Name: "dry-run", Usage: "tell what would be done, and do nothing", Switch: true},
				{Name: "admins", Usage: "superusers become administrators", Switch: true}}},
	}, a.laterCommands()...)
}

// named finds the account of a command.
func (a *part) named(ctx context.Context, c *merlon.Call) (userRow, error) {
	r := c.House.Engine.Read(ctx)
	defer r.Close()
	row, err := userByEmail.One(r, normal(c.Arg(0)))
	if errors.Is(err, db.ErrNoRow) {
		return row, fmt.Errorf("no account has the address %s: see user list", event.Clean(c.Arg(0)))
	}
	return row, err
}

// act does something to an account in one transaction, with its event.
func (a *part) act(ctx context.Context, c *merlon.Call, rule check.Rule, row userRow, do func(w *db.Writer) error) error {
	return c.House.Engine.Write(ctx, func(_ context.Context, w *db.Writer) error {
		if err := do(w); err != nil {
			return err
		}
		e := event.New(rule, event.Done, slog.Int64("account", row.ID), slog.String("reason", c.Flag("reason")), event.ByCommand())
		e.Time = c.House.Clock() // of no user: the operator did it
		return journal.Append(w, e)
	})
}

func (a *part) userAdd(ctx context.Context, c *merlon.Call) error {
	address, err := mailbox.ParseAddress(strings.TrimSpace(c.Arg(0)))
	if err != nil {
		return merlon.Misused("%s", err)
	}
	name := strings.TrimSpace(c.Arg(1))
	if name == "" {
		name, _, _ = strings.Cut(address.String(), "@")
	}
	if !fitName(name) {
		return merlon.Misused("the name is refused: it has more than 80 characters or control characters: use a shorter one")
	}
	roles := split(c.Flag("role"))
	if err := checkRoles(roles); err != nil {
		return merlon.Misused("%s", err)
	}
	if err := usedRoles(c, roles); err != nil {
		return err
	}
	link := ""
	now := c.House.Clock()
	var id int64
	err = c.House.Engine.Write(ctx, func(_ context.Context, w *db.Writer) error {
		if _, err := a.vacate(w, normal(address.String())); err != nil {
			return err
		}
		var err error
		if id, err = create(w, address.String(), name, NoPassword, now, time.Time{}, roles...); errors.Is(err, ErrExists) {
			return existing(w, normal(address.String()))
		}
		if err != nil {
			return err
		}
		if link, err = a.enrolment(w, id, address.String(), now); err != nil {
			return err
		}
		about := []slog.Attr{slog.Int64("account", id), slog.String("roles", strings.Join(roles, ",")), event.ByCommand()}
		if why := strings.TrimSpace(c.Flag("reason")); why != "" {
			about = append(about, slog.String("reason", why))
		}
		e := event.New(RuleMadeBy, event.Done, about...)
		e.Time = now
		return journal.Append(w, e)
	})
	if err != nil {
		return err
	}
	data, say := printed(id, normal(address.String()), link, "account %d is there; its user chooses a password here, once, within %d hours:\n\n  %s\n")
	return c.Answer("merlon/user-add/v1", "user", data, say)
}

// existing says what can be done with the account that an address has already.
func existing(from db.Querier, email string) error {
	row, err := userByEmail.One(from, email)
	if err != nil {
		return err
	}
	unused, err := row.unused(from)
	if err != nil {
		return err
	}
	link := ""
	if unused {
		link = fmt.Sprintf("to print the link for its first password again: user link %s --reason WHY; ", row.Email)
	}
	return fmt.Errorf("%s has an account already, and an address has one: %sto give it a role: user roles %[1]s --add ROLE --reason WHY; to see it: user list", row.Email, link)
}

// usedRoles refuses a role that opens nothing: it is mistyped, mostly. One that only pages and handlers ask for is taken with
// --new-role.
func usedRoles(c *merlon.Call, roles []string) error {
	known := []string{Admin}
	for _, need := range c.House.Needs() {
		if role, ok := strings.CutPrefix(need, rolePrefix); ok {
			known = append(known, role)
		}
	}
	for _, role := range roles {
		if slices.Contains(known, role) || c.Flag("new-role") != "" {
			continue
		}
		hint := "the routes ask for " + strings.Join(known, ", ")
		if n, ok := check.Nearest(role, known); ok {
			hint = "did you mean " + n + "?"
		}
		return merlon.Misused("no route asks for the role %q: an account with it could do nothing more: %s (--new-role takes it all the same)", role, hint)
	}
	return nil
}

// userInvite mails a link with which its reader signs up: the address is proven by it.
func (a *part) userInvite(ctx context.Context, c *merlon.Call) error {
	address, err := mailbox.ParseAddress(strings.TrimSpace(c.Arg(0)))
	if err != nil {
		return merlon.Misused("%s", err)
	}
	err = c.House.Engine.Write(ctx, func(_ context.Context, w *db.Writer) error {
		if err := a.invite(w, c.House.Lang(), address.String(), c.House.Clock()); err != nil {
			return err
		}
		e := event.New(RuleInvited, event.Done)
		e.Time = c.House.Clock()
		return journal.Append(w, e)
	})
	if err == nil {
		fmt.Fprintf(c.Out, "an invitation to %s waits to be sent; its link works for %d hours\n", address, int(ticketLives[inviteTicket].Hours()))
	}
	return err
}

type userLine struct {
	ID      int64     `json:"id"`
	Email   string    `json:"email"`
	Name    string    `json:"name"`
	Roles   []string  `json:"roles"`
	State   string    `json:"state"`
	Created time.Time `json:"created"`
}

// state is what an account is in a word, or two: what is shut out is not deleted, and will be.
func (r userRow) state() string {
	switch {
	case r.Disabled != 0 && r.Leaving != 0:
		return "disabled, leaving"
	case r.Disabled != 0:
		return "disabled"
	case r.Leaving != 0:
		return "leaving"
	case r.Verified == 0:
		return "unverified"
	}
	return "active"
}

func (a *part) userList(ctx context.Context, c *merlon.Call) error {
	limit := 100
	if n := c.Flag("limit"); n != "" {
		if _, err := fmt.Sscanf(n, "%d", &limit); err != nil || limit < 1 || limit > 100_000 {
			return merlon.Misused("--limit is %q: it takes a number from 1 to 100000: write one", event.Clean(n))
		}
	}
	r := c.House.Engine.Read(ctx)
	defer r.Close()
	rows, err := listUsers.All(r, limit)
	if err != nil {
		return err
	}
	lines := make([]userLine, 0, len(rows))
	for _, r := range rows {
		roles := r.user().Roles
		if roles == nil {
			roles = []string{}
		}
		lines = append(lines, userLine{r.ID, r.Email, r.Name, roles, r.state(), time.UnixMicro(r.Created).UTC()})
	}
	return c.Answer("merlon/users/v1", "users", lines, func(out io.Writer) error {
		if len(lines) == 0 {
			_, err := fmt.Fprintln(out, "no accounts")
			return err
		}
		t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(t, "ID\tADDRESS\tNAME\tROLES\tSTATE\tSINCE")
		for _, l := range lines {
			fmt.Fprintf(t, "%d\t%s\t%s\t%s\t%s\t%s\n", l.ID, event.Clean(l.Email), event.Clean(l.Name), strings.Join(l.Roles, ","), l.State, l.Created.Format(time.DateOnly))
		}
		return t.Flush()
	})
}

// keepAdmin refuses what would leave the site without an administrator who is let in, unless that is said.
func keepAdmin(w *db.Writer, c *merlon.Call, user int64) error {
	row, err := userByID.One(w, user)
	if err != nil || row.Disabled != 0 || c.Flag("last-admin") != "" {
		return err
	}
	if only, err := isLast(w, row.user()); err != nil || !only {
		return err
	}
	return merlon.Refuse("%s is the only administrator: nobody could look after the site in the browser: make another first (user roles EMAIL --add %s, or user add EMAIL --role %[2]s), or say --last-admin", row.Email, Admin)
}

func (a *part) userDisable(ctx context.Context, c *merlon.Call) error {
	row, err := a.named(ctx, c)
	if err != nil {
		return err
	}
	err = a.act(ctx, c, RuleDisabled, row, func(w *db.Writer) error {
		if err := keepAdmin(w, c, row.ID); err != nil {
			return err
		}
		return Disable(c.House, w, row.ID, true)
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(c.Out, "%s is shut out; all sessions have ended\n", row.Email)
	if row.Leaving != 0 {
		fmt.Fprintf(c.Out, "its deletion was asked for on its page, and waits: user enable gives its owner 14 days to call it back, user delete deletes it now\n")
	}
	return nil
}

func (a *part) userEnable(ctx context.Context, c *merlon.Call) error {
	row, err := a.named(ctx, c)
	if err != nil {
		return err
	}
	err = a.act(ctx, c, RuleEnabled, row, func(w *db.Writer) error { return Disable(c.House, w, row.ID, false) })
	if err == nil {
		fmt.Fprintf(c.Out, "%s may sign in again\n", row.Email)
	}
	return err
}

// userUnlock empties the buckets that count attempts at the account: those of strangers, of its known devices, and of
// second factors. What a network did wrong stays counted.
func (a *part) userUnlock(ctx context.Context, c *merlon.Call) error {
	row, err := a.named(ctx, c)
	if err != nil {
		return err
	}
	buckets, err := a.limitsOf(ctx, row)
	if err != nil {
		return err
	}
	if err := c.House.Limits.Release(ctx, c.Flag("reason"), buckets...); err != nil {
		return err
	}
	err = a.act(ctx, c, RuleUnlocked, row, func(*db.Writer) error { return nil })
	if err == nil {
		fmt.Fprintf(c.Out, "%s may try again at once\n", row.Email)
	}
	return err
}

// limitsOf are the buckets of an account.
func (a *part) limitsOf(ctx context.Context, row userRow) ([]throttle.Bucket, error) {
	r := a.house.Engine.Read(ctx)
	devices, err := listDevices.All(r, row.ID, maxDevices)
	_ = r.Close()
	if err != nil {
		return nil, err
	}
	all := append([]throttle.Bucket{throttle.Account(row.Email)}, throttle.Factor(row.Email, "", "")...)
	all = append(all, throttle.FactorMailed(row.Email, "")...)
	for _, d := range devices {
		all = append(all, throttle.Device(row.Email, d.name()))
		all = append(all, throttle.Factor(row.Email, "", d.name())...)
	}
	return all, nil
}

func (a *part) userResetFactors(ctx context.Context, c *merlon.Call) error {
	row, err := a.named(ctx, c)
	if err != nil {
		return err
	}
	err = a.act(ctx, c, RuleFactorsReset, row, func(w *db.Writer) error {
		if err := a.dropFactors(w, row.ID); err != nil {
			return err
		}
		if _, err := c.House.Sessions.EndUser(w, row.ID, "second factors reset"); err != nil {
			return err
		}
		return a.factorNotice(w, c.House.Lang(), c.House.Clock(), row, "account.mail.factors-reset")
	})
	if err == nil {
		fmt.Fprintf(c.Out, "%s signs in by password alone until a second factor is set up; all sessions have ended, and a mail says so\n", row.Email)
	}
	return err
}

func (a *part) userDelete(ctx context.Context, c *merlon.Call) error {
	row, err := a.named(ctx, c)
	if err != nil {
		return err
	}
	if normal(c.Flag("confirm")) != row.Email {
		return merlon.Refuse("%s was not deleted: what is deleted is gone for good: repeat the address with --confirm %s", row.Email, row.Email)
	}
	err = a.act(ctx, c, RuleDeleted, row, func(w *db.Writer) error {
		if err := keepAdmin(w, c, row.ID); err != nil {
			return err
		}
		return a.erase(w, row)
	})
	if err == nil {
		fmt.Fprintf(c.Out, "account %d is gone\n", row.ID)
	}
	return err
}
