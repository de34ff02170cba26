package form_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/merlon-web/merlon/form"
)

// spool keeps what waits in a folder of the test.
type spool struct {
	dir  string
	mu   sync.Mutex
	made int
}

type waiting struct{ *os.File }

func (w waiting) Drop() error {
	_ = w.Close()
	if err := os.Remove(w.Name()); !os.IsNotExist(err) {
		return err
	}
	return nil
}

func (s *spool) Wait() (form.Waiting, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.made++
	f, err := os.OpenFile(filepath.Join(s.dir, fmt.Sprint(s.made)), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	return waiting{f}, err
}

// empty holds that nothing is left of what waited.
func (s *spool) empty(t testing.TB) {
	t.Helper()
	left, err := os.ReadDir(s.dir)
	if err != nil || len(left) > 0 {
		t.Errorf("%d files wait still (%v)", len(left), err)
	}
}

type photo struct {
	Text  string     `form:"required,max=10"`
	Photo form.Image `form:"max_bytes=300000,types=image/jpeg|image/png|image/gif,pixels=1000000,fit=100"`
}

type document struct {
	File form.File `form:"required,max_bytes=200000,types=text/plain|text/csv|application/pdf|image/png"`
}

// sent is a multipart body with one file, and texts before it.
func sent(field, name string, file []byte, texts ...string) string {
	var b strings.Builder
	for i := 0; i+1 < len(texts); i += 2 {
		fmt.Fprintf(&b, "--XX\r\nContent-Disposition: form-data; name=\"%s\"\r\n\r\n%s\r\n", texts[i], texts[i+1])
	}
	fmt.Fprintf(&b, "--XX\r\nContent-Disposition: form-data; name=\"%s\"; filename=\"%s\"\r\nContent-Type: image/png\r\n\r\n%s\r\n--XX--\r\n", field, name, file)
	return b.String()
}

// bindUpload binds a body through a spool of its own, which must be empty when the body was dropped.
func bindUpload[T any](t testing.TB, body string) (form.Form[T], form.Bound, *form.Body) {
	t.Helper()
	s := &spool{dir: t.TempDir()}
	spec := form.Form[T]{}.FormSpec()
	b, err := form.ParseUploads(postAs("multipart/form-data; boundary=XX", body), form.Limits{Body: spec.Room()}, form.Uploads{Spec: spec, Spool: s})
	t.Cleanup(func() { b.Drop(); s.empty(t) })
	if err != nil {
		t.Fatal(err)
	}
	f, bound := form.Bind[T](b, nil)
	return f, bound, b
}

func canvas(w, h int) *image.RGBA {
	p := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			p.Set(x, y, color.RGBA{uint8(x * 255 / w), uint8(y * 255 / h), 128, 255})
		}
	}
	return p
}

