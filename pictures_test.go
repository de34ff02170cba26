package merlon_test

import (
	"bytes"
	"image"
	"image/png"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/merlontest"
	"github.com/merlon-web/merlon/sqlite"
	"github.com/merlon-web/merlon/trust"
)

// stuckSpool keeps whoever draws a picture anew waiting: the first file of a body is what was sent, the second the drawn one.
type stuckSpool struct {
	dir  string
	free chan struct{}
	mu   sync.Mutex
	made int
}

type stuckFile struct{ *os.File }

func (f stuckFile) Drop() error { return f.Close() }

func (s *stuckSpool) Wait() (form.Waiting, error) {
	s.mu.Lock()
	s.made++
	second := s.made > 1
	s.mu.Unlock()
	if second {
		<-s.free
	}
	f, err := os.CreateTemp(s.dir, "")
	return stuckFile{f}, err
}

func onePicture(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 20, 20))); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// holdPictures takes every place in the line of pictures that one network may have, until the function it returns is called.
func holdPictures(t *testing.T, network string) (free func()) {
	t.Helper()
	picture, spec := onePicture(t), form.Form[newFile]{}.FormSpec()
	open, refused := make(chan struct{}), make(chan int, 100)
	var all sync.WaitGroup
	for range max(1, runtime.GOMAXPROCS(0)/2) + 8 + 1 { // decoded, waiting, and the first without a place
		var b bytes.Buffer
		w := multipart.NewWriter(&b)
		part, err := w.CreateFormFile("File", "a.png")
		if err != nil {
			t.Fatal(err)
		}
		_, _ = part.Write(picture)
		_ = w.Close()
		r := httptest.NewRequest("POST", "/", &b)
		r.Header.Set("Content-Type", w.FormDataContentType())
		body, err := form.ParseUploads(r, form.Limits{}, form.Uploads{Spec: spec, Spool: &stuckSpool{dir: t.TempDir(), free: open}, Network: network})
		if err != nil {
			t.Fatal(err)
		}
		all.Go(func() {
			defer body.Drop()
			if _, bound := form.Bind[newFile](body, nil); bound.Refusal != nil {
				refused <- bound.Refusal.Status
			}
		})
	}
	select {
	case status := <-refused:
		if status != 429 {
			t.Errorf("the one without a place was refused with %d", status)
		}
	case <-time.After(time.Minute):
		t.Error("nobody was refused")
	}
	return func() { close(open); all.Wait() }
}

// TestPicturesAreRefusedInTime: a network that has its share of the line gets 429 and a time, at once and not when the answer
// has no time left; then its pictures are taken again.
func TestPicturesAreRefusedInTime(t *testing.T) {
	s := merlontest.Start(t, openUploads)
	free := holdPictures(t, trust.Client{Addr: netip.MustParseAddr("127.0.0.1")}.Network().String())
	free = sync.OnceFunc(free)
	defer free()
	send := func() *merlontest.Visitor {
		v := s.Visitor()
		return v.Get("/files").SubmitFiles("/files", merlontest.Values{"Text": "a"}, merlontest.Upload{Field: "File", Name: "a.png", Content: onePicture(t)})
	}
	v := send().Is(429)
	if after, err := strconv.Atoi(v.Header.Get("Retry-After")); err != nil || after < 1 || after > 60 {
		t.Errorf("Retry-After: %q", v.Header.Get("Retry-After"))
	}
	free()
	send().Is(200)
	if waiting, kept := onDisk(t, s); len(waiting) != 0 || len(kept) != 1 {
		t.Errorf("waiting: %v, kept: %v", waiting, kept)
	}
}

// timed calls each whenever the time of an answer is set.
type timed struct {
	http.ResponseWriter
	each func()
}

// SetWriteDeadline is what [http.ResponseController] calls.
func (w timed) SetWriteDeadline(time.Time) error {
	w.each()
	return nil
}

// TestAnswersHaveTheirTimeAfterPictures: the time of an answer begins when its pictures are drawn anew, not before.
func TestAnswersHaveTheirTimeAfterPictures(t *testing.T) {
	var server *merlontest.Server
	var seen []string
	server = merlontest.Start(t, func(env merlon.Env) (*merlon.Site, error) {
		mw := func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				next.ServeHTTP(timed{w, func() {
					waiting, _ := onDisk(t, server)
					seen = append(seen, strings.Join(waiting, " "))
				}}, r)
			})
		}
		routes := append(merlon.Wrap(mw, merlon.Post("/files", merlon.Public(), addFile)), merlon.Get("/files", merlon.Public(), showFiles), merlon.Get("/files/{name}", merlon.Public(), oneUpload))
		return merlon.New(env, merlon.Config{Name: "files", Engine: sqlite.Engine("x.db"), Pages: uploadPages, Schema: noStatements, Routes: routes})
	})
	server.Visitor().Get("/files").SubmitFiles("/files", merlontest.Values{"Text": "a"}, merlontest.Upload{Field: "File", Name: "a.png", Content: onePicture(t)}).Is(200)
	if len(seen) < 2 || seen[0] == "" || seen[0] == seen[len(seen)-1] {
		t.Errorf("the time was set with these files waiting: %q", seen)
	}
}
