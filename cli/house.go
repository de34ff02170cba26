package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/event"
	"github.com/merlon-web/merlon/journal"
	"github.com/merlon-web/merlon/session"
)

// houseCommands are those of the rooms that every site has.
var houseCommands = slices.Concat([]merlon.Command{
	{Name: "events", Short: "the newest security events", Example: "--outcome refused", Run: listEvents, Flags: []merlon.Flag{
		{Name: "limit", Usage: "how many, at most 500; 50 if it is left out"},
		{Name: "id", Usage: "only those of a rule: MRL-ACCT-002"},
		{Name: "outcome", Usage: "only refused, failed or done"},
		{Name: "user", Usage: "only those that a user did or that concern the user, by id"}}},
	{Name: "events verify", Short: "prove that no event was altered or taken out", Run: verifyEvents},
	{Name: "session list", Short: "who is signed in", Example: "--user 7", Run: listSessions, Flags: []merlon.Flag{{Name: "user", Usage: "only those of a user's id"}}},
	{Name: "session limits", Short: "how long sessions live, and how attempts are limited", Run: listLimits},
	{Name: "session revoke", Args: "ID", Short: "end a session", Example: "12 --reason \"machine lost\"", Run: revokeSession, Flags: []merlon.Flag{
		{Name: "reason", Usage: "why, for the record", Required: true}}},
}, mailCommands, jobCommands, maintenanceCommands)

func number(flag, text string) (int64, error) {
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 1 {
		return 0, merlon.Misused("%s is %q: it takes a whole number above 0: write one", flag, text)
	}
	return n, nil
}

// An eventLine is one event, or equal refusals of one minute, which are counted.
type eventLine struct {
	Seq     int64           `json:"seq,omitempty"` // its row; of counted refusals none
	Time    time.Time       `json:"time"`
	ID      string          `json:"id"`
	Outcome string          `json:"outcome"`
	Title   string          `json:"title"`
	Guards  string          `json:"guards"`
	User    int64           `json:"user,omitempty"`    // who did it
	Account int64           `json:"account,omitempty"` // whom it concerns
	Client  string          `json:"client,omitempty"`  // an address; of refusals a network
	Route   string          `json:"route,omitempty"`
	Count   int64           `json:"count"`
	Detail  json.RawMessage `json:"detail,omitempty"`
}

// aboutEvent is what lists take from an event's details.
type aboutEvent struct {
	Account int64  `json:"account"`
	By      string `json:"by"`
	On      *bool  `json:"on"`
}

// words say what an event is: its rule's title, which may name two things.
func (l eventLine) words() string {
	var about aboutEvent
	_ = json.Unmarshal(l.Detail, &about)
	switch {
	case l.ID != RuleMaintained.ID || about.On == nil:
		return l.Title
	case *about.On:
		return "the site was closed for maintenance"
	}
	return "the site was opened again after maintenance"
}

// by is who did it: a user's id, or the operator by a command.
func (l eventLine) by() string {
	var about aboutEvent
	_ = json.Unmarshal(l.Detail, &about)
	if l.User == 0 && l.Route == "" && about.By == "command" {
		return "command"
	}
	return orDash(l.User)
}

// eventTime is RFC 3339 with milliseconds: several events of one second are in their order.
const eventTime = "2006-01-02T15:04:05.000Z07:00"

