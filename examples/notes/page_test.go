package main

import (
	"strings"
	"testing"

	"github.com/merlon-web/merlon/merlontest"
)

// TestOneWayOut: what the layout's header has the page does not say again.
func TestOneWayOut(t *testing.T) {
	v := merlontest.Start(t, open).SignedIn("Ann").Get("/")
	for _, what := range []string{`href="/account"`, `action="/sign-out"`} {
		if n := strings.Count(v.Body, what); n != 1 {
			t.Errorf("%s stands %d times on the page, want once: %s", what, n, v.Body)
		}
	}
}
