package club_test

import (
	"testing"

	"github.com/merlon-web/merlon/internal/e2e/browser"
)

// TestMembersSearch: the button stands on the line of its fields, a narrow page gives a field its whole width, and the
// footer's line is as wide as the text.
func TestMembersSearch(t *testing.T) {
	t.Parallel()
	s, password := demoClub(t)
	tab := browser.Open(t)
	signIn(t, tab, s, "ben@club.example", password)
	edge := func(css, edge string) int {
		return browser.Eval[int](tab, `Math.round(document.querySelector('`+css+`').getBoundingClientRect().`+edge+`)`)
	}
	for _, width := range []int{320, 1280} {
		tab.Width(width)
		tab.Go(s.URL("/members"))
		if width == 1280 && edge(".search button", "bottom") != edge("#q", "bottom") {
			t.Errorf("the button ends at %d px, its field at %d", edge(".search button", "bottom"), edge("#q", "bottom"))
		}
		if whole := edge(".search", "width"); width == 320 && (edge("#q", "width") != whole || edge("#sort", "width") != whole) {
			t.Errorf("the fields are %d and %d px wide, the form %d", edge("#q", "width"), edge("#sort", "width"), whole)
		}
		if edge("footer", "left") != edge("main h1", "left") || edge("footer", "right") != edge("main h1", "right") {
			t.Errorf("at %d px the footer is from %d to %d, the text from %d to %d", width, edge("footer", "left"), edge("footer", "right"), edge("main h1", "left"), edge("main h1", "right"))
		}
	}
	judge(t, tab, "")
}
