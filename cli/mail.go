package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"text/tabwriter"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/internal/setting"
	"github.com/merlon-web/merlon/mailbox"
	"github.com/merlon-web/merlon/outbound/mail"
	"github.com/merlon-web/merlon/secret"
)

// mailSettings reads the environment. A password comes by itself or as a file's path, never in the address and never as an
// argument, which every user of the machine could read in the list of processes:
//
//	MERLON_MAIL                smtp://user@host:587 or smtps://user@host:465
//	MERLON_MAIL_PASSWORD_FILE  a file with the password, or
//	MERLON_MAIL_PASSWORD       the password itself
//	MERLON_MAIL_FROM           Rowing Club <club@example.org>
func mailSettings() merlon.MailSettings {
	return merlon.MailSettings{
		Address:      os.Getenv(setting.MailAddress.Variable()),
		Password:     secret.New(os.Getenv(setting.MailPassword)),
		PasswordFile: os.Getenv(setting.MailPasswordFile.Variable()),
		From:         os.Getenv(setting.MailFrom.Variable()),
	}
}

// mailCommands are the commands of the mailbox.
var mailCommands = []merlon.Command{
	{Name: "mail test", Args: "ADDRESS", Short: "send one mail now and print what the server said", Example: "you@example.org", Run: mailTest},
	{Name: "mail list", Short: "the newest mails and what became of them, without what they say", Example: "--limit 20", Run: mailList,
		Flags: []merlon.Flag{{Name: "limit", Usage: "how many, at most 500; 50 if it is left out"}}},
	{Name: "mail release", Short: "queue the mails that are held, as after a restore", Run: mailRelease},
}

func mailTest(ctx context.Context, c *merlon.Call) error {
	to, err := mailbox.ParseAddress(c.Arg(0))
	if err != nil {
		return merlon.Misused("%s", err)
	}
	said, err := c.House.TestMail(ctx, to)
	var refused *mail.Error
	switch {
	case errors.Is(err, merlon.ErrNoMail):
		return merlon.Cannot("no mail server is set: mails wait in the mailbox: set %s=smtp://user@mail.example.org:587, %s and %s, or the table [mail] of %s  %s", setting.MailAddress.Variable(), setting.MailPasswordFile.Variable(), setting.MailFrom.Variable(), settingsName, mail.RuleNoServer.ID)
	case errors.As(err, &refused) && refused.Unreached:
		return merlon.Cannot("%s", err)
	case err != nil:
		return err
	}
	server := c.House.MailServer()
	return c.Answer("merlon/mail-test/v1", "mail", map[string]any{"server": server, "to": to.String(), "said": said}, func(out io.Writer) error {
		_, err := fmt.Fprintf(out, "sent to %s through %s\nthe server said: %s\n", to, server, said)
		return err
	})
}

type mailLine struct {
	ID      int64      `json:"id"`
	Kind    string     `json:"kind"`
	State   string     `json:"state"`
	Domain  string     `json:"domain"`
	Created time.Time  `json:"created"`
	Tries   int        `json:"tries"`
	Next    *time.Time `json:"next,omitempty"`
	Problem string     `json:"problem,omitempty"`
}

func mailList(ctx context.Context, c *merlon.Call) error {
	limit, err := number("--limit", c.Flag("limit"))
	if err != nil {
		return err
	}
	if limit == 0 {
		limit = 50
	}
	if limit > 500 {
		return merlon.Misused("--limit %d is more than 500: a list has an end: choose another", limit)
	}
	r := c.House.Engine.Read(ctx)
	defer r.Close()
	list, err := c.House.Mails.List(r, 0, int(limit))
	if err != nil {
		return err
	}
	all := make([]mailLine, len(list))
	for i, m := range list {
		all[i] = mailLine{ID: m.ID, Kind: m.Kind, State: string(m.State), Domain: m.To.Domain(), Created: m.Created, Tries: m.Tries, Problem: m.Problem}
		if m.State == mailbox.Queued {
			all[i].Next = &m.NextTry
		}
	}
	return c.Answer("merlon/mails/v1", "mails", all, func(out io.Writer) error {
		if len(all) == 0 {
			_, err := fmt.Fprintln(out, "no mails")
			return err
		}
		t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(t, "ID\tKIND\tSTATE\tDOMAIN\tTRIES\tNEXT TRY\tPROBLEM")
		for _, m := range all {
			next := "-"
			if m.Next != nil {
				next = m.Next.Format(time.RFC3339)
			}
			fmt.Fprintf(t, "%d\t%s\t%s\t%s\t%d\t%s\t%s\n", m.ID, m.Kind, m.State, m.Domain, m.Tries, next, m.Problem)
		}
		return t.Flush()
	})
}

func mailRelease(ctx context.Context, c *merlon.Call) error {
	var n int64
	err := c.House.Engine.Write(ctx, func(_ context.Context, w *db.Writer) (err error) {
		n, err = c.House.Mails.ReleaseAll(w)
		return err
	})
	if err != nil {
		return err
	}
	return c.Answer("merlon/mail-release/v1", "released", n, func(out io.Writer) error {
		_, err := fmt.Fprintf(out, "%d mails released: the site sends them when it runs\n", n)
		return err
	})
}
