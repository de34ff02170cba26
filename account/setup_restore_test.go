package account_test

import (
	"context"
	"strings"
	"testing"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/account"
	"github.com/merlon-web/merlon/merlontest"
	"github.com/merlon-web/merlon/sqlite"
)

// A mistyped key is no used-up link, and what is to be compared is no fault of the backups.
func TestGettingASiteBack(t *testing.T) {
	state := merlon.RescueState{}
	s := merlontest.Start(t, func(env merlon.Env) (*merlon.Site, error) {
		return merlon.New(env, merlon.Config{Name: "test", Title: "Test", Engine: sqlite.Engine("test.db"), Pages: pages,
			Parts: []merlon.Part{account.New(account.Config{Home: "/account"}), {Name: "backs", Offers: &merlon.Rescue{
				Begin: func(context.Context, *merlon.House, merlon.RescueWish) error {
					return merlon.Said{ID: "backup.back.address"}
				},
				State: func() merlon.RescueState { return state },
			}}}})
	})
	lines, err := s.Site.Ready(t.Context())
	if err != nil || len(lines) != 1 {
		t.Fatalf("Ready = %v, %v; want one line", lines, err)
	}
	v := s.Visitor().Get(strings.TrimPrefix(strings.Fields(lines[0][1])[0], s.Site.Origin())).At("/_merlon/setup")
	v.Get("/_merlon/setup/from-backup").Submit("/_merlon/setup/from-backup", merlontest.Values{"Address": "gopher://x", "Key": "half a key"}).Is(422).Has("The address of the backups is wrong")
	if n := strings.Count(s.Log.String(), account.RuleSetupLink.ID); n != 0 {
		t.Errorf("a mistyped address is recorded %d times as a link that is used up", n)
	}
	s.Visitor().Get("/_merlon/setup/used-up").Is(410)
	if n := strings.Count(s.Log.String(), account.RuleSetupLink.ID); n != 1 {
		t.Errorf("a link that is none is recorded %d times", n)
	}
	state = merlon.RescueState{Running: true, Step: merlon.Said{ID: "backup.back.starting"}, Notes: []merlon.Said{{ID: "backup.back.unsure"}}}
	v.Get("/_merlon/setup/from-backup").Is(200).Has("Please note", "cannot tell who began the backups").HasNot("have faults")
	state.Warnings = []merlon.Said{{ID: "backup.back.missing", Args: []any{"h/1"}}}
	v.Get("/_merlon/setup/from-backup").Is(200).Has("have faults", "h/1 is missing", "Please note")
	state.Done = []merlon.Said{{ID: "backup.back.done-lost", Args: []any{"2026-11-24 12:40:00 UTC"}}}
	v.Get("/_merlon/setup/from-backup").Is(200).HasNot("The site is back") // there is no administrator yet
	addUser(t, s, "ann@example.test", account.Admin)
	s.Visitor().Get("/_merlon/setup/from-backup").Is(200).Has("The site is back", "as it was on 2026-11-24", "Sign in")
	state.Done = nil
	s.Visitor().Get("/_merlon/setup/from-backup").At("/sign-in")
}
