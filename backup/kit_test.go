package backup

import (
	"image/color"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	barcode "github.com/boombuler/barcode/qr"
)

func TestKit(t *testing.T) {
	r := known(t)
	kit := &Kit{Title: `Bob & "Ann" <script>`, Site: "4f1c9a2be07d6633", Target: "s3://store.example/bucket/site", Options: Settings{"credentials": "/etc/site/s3"},
		Made: time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC), recovery: r}
	page, err := kit.HTML()
	if err != nil {
		t.Fatal(err)
	}
	html := string(page)
	has(t, html, groups(r.Reveal(), 8), kit.Target, kit.Site, "credentials=/etc/site/s3", Fingerprint(r.Recipient()), Fingerprint(string(r.Root())), "2026-11-24", "default-src 'none'",
		"<html lang=\"en\">", "<h1>Recovery kit of Bob &amp; &#34;Ann&#34; &lt;script&gt;</h1>", "go install filippo.io/age/cmd/age@v1.3.2")
	for _, never := range []string{"<script", "javascript:", " on", " src=", " href=", "url(", "@import", "http://", "https://"} {
		if never != " on" && strings.Contains(html, never) || never == " on" && regexp.MustCompile(` on[a-z]+=`).MatchString(html) {
			t.Errorf("the page holds %q", never)
		}
	}
	if n := strings.Count(html, "<h1"); n != 1 {
		t.Errorf("%d h1", n)
	}
	sameCode(t, html, kit.Code())

	text, err := kit.Text()
	if err != nil {
		t.Fatal(err)
	}
	for name, from := range map[string]string{"the text": string(text), "the code": kit.Code()} {
		key, target, site, err := ParseKit(from)
		if err != nil || key.Reveal() != r.Reveal() || target != kit.Target || site != kit.Site {
			t.Errorf("%s: %q, %q, %v", name, target, site, err)
		}
	}
	path := filepath.Join(t.TempDir(), "kit")
	if err := kit.write(path + ".html"); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{path + ".html", path + ".txt"} {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
	for _, again := range []string{path + ".html", path + ".txt", path} { // without an ending it is the same two files
		if err := kit.write(again); err == nil {
			t.Errorf("%s: a kit was written over", again)
		}
	}
}

// sameCode compares the dark modules of the page's path with those of the text's code.
func sameCode(t *testing.T, html, text string) {
	t.Helper()
	code, err := barcode.Encode(text, barcode.M, barcode.Auto)
	if err != nil {
		t.Fatal(err)
	}
	dark := map[[2]int]bool{}
	runs := regexp.MustCompile(`M(\d+) (\d+)h(\d+)v1h-(\d+)z`).FindAllStringSubmatch(html, -1)
	for _, m := range runs {
		for i := range number(m[3]) {
			dark[[2]int{int(number(m[1]) + i), int(number(m[2]))}] = true
		}
	}
	size := code.Bounds().Dx()
	for y := -4; y < size+4; y++ {
		for x := -4; x < size+4; x++ {
			want := x >= 0 && y >= 0 && x < size && y < size && color.GrayModel.Convert(code.At(x, y)).(color.Gray).Y < 128
			if dark[[2]int{x + 4, y + 4}] != want {
				t.Fatalf("module %d, %d", x, y)
			}
		}
	}
}
