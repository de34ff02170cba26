package file_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/outbound/file"
	"github.com/merlon-web/merlon/sqlite"
)

// home is a store and its database, with a clock of the test's own.
type home struct {
	*file.Store
	engine db.Engine
	dir    string
	now    time.Time
	sender int64
}

func open(ctx context.Context, dir string) (*home, error) {
	h := &home{engine: sqlite.Engine("site.db"), dir: dir, now: time.Now(), sender: 1}
	h.Store = file.New(dir, func() time.Time { return h.now }, file.Limits{User: 100_000, Visitors: 60_000})
	if err := h.engine.Open(ctx, dir, file.Schema()); err != nil {
		return nil, err
	}
	_, err := h.engine.Migrate(ctx)
	return h, err
}

func started(t *testing.T) *home {
	h, err := open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.engine.Close(); h.Close() })
	return h
}

type document struct {
	File form.File `form:"required,max_bytes=1000000,types=text/plain|image/png"`
}

// upload sends a file through a form, and hands it to do.
func (h *home) upload(name, content string, do func(form.File) error) error {
	r := httptest.NewRequest("POST", "/", strings.NewReader("--XX\r\nContent-Disposition: form-data; name=\"File\"; filename=\""+name+"\"\r\n\r\n"+content+"\r\n--XX--\r\n"))
	r.Header.Set("Content-Type", "multipart/form-data; boundary=XX")
	b, err := form.ParseUploads(r, form.Limits{}, form.Uploads{Spec: form.Form[document]{}.FormSpec(), Spool: h.For(h.sender)})
	if err != nil {
		return err
	}
	defer b.Drop()
	f, _ := form.Bind[document](b, nil)
	v, ok := f.Value()
	if !ok {
		return errors.New(f.Problem("File"))
	}
	return do(v.File)
}

func (h *home) write(do func(w *db.Writer) error) error {
	return h.engine.Write(context.Background(), func(_ context.Context, w *db.Writer) error { return do(w) })
}

// keep keeps a text and returns its name.
func (h *home) keep(content string) (name string, err error) {
	err = h.upload("a.txt", content, func(f form.File) error {
		return h.write(func(w *db.Writer) error {
			name, err = file.Keep(w, f)
			return err
		})
	})
	return name, err
}

