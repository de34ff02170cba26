package club_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/merlon-web/merlon/examples/club/site/sitetest"
	"github.com/merlon-web/merlon/internal/e2e/browser"
)

// TestPhoto: a member uploads a photo, sees what is wrong with another file, finds the photo in the members' list and on her
// page, and removes it, with and without scripts. No page has a fault in any width.
func TestPhoto(t *testing.T) {
	for _, script := range []bool{true, false} {
		t.Run(fmt.Sprintf("script %v", script), func(t *testing.T) {
			t.Parallel()
			s, password := demoClub(t)
			tab := browser.Open(t)
			tab.Script(script)
			signIn(t, tab, s, "ann@club.example", password)
			look := func(path string) {
				t.Helper()
				if tab.Go(s.URL(path)); !script {
					return // the judge of faults is a script
				}
				for _, fault := range tab.Faults() {
					t.Errorf("%s: %s", path, fault)
				}
			}
			own := func(path string) (src string) {
				t.Helper()
				src, _ = tab.Attr("img.photo", "src")
				if w, h := tab.Picture("img.photo"); w != 240 || h != 160 {
					t.Errorf("%s: the photo is %d × %d, want 240 × 160", path, w, h)
				}
				return src
			}
			const form = `form[action="/profile/photo"]`
			tab.Go(s.URL("/profile"))
			tab.Attach(form+` [type="file"]`, "me.png", []byte(`<svg xmlns="http://www.w3.org/2000/svg" onload="document.title='evil'"/>`))
			tab.Follow(form + " button")
			expect(t, tab, "main", "Choose one of these: JPEG, PNG.")
			if script {
				for _, fault := range tab.Faults() {
					if !strings.Contains(fault, "422") { // the browser notes the status itself
						t.Errorf("the refused form: %s", fault)
					}
				}
			}
			tab.Attach(form+` [type="file"]`, "me.jpg", sitetest.Photo(t))
			tab.Follow(form + " button")
			expect(t, tab, "main", "Your photo is saved.")
			src := own("/profile")
			if tab.Count(`[name="Shown"]:checked`) == 0 {
				tab.Click(`[name="Shown"]`)
			}
			tab.Follow("main button")
			expect(t, tab, "main", "Your profile is saved.")
			look("/profile")
			look("/members?q=" + "Ann")
			if own("/members") != src {
				t.Error("the list has another photo")
			}
			if alt, _ := tab.Attr("img.photo", "alt"); !strings.HasPrefix(alt, "Photo of Ann") {
				t.Errorf("the photo's text is %q", alt)
			}
			look(strings.TrimSuffix(src, "/photo"))
			own("her page")
			tab.Go(s.URL("/profile"))
			tab.Follow(`form[action="/profile/photo/remove"] button`)
			expect(t, tab, "main", "Your photo is removed.")
			if n := tab.Count("img.photo"); n != 0 {
				t.Errorf("%d photos are left", n)
			}
		})
	}
}