func listEvents(ctx context.Context, c *merlon.Call) error {
	f := journal.Filter{ID: strings.ToUpper(c.Flag("id")), Outcome: c.Flag("outcome")}
	limit, err := number("--limit", c.Flag("limit"))
	if err != nil {
		return err
	}
	if limit == 0 {
		limit = 50
	}
	f.Limit = int(min(limit, 500))
	if f.Account, err = number("--user", c.Flag("user")); err != nil {
		return err
	}
	switch f.Outcome {
	case "", "refused", "failed", "done":
	default:
		return merlon.Misused("--outcome is %q: events are refused, failed or done: write one of them", f.Outcome)
	}
	r := c.House.Engine.Read(ctx)
	defer r.Close()
	found, err := wanted(r, f)
	if err != nil {
		return err
	}
	lines := make([]eventLine, 0, len(found))
	for _, e := range found {
		var about aboutEvent
		_ = json.Unmarshal(e.Detail, &about) // details without one concern nobody
		lines = append(lines, eventLine{e.Seq, e.Time, e.ID, e.Outcome, e.Title, e.Property, e.User, about.Account, e.Client, e.Route, 1, e.Detail})
	}
	if f.Account == 0 && (f.Outcome == "" || f.Outcome == "refused") { // refusals are counted by network, of nobody
		refused, err := journal.ListRefused(r, f)
		if err != nil {
			return err
		}
		for _, e := range refused {
			lines = append(lines, eventLine{Time: e.Last, ID: e.ID, Outcome: "refused", Title: e.Title, Guards: e.Property, Client: e.Network, Route: e.Route, Count: e.Count})
		}
	}
	slices.SortStableFunc(lines, func(a, b eventLine) int { // those of one request have one time
		return cmp.Or(b.Time.Compare(a.Time), cmp.Compare(b.Seq, a.Seq))
	})
	lines = lines[:min(len(lines), f.Limit)]
	if len(lines) == 0 && f.ID != "" { // events of a part that the site has no more are found all the same
		if err := knownRule(c.House, f.ID); err != nil {
			return err
		}
	}
	return c.Answer("merlon/events/v1", "events", lines, func(out io.Writer) error {
		if len(lines) == 0 {
			_, err := fmt.Fprintln(out, "no events")
			return err
		}
		t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(t, "TIME\tID\tOUTCOME\tWHAT\tTIMES\tBY\tACCOUNT\tFROM\tROUTE")
		for _, l := range lines {
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%d\t%s\t%s\t%s\t%s\n", l.Time.Format(eventTime), l.ID, l.Outcome, l.words(), l.Count, l.by(), orDash(l.Account), l.Client, l.Route)
		}
		return t.Flush()
	})
}

// wanted lists as many events as the filter wants. An account's list minds no id: what has another is left out page by page.
func wanted(from db.Querier, f journal.Filter) (found []journal.Entry, err error) {
	for {
		page, err := journal.List(from, f)
		if err != nil {
			return nil, err
		}
		for _, e := range page {
			if f.ID == "" || e.ID == f.ID {
				found = append(found, e)
			}
		}
		if len(page) < f.Limit || len(found) >= f.Limit {
			return found[:min(len(found), f.Limit)], nil
		}
		f.Before = page[len(page)-1].Seq
	}
}

// knownRule refuses an id that no event can have.
func knownRule(h *merlon.House, id string) error {
	var ids []string
	for _, r := range slices.Concat(h.Rules(), Rules()) {
		if r.ID == id {
			return nil
		}
		ids = append(ids, r.ID)
	}
	hint := "see explain for the list"
	if n, ok := check.Nearest(id, ids); ok {
		hint = "did you mean " + n + "?"
	}
	return merlon.Misused("--id is %q: no rule has this id, so no event has it: %s", event.Clean(id), hint)
}

func orDash(id int64) string {
	if id == 0 {
		return "-"
	}
	return strconv.FormatInt(id, 10)
}

func verifyEvents(ctx context.Context, c *merlon.Call) error {
	r := c.House.Engine.Read(ctx)
	defer r.Close()
	v, err := journal.Verify(r)
	if err != nil {
		return err
	}
	report := map[string]any{"linked": v.Linked, "unlinked": v.Unlinked, "head": v.Head.String(), "anchor": v.Anchor.String(), "broken": v.Broken}
	err = c.Answer("merlon/events-verify/v1", "chain", report, func(out io.Writer) error {
		fmt.Fprintf(out, "%d events hold, %d wait for their link\nhead  %s\n", v.Linked, v.Unlinked, v.Head)
		fmt.Fprintln(out, "refusals are counted by network and minute, and are not in the chain: events lists them as well")
		if v.Anchor.Link != 0 {
			fmt.Fprintf(out, "what was before %s was purged\n", v.Anchor)
		}
		return nil
	})
	if err == nil && v.Broken != nil {
		return fmt.Errorf("the chain of events breaks at link %d, row %d: %s: somebody with access to the database altered it: keep the file as it is and compare it with a backup", v.Broken.Link, v.Broken.Seq, v.Broken.Why)
	}
	return err
}

