package merlon_test

import (
	"testing"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/keyring"
)

// TestAMessageIDCountsNothing: what is mailed to one says nothing of how many mails went to others, and a second try has the
// name of the first, also after a new key was added.
func TestAMessageIDCountsNothing(t *testing.T) {
	ring := keyring.Memory("mails")
	first, second := merlon.MessageID(ring, 41), merlon.MessageID(ring, 42)
	if len(first) != 32 || len(second) != 32 || first == second || first[:31] == second[:31] {
		t.Errorf("the mails 41 and 42 are %q and %q, want names of 32 letters that have nothing of the number", first, second)
	}
	if other := merlon.MessageID(keyring.Memory("another site's"), 41); other == first {
		t.Error("another site's mail 41 has the same name: it is not keyed")
	}
	if _, err := ring.Rotate(time.Now()); err != nil {
		t.Fatal(err)
	}
	if again := merlon.MessageID(ring, 41); again != first {
		t.Errorf("with a new key the second try of a mail is %q, the first was %q", again, first)
	}
}
