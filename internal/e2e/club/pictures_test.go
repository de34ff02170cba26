package club_test

import (
	"bytes"
	"flag"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"github.com/merlon-web/merlon/internal/e2e/browser"
	"github.com/merlon-web/merlon/internal/e2e/need"
)

var update = flag.Bool("update", false, "take the pictures of docs/img anew")

// pictured are the pages of docs/img.
var pictured = []string{"home", "sign-in", "sign-up", "account", "app", "codes", "sessions", "log"}

// TestPictures: the pictures of the eight main pages are there, in light and dark, show something, and are shown by the README or
// the guide. With -update they are taken from the club's demo.
func TestPictures(t *testing.T) {
	folder := filepath.Join(need.Root(t), "docs", "img")
	var shown []byte
	for _, text := range []string{"README.md", "docs/guide.md"} {
		data, err := os.ReadFile(filepath.Join(need.Root(t), text))
		if err != nil {
			t.Fatal(err)
		}
		shown = append(shown, data...)
	}
	if *update {
		takePictures(t, folder)
	}
	for _, name := range pictured {
		for _, look := range []string{"light", "dark"} {
			file := name + "-" + look + ".png"
			if !bytes.Contains(shown, []byte("img/"+file+")")) {
				t.Errorf("%s is shown by neither README nor guide", file)
			}
			data, err := os.ReadFile(filepath.Join(folder, file))
			if err != nil {
				t.Errorf("%v: run go test ./internal/e2e/club -run Pictures -update", err)
				continue
			}
			if len(data) > 200<<10 {
				t.Errorf("%s has %d KB: a repository keeps every one for good", file, len(data)>>10)
			}
			picture, err := png.Decode(bytes.NewReader(data))
			if err != nil {
				t.Errorf("%s: %v", file, err)
				continue
			}
			colours, light := seen(picture)
			if colours < 20 {
				t.Errorf("%s is blank: %d colours", file, colours)
			}
			if light != (look == "light") {
				t.Errorf("%s is not %s", file, look)
			}
		}
	}
}

// seen counts the colours of a picture, and tells whether its corner is light.
func seen(p image.Image) (colours int, light bool) {
	all := map[[3]uint32]bool{}
	b := p.Bounds()
	for y := b.Min.Y; y < b.Max.Y; y += 2 {
		for x := b.Min.X; x < b.Max.X; x += 2 {
			r, g, bl, _ := p.At(x, y).RGBA()
			all[[3]uint32{r, g, bl}] = true
		}
	}
	r, g, bl, _ := p.At(b.Min.X+2, b.Max.Y-3).RGBA()
	return len(all), r+g+bl > 3*0x8000
}

func takePictures(t *testing.T, folder string) {
	t.Helper()
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	s, password := demoClub(t)
	tab := browser.Open(t)
	tab.Width(1000)
	take := func(name string) {
		t.Helper()
		for _, dark := range []bool{false, true} {
			tab.Dark(dark)
			look := "light"
			if dark {
				look = "dark"
			}
			if err := os.WriteFile(filepath.Join(folder, name+"-"+look+".png"), tab.Screenshot(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		tab.Dark(false)
	}
	tab.Go(s.URL("/"))
	take("home")
	tab.Go(s.URL("/sign-in"))
	take("sign-in")
	tab.Go(s.URL("/sign-up"))
	take("sign-up")
	signIn(t, tab, s, "ann@club.example", password)
	tab.Go(s.URL("/account/app"))
	tab.Follow("main button")
	take("app")
	code := authenticator(t, tab, s)
	tab.Type(`[name="Code"]`, code())
	tab.Follow(`form[action="/account/app/confirm"] button`)
	expect(t, tab, "h1", "Recovery codes")
	take("codes")
	tab.Go(s.URL("/account"))
	take("account")
	tab.Go(s.URL("/account/sessions"))
	take("sessions")
	tab.Go(s.URL("/account/log"))
	take("log")
}