type sessionLine struct {
	ID      int64     `json:"id"`
	User    int64     `json:"user"`
	Name    string    `json:"name,omitempty"`
	Factors int       `json:"factors"`
	Device  string    `json:"device"`
	Network string    `json:"network"`
	Began   time.Time `json:"began"`
	Seen    time.Time `json:"seen"`
	Until   time.Time `json:"until"`
}

func listSessions(ctx context.Context, c *merlon.Call) error {
	user, err := number("--user", c.Flag("user"))
	if err != nil {
		return err
	}
	r := c.House.Engine.Read(ctx)
	defer r.Close()
	var found []session.Info
	if user != 0 {
		found, err = c.House.Sessions.List(r, user)
	} else {
		found, err = c.House.Sessions.Page(r, 0, 200)
	}
	if err != nil {
		return err
	}
	list := []sessionLine{}
	for _, s := range found {
		if s.User != 0 {
			name, err := c.House.Named(r, s.User)
			if err != nil {
				return err
			}
			list = append(list, sessionLine{s.ID, s.User, name, s.Level.Factors, s.Device, s.Network, s.Began, s.Seen, s.Until})
		}
	}
	return c.Answer("merlon/sessions/v1", "sessions", list, func(out io.Writer) error {
		if len(list) == 0 {
			fmt.Fprintln(out, "nobody is signed in")
			return nil
		}
		t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(t, "ID\tUSER\tNAME\tFACTORS\tDEVICE\tNETWORK\tSINCE\tLAST SEEN")
		for _, s := range list {
			fmt.Fprintf(t, "%d\t%d\t%s\t%d\t%s\t%s\t%s\t%s\n", s.ID, s.User, event.Clean(cmp.Or(s.Name, "-")), s.Factors, s.Device, s.Network, s.Began.Format(time.RFC3339), s.Seen.Format(time.RFC3339))
		}
		return t.Flush()
	})
}

// listLimits prints the numbers in force, which OWASP ASVS 5.0 6.1.1 and 7.1.1 ask to be documented.
func listLimits(_ context.Context, c *merlon.Call) error {
	lines := slices.Concat(c.House.Sessions.Numbers(), c.House.Limits.Numbers())
	return c.Answer("merlon/limits/v1", "limits", lines, func(out io.Writer) error {
		_, err := fmt.Fprintln(out, strings.Join(lines, "\n"))
		return err
	})
}

func revokeSession(ctx context.Context, c *merlon.Call) error {
	id, err := number("the session's id", c.Arg(0))
	if err != nil {
		return err
	}
	h := c.House
	r := h.Engine.Read(ctx)
	found, err := h.Sessions.Page(r, id+1, 1)
	_ = r.Close()
	if err != nil {
		return err
	}
	if len(found) == 0 || found[0].ID != id {
		return fmt.Errorf("no session %d is alive: it may have ended: see session list", id)
	}
	err = h.Engine.Write(ctx, func(_ context.Context, w *db.Writer) error {
		ended, err := h.Sessions.EndOne(w, found[0].User, id, "revoked by the owner")
		if err == nil && !ended {
			err = fmt.Errorf("session %d has ended meanwhile: see session list", id)
		}
		if err != nil {
			return err
		}
		e := event.New(RuleRevoked, event.Done, slog.Int64("account", found[0].User), slog.String("reason", c.Flag("reason")), slog.Int64("session", id), event.ByCommand())
		e.Time = h.Clock() // of no user: the operator did it
		return journal.Append(w, e)
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(c.Out, "session %d of user %d has ended\n", id, found[0].User)
	return nil
}
