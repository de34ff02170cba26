package form_test

import (
	"strings"
	"testing"

	"github.com/merlon-web/merlon/form"
)

func TestRules(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range form.Rules() {
		if err := r.Valid(); err != nil {
			t.Error(err)
		}
		if seen[r.ID] || !strings.HasPrefix(r.ID, "MRL-FORM-") {
			t.Errorf("%s: given twice or of another room", r.ID)
		}
		seen[r.ID] = true
		if n := strings.Count(r.Explain(), "\n"); n > 40 {
			t.Errorf("%s: Explain has %d lines, want at most 40", r.ID, n)
		}
	}
}

func TestMessages(t *testing.T) {
	for id, words := range form.Messages() {
		if !strings.HasPrefix(id, "form.") || words == "" || form.English(id) != words {
			t.Errorf("%s: got %q", id, words)
		}
	}
	if got := form.English(form.MsgTooLong, 500); got != "Use at most 500 characters." {
		t.Errorf("got %q", got)
	}
	if got := form.English("form.unknown"); got != "form.unknown" {
		t.Errorf("unknown id: got %q, want the id", got)
	}
}
