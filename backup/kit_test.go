package backup

import (
	"image/color"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	barcode "github.com/boombuler/barcode/qr"

	"github.com/merlon-web/merlon/cli"
)

func TestKit(t *testing.T) {
	r := known(t)
	kit := &Kit{Title: `Bob & "Ann" <script>`, Site: "4f1c9a2be07d6633", Target: "s3://store.example/bucket/site", Options: Settings{"credentials": "/etc/site/s3", "host-key": "SHA256:abc+/def SHA256:ghi="},
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
		got, err := ParseKit(from)
		if err != nil || got.Recovery().Reveal() != r.Reveal() || got.Target != kit.Target || got.Site != kit.Site || !maps.Equal(got.Options, kit.Options) {
			t.Errorf("%s: %+v, %v", name, got, err)
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

// A kit is whole or not there: of one whose second file cannot be written nothing is left, and a file that was there stays.
func TestHalfAKit(t *testing.T) {
	for range 8 { // whichever is the first
		dir := t.TempDir()
		was := filepath.Join(dir, "kit.txt")
		write(t, was, []byte("another's"))
		kit := &Kit{Title: "notes", Site: newSite(), Target: "file:///x", recovery: known(t)}
		if err := kit.write(filepath.Join(dir, "kit.html")); err == nil {
			t.Fatal("a file was written over")
		}
		if all, err := os.ReadDir(dir); err != nil || len(all) != 1 {
			t.Fatalf("left over: %v, %v", all, err)
		}
		if text, err := os.ReadFile(was); err != nil || string(text) != "another's" {
			t.Fatalf("%q, %v", text, err)
		}
	}
}

func TestKitBesideThePoints(t *testing.T) {
	p, target := newProgram(t), filepath.Join(t.TempDir(), "my disk")
	if err := os.MkdirAll(filepath.Join(target, "deep"), 0o700); err != nil {
		t.Fatal(err)
	}
	p.run(cli.ExitDone, "migrate", "up")
	for _, name := range []string{"kit.html", "deep/kit"} {
		_, problems := p.run(cli.ExitRefused, "backup", "init", "--to", "file://"+strings.ReplaceAll(target, " ", "%20"), "--try", "--kit", filepath.Join(target, name))
		has(t, problems, "beside them")
	}
}

// All folders that get a name in a restore are made durable, from the bottom up.
func TestFoldersOfAPoint(t *testing.T) {
	hash := strings.Repeat("ab", 32)
	in := &Inner{Database: "x.db", Files: []InnerFile{{Name: databaseName}, {Name: keyringName}, {Name: uploadsName}, {Name: "settings/backup.json"}, {Name: uploadPrefix + hash}}}
	got := in.folders("data")
	want := []string{"data/uploads/kept/ab", "data/uploads/kept", "data/uploads", "data/backup", "data"}
	for i := range want {
		want[i] = filepath.FromSlash(want[i])
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