func encoded(t testing.TB, typ string, p image.Image) []byte {
	var b bytes.Buffer
	var err error
	switch typ {
	case "png":
		err = png.Encode(&b, p)
	case "gif":
		err = gif.Encode(&b, p, nil)
	default:
		err = jpeg.Encode(&b, p, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// withSegment puts a segment behind the first marker of a JPEG.
func withSegment(file []byte, marker byte, content string) []byte {
	head := append([]byte{0xff, 0xd8, 0xff, marker}, binary.BigEndian.AppendUint16(nil, uint16(len(content)+2))...)
	return append(append(head, content...), file[2:]...)
}

// exif is a segment that says how the camera was held, and where.
func exif(orientation byte) string {
	return "Exif\x00\x00MM\x00\x2a\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00" + string(orientation) + "\x00\x00\x00\x00\x00\x00GPS 52.5 13.4"
}

// TestPictureIsDrawnAnew: what is kept of a picture is its colours: no metadata, nothing behind its end, no longer side than
// fit; it stands upright.
func TestPictureIsDrawnAnew(t *testing.T) {
	const evil = "<script>alert(1)</script>"
	jpg := append(withSegment(encoded(t, "jpeg", canvas(200, 100)), 0xe1, exif(6)+evil), evil...)
	for name, c := range map[string]struct {
		file          []byte
		width, height int
	}{
		"a.jpg": {jpg, 50, 100},
		"a.PNG": {append(encoded(t, "png", canvas(100, 40)), evil...), 100, 40},
		"a.gif": {append(encoded(t, "gif", canvas(400, 10)), "GIF89a"+evil...), 100, 2},
		"a":     {encoded(t, "jpeg", canvas(1, 1)), 1, 1},
	} {
		f, bound, _ := bindUpload[photo](t, sent("Photo", name, c.file, "Text", "a"))
		v, ok := f.Value()
		if !ok || bound.Refusal != nil {
			t.Fatalf("%s: got %v, %v", name, f.Problem("Photo"), bound.Refusal)
		}
		kept, err := io.ReadAll(v.Photo.Open())
		if err != nil || int64(len(kept)) != v.Photo.Size() || sha256.Sum256(kept) != v.Photo.SHA256() {
			t.Errorf("%s: size or hash are not those of the bytes: %v", name, err)
		}
		if bytes.Contains(kept, []byte("script")) || bytes.Contains(kept, []byte("GPS")) || bytes.Contains(kept, []byte("Exif")) {
			t.Errorf("%s: something of the sent file is kept beside its pixels", name)
		}
		config, format, err := image.DecodeConfig(bytes.NewReader(kept))
		if w, h := v.Photo.Pixels(); err != nil || "image/"+format != v.Photo.Type() || config.Width != c.width || config.Height != c.height || w != c.width || h != c.height {
			t.Errorf("%s: kept %s of %d × %d, said to be %s of %d × %d, want %d × %d (%v)", name, format, config.Width, config.Height, v.Photo.Type(), w, h, c.width, c.height, err)
		}
	}
}

// TestOrientation: each of the eight ways to hold a camera leads to the same picture.
func TestOrientation(t *testing.T) {
	corner := func(p image.Image, right, bottom bool) uint32 {
		b := p.Bounds()
		x, y := b.Min.X+4, b.Min.Y+4
		if right {
			x = b.Max.X - 5
		}
		if bottom {
			y = b.Max.Y - 5
		}
		r, _, _, _ := p.At(x, y).RGBA()
		return r >> 8
	}
	for orientation, at := range map[byte][2]bool{1: {}, 2: {true, false}, 3: {true, true}, 4: {false, true}, 5: {}, 6: {false, true}, 7: {true, true}, 8: {true, false}, 9: {}} {
		from := image.NewRGBA(image.Rect(0, 0, 80, 48)) // the corner that belongs to the top left is white
		for y := range 16 {
			for x := range 16 {
				sx, sy := x, y
				if at[0] {
					sx = 79 - x
				}
				if at[1] {
					sy = 47 - y
				}
				from.Set(sx, sy, color.White)
			}
		}
		f, _, _ := bindUpload[photo](t, sent("Photo", "a.jpg", withSegment(encoded(t, "jpeg", from), 0xe1, exif(orientation)), "Text", "a"))
		v, ok := f.Value()
		if !ok {
			t.Fatal(f.Problem("Photo"))
		}
		p, err := jpeg.Decode(v.Photo.Open())
		if err != nil {
			t.Fatal(err)
		}
		turned := orientation >= 5 && orientation <= 8
		if p.Bounds().Dx() > p.Bounds().Dy() == turned || corner(p, false, false) < 200 || corner(p, true, true) > 50 || corner(p, true, false) > 50 || corner(p, false, true) > 50 {
			t.Errorf("orientation %d: %v, corners %d %d %d %d", orientation, p.Bounds(), corner(p, false, false), corner(p, true, false), corner(p, false, true), corner(p, true, true))
		}
	}
}

// bomb is a PNG whose head says more pixels than it has bytes for.
func bomb(w, h uint32) []byte {
	ihdr := append([]byte("IHDR"), 0, 0, 0, 0, 0, 0, 0, 0, 8, 6, 0, 0, 0)
	binary.BigEndian.PutUint32(ihdr[4:], w)
	binary.BigEndian.PutUint32(ihdr[8:], h)
	b := append([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0d"), ihdr...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(ihdr))
}

// TestHostileUploads: what is no picture, too large, or too costly to look at is told by its field, and nothing of it waits.
func TestHostileUploads(t *testing.T) {
	small := encoded(t, "jpeg", canvas(20, 20))
	scans := append(small[:len(small):len(small)], bytes.Repeat([]byte{0xff, 0xda, 0, 8, 1, 1, 0, 0, 63, 0}, 200)...)
	svg := `<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>`
	for name, c := range map[string]struct {
		file string
		want string
	}{
		"bomb.png":   {string(bomb(1<<15, 1<<15)), form.MsgPixels},
		"over.png":   {string(bomb(1<<31-1, 1<<31-1)), form.MsgType},
		"scans.jpg":  {string(scans), form.MsgType},
		"cut.jpg":    {string(small[:len(small)/2]), form.MsgType},
		"svg.png":    {svg, form.MsgType},
		"a.svg":      {svg, form.MsgType},
		"html.jpg":   {"<!doctype html><script>alert(1)</script>", form.MsgType},
		"gif.jpg":    {string(encoded(t, "gif", canvas(5, 5))), form.MsgType},
		"jpg.exe":    {string(small), form.MsgType},
		"js.gif":     {"GIF89a=1;alert(1)//" + strings.Repeat(" ", 600), form.MsgPixels}, // its first letters are a size
		"zip.png":    {"PK\x03\x04" + strings.Repeat("\x00", 600), form.MsgType},
		"empty.png":  {"", form.MsgEmptyFile},
		"large.jpg":  {string(small) + strings.Repeat("\x00", 300000), form.MsgTooLarge},
		"larger.jpg": {strings.Repeat("a", 3<<20), form.MsgTooLarge},
	} {
		f, bound, _ := bindUpload[photo](t, sent("Photo", name, []byte(c.file), "Text", "typed"))
		if v, ok := f.Value(); ok || v.Photo.Given() || bound.Refusal != nil || f.ProblemID("Photo") != c.want || f.Raw("Text") != "typed" {
			t.Errorf("%s: got %v, %q, text %q, want %s", name, bound.Refusal, f.ProblemID("Photo"), f.Raw("Text"), c.want)
		}
		html := string(form.AppendFields(nil, f))
		if !strings.Contains(html, `value="typed"`) || !strings.Contains(html, `type="file"`) || strings.Contains(html, name) {
			t.Errorf("%s: the form shown again: %s", name, html)
		}
	}
}

// TestDocuments: texts are UTF-8 from end to end, and what has a name of another type is none of the field's.
func TestDocuments(t *testing.T) {
	long := strings.Repeat("Grüße, Ω 🚣\n", 4000)
	for name, c := range map[string]struct{ file, want string }{
		"a.txt":     {long, "text/plain"},
		"a.csv":     {"a;b\r\n1;2\r\n", "text/csv"},
		"a.pdf":     {"%PDF-1.7\n\x00\xff", "application/pdf"},
		"no":        {"a;b\r\n", "text/plain"},
		"a.exe":     {"text", ""},
		"b.txt":     {long + "\xff", ""},
		"c.txt":     {long + "\x00", ""},
		"d.txt":     {"<html>", ""},
		"e.txt":     {long[:len(long)-2], ""}, // a letter is cut
		"f.csv":     {"%PDF-1.7\n", ""},
		"pdf.png":   {"%PDF-1.7\n", ""},
		"a.txt.png": {"text", ""},
	} {
		f, bound, _ := bindUpload[document](t, sent("File", name, []byte(strings.TrimSuffix(c.file, "\xf0\x9f"))))
		v, ok := f.Value()
		if ok != (c.want != "") || v.File.Type() != c.want || bound.Refusal != nil || !ok && f.ProblemID("File") != form.MsgType {
			t.Errorf("%s: got %v, %q, %q, %v", name, ok, v.File.Type(), f.ProblemID("File"), bound.Refusal)
		}
	}
	if f, _, _ := bindUpload[document](t, "--XX--\r\n"); f.ProblemID("File") != form.MsgRequired || f.Problem("File") != "Choose a file." {
		t.Errorf("no file where one is required: %q", f.Problem("File"))
	}
}

// TestTokenBeforeFiles: a form whose fields before the files are not in order has none of its files kept.
func TestTokenBeforeFiles(t *testing.T) {
	spec := form.Form[photo]{}.FormSpec()
	file := encoded(t, "png", canvas(9, 9))
	for _, c := range []struct {
		body string
		made int
	}{
		{sent("Photo", "a.png", file, "token", "good"), 1},
		{sent("Photo", "a.png", file, "token", "bad"), 0},
		{sent("Photo", "a.png", file, "token", "good", "token", "good"), 0},
		{sent("Photo", "a.png", file), 0},
		{sent("Other", "a.png", file, "token", "good"), 0},
		{sent("Text", "a.png", file, "token", "good"), 0},
	} {
		s := &spool{dir: t.TempDir()}
		b, err := form.ParseUploads(postAs("multipart/form-data; boundary=XX", c.body), form.Limits{}, form.Uploads{Spec: spec, Spool: s, Allow: func(b *form.Body) bool {
			token, ok := b.Look("token")
			return ok && token == "good"
		}})
		if err != nil || s.made != c.made {
			t.Errorf("%.120q: %d files were kept, want %d: %v", c.body, s.made, c.made, err)
		}
		if token, ok := b.Take("token"); ok && token != "good" && token != "bad" {
			t.Errorf("the token is %q", token)
		}
		if _, bound := form.Bind[photo](b, nil); c.made == 0 && strings.Contains(c.body, `name="Text"; filename`) && (bound.Refusal == nil || bound.Refusal.Rule.ID != form.RuleFile.ID) {
			t.Errorf("a file for a text: %v", bound.Refusal)
		}
		b.Drop()
		s.empty(t)
	}
}

// unending counts what is read of it.
type unending struct{ n int64 }

func (e *unending) Read(p []byte) (int, error) {
	clear(p)
	e.n += int64(len(p))
	return len(p), nil
}

// TestUploadBounds: a body without end is read up to the limit of the body, and the disk takes no more than the field's limit.
func TestUploadBounds(t *testing.T) {
	spec := form.Form[photo]{}.FormSpec()
	s := &spool{dir: t.TempDir()}
	source := &unending{}
	r := httptest.NewRequest("POST", "/form", io.MultiReader(strings.NewReader("--XX\r\nContent-Disposition: form-data; name=\"Photo\"; filename=\"a.png\"\r\n\r\n"), source))
	r.Header.Set("Content-Type", "multipart/form-data; boundary=XX")
	r.ContentLength = -1
	_, err := form.ParseUploads(r, form.Limits{Body: 5 << 20}, form.Uploads{Spec: spec, Spool: s})
	if refusal, ok := err.(*form.Refusal); !ok || refusal.Status != 413 || source.n > 5<<20+64<<10 {
		t.Errorf("got %v after %d bytes", err, source.n)
	}
	s.empty(t)
	texts := strings.Repeat("--XX\r\nContent-Disposition: form-data; name=\"Other\"\r\n\r\n"+strings.Repeat("a", 60<<10)+"\r\n", 20) + "--XX--"
	_, err = form.ParseUploads(postAs("multipart/form-data; boundary=XX", texts), form.Limits{Body: 100 << 20}, form.Uploads{Spec: spec, Spool: s})
	if refusal, ok := err.(*form.Refusal); !ok || refusal.Status != 413 {
		t.Errorf("1.2 MB of texts: %v", err)
	}
}

// TestNameOfALargeFile: a file that is read in several pieces keeps the name that was sent, and is judged by it.
func TestNameOfALargeFile(t *testing.T) {
	f, bound, _ := bindUpload[document](t, sent("File", "a long name of notes.txt", bytes.Repeat([]byte("notes of a day\r\n"), 10_000)))
	v, ok := f.Value()
	if !ok || bound.Refusal != nil || v.File.Name() != "a long name of notes.txt" {
		t.Errorf("%v, %q: the name is %q", bound.Refusal, f.ProblemID("File"), v.File.Name())
	}
}
