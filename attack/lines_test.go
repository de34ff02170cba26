package attack

import (
	"log"
	"strings"
	"testing"
)

// TestOverlappingLogs: attacks that overlap all hear what is logged, and give the log back when the last of them has ended.
func TestOverlappingLogs(t *testing.T) {
	was := log.Writer()
	var mine strings.Builder
	log.SetOutput(&mine)
	defer log.SetOutput(was)
	var one, two lines
	endOne := theLog.listen(&one)
	endTwo := theLog.listen(&two)
	log.Print("both")
	endOne()
	endOne()
	log.Print("the second")
	endTwo()
	log.Print("nobody")
	if a, b := one.String(), two.String(); !strings.Contains(a, "both") || strings.Contains(a, "second") || !strings.Contains(b, "both") || !strings.Contains(b, "second") || strings.Contains(b, "nobody") {
		t.Errorf("heard %q and %q", a, b)
	}
	if got := mine.String(); !strings.Contains(got, "nobody") || strings.Contains(got, "both") {
		t.Errorf("the log was not given back: %q", got)
	}
}
