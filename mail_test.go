package merlon_test

import (
	"regexp"
	"testing"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/keyring"
	"github.com/merlon-web/merlon/mailbox"
	"github.com/merlon-web/merlon/merlontest"
)

// TestAMessageIDCountsNothing: what is mailed to one says nothing of how many mails went to others, and a second try has the
// name of the first, also after a new key was added. A mail that got the number of another one, since the data came back from a
// backup, has a name of its own.
func TestAMessageIDCountsNothing(t *testing.T) {
	ring := keyring.Memory("mails")
	queued := time.Date(2026, 11, 24, 12, 40, 0, 0, time.UTC)
	name := func(ring *keyring.Ring, id int64, at time.Time) string {
		return merlon.MessageID(ring, mailbox.Message{ID: id, Created: at})
	}
	first, second := name(ring, 41, queued), name(ring, 42, queued)
	if len(first) != 32 || len(second) != 32 || first == second || first[:31] == second[:31] {
		t.Errorf("the mails 41 and 42 are %q and %q, want names of 32 letters that have nothing of the number", first, second)
	}
	if other := name(keyring.Memory("another site's"), 41, queued); other == first {
		t.Error("another site's mail 41 has the same name: it is not keyed")
	}
	if _, err := ring.Rotate(time.Now()); err != nil {
		t.Fatal(err)
	}
	if again := name(ring, 41, queued); again != first {
		t.Errorf("with a new key the second try of a mail is %q, the first was %q", again, first)
	}
	if later := name(ring, 41, queued.Add(time.Hour)); later == first {
		t.Error("another mail of the same number, queued after a restore, would be dropped as a double")
	}
}

// TestDevMailSaysItsZone: the page of the mails says in which zone its times are, as the log's lines do.
func TestDevMailSaysItsZone(t *testing.T) {
	s := merlontest.Start(t, openTestSite)
	queueMail(t, s)
	if v := s.Visitor().Get("/_merlon/dev/mail").Is(200); !regexp.MustCompile(`<time>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC</time>`).MatchString(v.Body) {
		t.Errorf("got %s", v.Body)
	}
}
