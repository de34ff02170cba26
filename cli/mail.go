package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/mailbox"
	"github.com/merlon-web/merlon/outbound/mail"
	"github.com/merlon-web/merlon/secret"
)

// mailSettings reads the environment. A password comes by itself or as a file's path, never in the address and never as an
// argument, which every user of the machine could read in the list of processes.
func mailSettings() merlon.MailSettings {
	return merlon.MailSettings{
		Address:      os.Getenv("MERLON_MAIL"),
		Password:     secret.New(os.Getenv("MERLON_MAIL_PASSWORD")),
		PasswordFile: os.Getenv("MERLON_MAIL_PASSWORD_FILE"),
		From:         os.Getenv("MERLON_MAIL_FROM"),
	}
}

func (p *program) mail() *cobra.Command {
	c := &cobra.Command{
		Use: "mail", GroupID: "operate", Short: "the site's mails: test, list, release",
		Long: "The site's mails: test, list, release\n\n" +
			"  MERLON_MAIL                smtp://user@host:587 or smtps://user@host:465\n" +
			"  MERLON_MAIL_PASSWORD_FILE  a file with the password, or\n" +
			"  MERLON_MAIL_PASSWORD       the password itself\n" +
			"  MERLON_MAIL_FROM           'Rowing Club <club@example.org>'",
		Example: "  " + programName() + " mail test you@example.org",
		Args:    unknownCommand,
		RunE:    func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	limit := 50
	list := &cobra.Command{Use: "list", Short: "the newest mails and what became of them, without what they say", Args: noArgs,
		Example: "  " + programName() + " mail list --limit 20",
		RunE:    func(c *cobra.Command, _ []string) error { return p.mailList(c.Context(), limit) }}
	list.Flags().IntVar(&limit, "limit", limit, "how many, at most 500")
	c.AddCommand(
		&cobra.Command{Use: "test ADDRESS", Short: "send one mail now and print what the server said", Args: exactArgs(1, "the address"),
			Example: "  " + programName() + " mail test you@example.org",
			RunE:    func(c *cobra.Command, args []string) error { return p.mailTest(c.Context(), args[0]) }},
		list,
		&cobra.Command{Use: "release", Short: "queue the mails that are held, as after a restore", Args: noArgs,
			Example: "  " + programName() + " mail release",
			RunE:    func(c *cobra.Command, _ []string) error { return p.mailRelease(c.Context()) }},
	)
	return c
}

func (p *program) mailTest(ctx context.Context, address string) error {
	to, err := mailbox.ParseAddress(address)
	if err != nil {
		return exit(ExitUsage, "%w", err)
	}
	site, err := p.site(merlon.Development)
	if err != nil {
		return err
	}
	said, err := site.TestMail(ctx, to)
	var refused *mail.Error
	switch {
	case errors.Is(err, merlon.ErrNoMail):
		return exit(ExitCannot, "no mail server is set: mails wait in the mailbox: set MERLON_MAIL=smtp://user@mail.example.org:587, MERLON_MAIL_PASSWORD_FILE and MERLON_MAIL_FROM  %s", mail.RuleNoServer.ID)
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &refused) && refused.Unreached:
		return exit(ExitCannot, "%w", err)
	case err != nil:
		return exit(ExitFailed, "%w", err)
	}
	if p.json {
		p.printJSON(map[string]any{"schema": "merlon/mail-test/v1", "server": site.MailServer(), "to": to.String(), "said": said})
		return nil
	}
	fmt.Fprintf(p.out, "sent to %s through %s\nthe server said: %s\n", to, site.MailServer(), said)
	return nil
}

// boxed runs do on the mailbox of a site that was started to be looked at: it sends nothing.
func (p *program) boxed(ctx context.Context, do func(*merlon.House) error) error {
	p.sendsNothing = true
	site, err := p.site(merlon.Development)
	if err != nil {
		return err
	}
	if err := site.Start(ctx); err != nil {
		return cannotStart(err)
	}
	err = do(site.House())
	if err := errors.Join(err, closeSite(site)); err != nil {
		return exit(ExitFailed, "%w", err)
	}
	return nil
}

func (p *program) mailList(ctx context.Context, limit int) error {
	if limit < 1 || limit > 500 {
		return exit(ExitUsage, "--limit %d is not 1 to 500: a list has an end: choose another", limit)
	}
	return p.boxed(ctx, func(h *merlon.House) error {
		r := h.Engine.Read(ctx)
		defer r.Close()
		list, err := h.Mails.List(r, 0, limit)
		if err != nil {
			return err
		}
		type shown struct {
			ID      int64      `json:"id"`
			Kind    string     `json:"kind"`
			State   string     `json:"state"`
			Domain  string     `json:"domain"`
			Created time.Time  `json:"created"`
			Tries   int        `json:"tries"`
			Next    *time.Time `json:"next,omitempty"`
			Problem string     `json:"problem,omitempty"`
		}
		all := make([]shown, len(list))
		for i, m := range list {
			all[i] = shown{ID: m.ID, Kind: m.Kind, State: string(m.State), Domain: m.To.Domain(), Created: m.Created, Tries: m.Tries, Problem: m.Problem}
			if m.State == mailbox.Queued {
				all[i].Next = &m.NextTry
			}
		}
		if p.json {
			p.printJSON(map[string]any{"schema": "merlon/mails/v1", "mails": all})
			return nil
		}
		if len(all) == 0 {
			fmt.Fprintln(p.out, "no mails")
			return nil
		}
		t := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
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

func (p *program) mailRelease(ctx context.Context) error {
	return p.boxed(ctx, func(h *merlon.House) error {
		var n int64
		err := h.Engine.Write(ctx, func(_ context.Context, w *db.Writer) (err error) {
			n, err = h.Mails.ReleaseAll(w)
			return err
		})
		if err != nil {
			return err
		}
		if p.json {
			p.printJSON(map[string]any{"schema": "merlon/mail-release/v1", "released": n})
			return nil
		}
		fmt.Fprintf(p.out, "%d mails released: the site sends them when it runs\n", n)
		return nil
	})
}
