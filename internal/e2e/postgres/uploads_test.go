package postgres_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/internal/e2e/pgpeer"
	"github.com/merlon-web/merlon/outbound/file"
)

type document struct {
	File form.File `form:"required,max_bytes=100000,types=text/plain"`
}

// TestUploadQuota: of uploads of one user that come to two processes at once, those are kept that fit together.
func TestUploadQuota(t *testing.T) {
	server := pgpeer.Shared(t)
	name, dir := server.Database(t), t.TempDir()
	keep := func(e db.Engine, s *file.Store) error {
		r := httptest.NewRequest("POST", "/", strings.NewReader("--XX\r\nContent-Disposition: form-data; name=\"File\"; filename=\"a\"\r\n\r\n"+strings.Repeat("a", 30_000)+"\r\n--XX--\r\n"))
		r.Header.Set("Content-Type", "multipart/form-data; boundary=XX")
		b, err := form.ParseUploads(r, form.Limits{}, form.Uploads{Spec: form.Form[document]{}.FormSpec(), Spool: s.For(7)})
		if err != nil {
			return err
		}
		defer b.Drop()
		f, _ := form.Bind[document](b, nil)
		in, ok := f.Value()
		if !ok {
			return errors.New(f.Problem("File"))
		}
		return e.Write(context.Background(), func(_ context.Context, w *db.Writer) error {
			_, err := file.Keep(w, in.File)
			return err
		})
	}
	var wg sync.WaitGroup
	errs := make(chan error, 8)
	var first db.Engine
	for range 2 {
		e := engine(t, server, name, file.Schema())
		s := file.New(dir, time.Now, file.Limits{User: 100_000, Free: 1})
		t.Cleanup(func() { s.Close() })
		first = e
		for range 4 {
			wg.Go(func() { errs <- keep(e, s) })
		}
	}
	wg.Wait()
	kept, over := 0, 0
	for range 8 {
		var o *file.Over
		switch err := <-errs; {
		case err == nil:
			kept++
		case errors.As(err, &o):
			over++
		default:
			t.Error(err)
		}
	}
	r := first.Read(t.Context())
	defer r.Close()
	if used, err := file.Used(r, 7); kept != 3 || over != 5 || used != 90_000 || err != nil {
		t.Errorf("%d were kept, %d refused, of %d bytes: %v", kept, over, used, err)
	}
}
