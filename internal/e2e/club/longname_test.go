package club_test

import (
	"strings"
	"testing"

	"github.com/merlon-web/merlon/internal/e2e/browser"
)

// TestLongNameInTheHeader: a name of 60 characters costs the header a row at most, is cut at its end, and is there whole for who
// listens.
func TestLongNameInTheHeader(t *testing.T) {
	t.Parallel()
	const long = "Maximiliana Wolfeschlegelsteinhausenbergerdorff van der Aa W"
	s, password := demoClub(t)
	tab := browser.Open(t)
	signIn(t, tab, s, "ann@club.example", password)
	for _, width := range []int{320, 1280} {
		tab.Width(width)
		height := func(name string) int {
			tab.Go(s.URL("/account/name"))
			tab.Type(`[name="Name"]`, name)
			tab.Follow("main button")
			return browser.Eval[int](tab, `document.querySelector("header.top").offsetHeight`)
		}
		short, wide := height("Ann"), height(long)
		if wide > short+40 {
			t.Errorf("%d px: the header is %d px high with a long name, %d with a short one", width, wide, short)
		}
		if !browser.Eval[bool](tab, `(a => a.scrollWidth > a.clientWidth)(document.querySelector(".me a"))`) {
			t.Errorf("%d px: the name is not cut", width)
		}
		if text := tab.Text(".me a"); !strings.Contains(text, long) {
			t.Errorf("%d px: the name reads %q", width, text)
		}
		for _, fault := range tab.Faults() {
			t.Error(fault)
		}
	}
}