// blobs are the files on the disk, waiting ones too.
func (h *home) blobs(t *testing.T) (all []string) {
	t.Helper()
	root := filepath.Join(h.dir, file.Folder)
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			name, _ := filepath.Rel(root, path)
			all = append(all, filepath.ToSlash(name))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func blobOf(content string) string {
	sum := sha256.Sum256([]byte(content))
	hash := hex.EncodeToString(sum[:])
	return "kept/" + hash[:2] + "/" + hash
}

func TestKeepFindRemove(t *testing.T) {
	h := started(t)
	first, err := h.keep("the same")
	second, err2 := h.keep("the same")
	if err != nil || err2 != nil || first == second || len(first) != 26 {
		t.Fatalf("%q, %q: %v, %v", first, second, err, err2)
	}
	if got := h.blobs(t); len(got) != 1 || got[0] != blobOf("the same") {
		t.Errorf("the same bytes twice are %v", got)
	}
	r := h.engine.Read(t.Context())
	i, err := file.Find(r, first)
	if err != nil || i.Type != "text/plain" || i.Size != 8 || i.Client != "a.txt" {
		t.Fatalf("%+v, %v", i, err)
	}
	for _, bad := range []string{"", "../" + first, strings.ToUpper(first), first + "x", strings.Repeat("a", 26)} {
		if _, err := file.Find(r, bad); !errors.Is(err, db.ErrNoRow) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	for _, bad := range []string{"", "..", "../../etc/passwd", i.Hash[:63] + "/", strings.ToUpper(i.Hash)} {
		if f, err := h.OpenHash(bad); err == nil {
			f.Close()
			t.Errorf("%q was opened", bad)
		}
	}
	f, err := h.Open(i)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(f); err != nil || string(b) != "the same" {
		t.Errorf("%q, %v", b, err)
	}
	f.Close()
	r.Close()

	if err := h.write(func(w *db.Writer) error { return file.Remove(w, h.now, first) }); err != nil {
		t.Fatal(err)
	}
	r = h.engine.Read(t.Context())
	defer r.Close()
	if _, err := file.Find(r, first); !errors.Is(err, db.ErrNoRow) {
		t.Errorf("a removed file: %v", err)
	}
	if _, err := file.Find(r, second); err != nil {
		t.Errorf("the other name of the same bytes: %v", err)
	}
}

// TestCollect: a blob that a row names stays, also one that was removed a moment ago; what nobody names goes after 48 hours.
func TestCollect(t *testing.T) {
	h := started(t)
	collect := func(want int) {
		t.Helper()
		if n, err := h.Collect(t.Context(), h.engine); n != want || err != nil {
			t.Errorf("%d blobs were collected, want %d: %v", n, want, err)
		}
	}
	stays, err := h.keep("stays")
	goes, err2 := h.keep("goes")
	rolled := errors.New("rolled back")
	err3 := h.upload("a.txt", "never committed", func(f form.File) error {
		return h.write(func(w *db.Writer) error {
			_, err := file.Keep(w, f)
			return errors.Join(rolled, err)
		})
	})
	if err != nil || err2 != nil || !errors.Is(err3, rolled) {
		t.Fatal(err, err2, err3)
	}
	collect(0)
	h.now = h.now.Add(file.Grace - time.Hour)
	collect(0)
	if err := h.write(func(w *db.Writer) error { return file.Remove(w, h.now, goes) }); err != nil {
		t.Fatal(err)
	}
	h.now = h.now.Add(2 * time.Hour)
	if _, err := h.For(1).Wait(); err != nil { // its process is killed
		t.Fatal(err)
	}
	collect(1) // what never had a row
	h.now = h.now.Add(file.Grace)
	if _, err := h.keep("stays"); err != nil {
		t.Fatal(err)
	}
	collect(1)
	if got := h.blobs(t); len(got) != 1 || got[0] != blobOf("stays") {
		t.Errorf("left: %v", got)
	}
	r := h.engine.Read(t.Context())
	defer r.Close()
	if missing, err := h.Missing(r); len(missing) != 0 || err != nil {
		t.Errorf("missing: %v, %v", missing, err)
	}
	if err := os.Remove(filepath.Join(h.dir, file.Folder, filepath.FromSlash(blobOf("stays")))); err != nil {
		t.Fatal(err)
	}
	if missing, err := h.Missing(r); len(missing) != 2 || missing[0] != min(missing[0], missing[1]) || !strings.Contains(strings.Join(missing, " "), stays) {
		t.Errorf("missing: %v, %v", missing, err)
	}
}

// TestOrphanIsTakenUp: an orphan that is about to be collected and is sent again stays.
func TestOrphanIsTakenUp(t *testing.T) {
	h := started(t)
	name, err := h.keep("again")
	if err == nil {
		err = h.write(func(w *db.Writer) error { return file.Remove(w, h.now, name) })
	}
	if err != nil {
		t.Fatal(err)
	}
	h.now = h.now.Add(file.Grace + time.Hour)
	h.OnStep(func(step string) {
		if step == "touched" { // the row is not there yet, and the collector waits for the transaction
			go func() { _, _ = h.Collect(context.Background(), h.engine) }()
		}
	})
	if name, err = h.keep("again"); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Collect(t.Context(), h.engine); err != nil {
		t.Fatal(err)
	}
	if got := h.blobs(t); len(got) != 1 {
		t.Errorf("left: %v", got)
	}
}

// TestLinksLeadNowhere: a link that somebody put into the folder is not followed out of it.
func TestLinksLeadNowhere(t *testing.T) {
	h := started(t)
	if _, err := h.keep("a"); err != nil {
		t.Fatal(err)
	}
	outside := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(outside, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(h.dir, file.Folder, filepath.FromSlash(blobOf("b")))
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, to); err != nil {
		t.Skip(err)
	}
	if f, err := h.OpenHash(filepath.Base(to)); err == nil {
		b, _ := io.ReadAll(f)
		f.Close()
		t.Errorf("a link was followed: %q", b)
	}
	if _, err := h.keep("b"); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(outside); err != nil || !bytes.Equal(b, []byte("secret")) {
		t.Errorf("what the link leads to is %q, %v", b, err)
	}
}

const killAt = "MERLON_FILE_KILL_AT"

// TestMain is also the child of TestKill: it keeps, keeps again, removes and collects, and is killed at a step.
func TestMain(m *testing.M) {
	at := os.Getenv(killAt)
	if at == "" {
		os.Exit(m.Run())
	}
	var left int
	fmt.Sscan(at, &left)
	h, err := open(context.Background(), os.Args[1])
	if err != nil {
		panic(err)
	}
	h.OnStep(func(string) {
		if left--; left == 0 {
			self, _ := os.FindProcess(os.Getpid())
			_ = self.Kill()
			select {}
		}
	})
	for _, content := range []string{"one", "two", "one", "three"} {
		name, err := h.keep(content)
		if err != nil {
			panic(err)
		}
		if content == "two" {
			if err := h.write(func(w *db.Writer) error { return file.Remove(w, h.now, name) }); err != nil {
				panic(err)
			}
		}
	}
	h.now = h.now.Add(file.Grace + time.Hour)
	if _, err := h.Collect(context.Background(), h.engine); err != nil {
		panic(err)
	}
	fmt.Println("whole")
}
