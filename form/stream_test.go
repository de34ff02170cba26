package form_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/merlon-web/merlon/form"
)

type streamed struct {
	Text string    `form:"lines,max=100000"`
	Opt  string    `form:"lines,max=100000"`
	File form.File `form:"max_bytes=1000000,types=text/plain"`
}

// both reads a body in memory and as a stream, and holds that the two agree.
func both(t *testing.T, request func() *http.Request) {
	t.Helper()
	inMemory, errA := form.Parse(request(), form.Limits{})
	s := &spool{dir: t.TempDir()}
	r := request()
	r.Body = http.NoBody
	if again := request(); again.Body != nil {
		r.Body = struct {
			iotestReader
			closer
		}{iotest.HalfReader(again.Body), closer{}}
	}
	stream, errB := form.ParseUploads(r, form.Limits{}, form.Uploads{Spec: form.Form[streamed]{}.FormSpec(), Spool: s})
	defer func() { stream.Drop(); s.empty(t) }()
	var a, b *form.Refusal
	if errors.As(errA, &a) != errors.As(errB, &b) || a != nil && (a.Status != b.Status || a.Rule.ID != b.Rule.ID) {
		t.Fatalf("in memory %v, as a stream %v", errA, errB)
	}
	if a != nil {
		return
	}
	for _, name := range []string{"Text", "Opt", "File", "other"} {
		va, okA := inMemory.Look(name)
		vb, okB := stream.Look(name)
		if va != vb || okA != okB {
			t.Fatalf("%s: in memory %q %v, as a stream %q %v", name, va, okA, vb, okB)
		}
	}
}

type iotestReader interface{ Read([]byte) (int, error) }
type closer struct{}

func (closer) Close() error { return nil }

// TestStreamAgrees: wherever a boundary falls in the pieces that are read, the stream is split as the whole body is.
func TestStreamAgrees(t *testing.T) {
	for _, n := range []int{0, 1, 64<<10 - 400, 64 << 10, 128<<10 - 333, 300 << 10} {
		for shift := range 90 {
			file := strings.Repeat("a\r\n--X", (n+shift)/6) + strings.Repeat("b", (n+shift)%6)
			body := parts("--XX", textPart, "", "before", "--XX", `Content-Disposition: form-data; name="File"; filename="a.txt"`, "", file, "--XX", `Content-Disposition: form-data; name="Opt"`, "", "behind", "--XX--", "")
			for _, cut := range []string{body, body[:len(body)-shift/3], strings.Replace(body, "behind\r\n--XX", "behind\n--XX", 1)} {
				both(t, func() *http.Request { return postAs("multipart/form-data; boundary=XX", cut) })
			}
		}
	}
}

// FuzzStream: no body is read as a stream in another way than in memory, wherever the pieces are cut.
func FuzzStream(f *testing.F) {
	for _, v := range vectors(f) {
		if v.Repeat == nil && strings.HasPrefix(v.ContentType, "multipart/form-data; boundary=XX") {
			f.Add([]byte(v.Body), uint16(0))
			f.Add([]byte(v.Body), uint16(700))
		}
	}
	f.Add([]byte("a\r\n--XX\r\nContent-Disposition: form-data; name=\"Opt\"\r\n\r\nb\r\n--XX--"), uint16(120))
	f.Fuzz(func(t *testing.T, tail []byte, shift uint16) {
		body := slices.Clone(tail)
		if shift > 0 { // the tail begins near the end of the first piece
			pad := bytes.Repeat([]byte("x"), 64<<10-int(shift)%1500)
			body = append([]byte("--XX\r\nContent-Disposition: form-data; name=\"File\"; filename=\"a.txt\"\r\n\r\n"), pad...)
			body = append(body, tail...)
		}
		if bytes.Index(body, []byte("--XX")) > 60<<10 {
			return // a preamble is looked for in the first piece only
		}
		both(t, func() *http.Request { return postAs("multipart/form-data; boundary=XX", string(body)) })
	})
}

// FuzzPicture: no bytes make the drawing of a picture panic, and what passes is a picture of its type within its limits.
func FuzzPicture(f *testing.F) {
	for _, typ := range []string{"jpeg", "png", "gif"} {
		f.Add(encoded(f, typ, canvas(40, 30)))
	}
	f.Add(withSegment(encoded(f, "jpeg", canvas(40, 30)), 0xe1, exif(5)))
	f.Add(bomb(100, 100))
	f.Fuzz(func(t *testing.T, file []byte) {
		if bytes.Contains(file, []byte("\n--XX")) {
			return
		}
		form, bound, _ := bindUpload[photo](t, sent("Photo", "a", file, "Text", "a"))
		v, ok := form.Value()
		if bound.Refusal != nil {
			t.Fatal(bound.Refusal)
		}
		if w, h := v.Photo.Pixels(); ok && v.Photo.Given() && (w < 1 || h < 1 || w > 100 || h > 100 || fmt.Sprint(v.Photo) == "no file") {
			t.Fatalf("%d × %d", w, h)
		}
	})
}
