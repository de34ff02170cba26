package backup

import (
	"bytes"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/outbound/file"
	"github.com/merlon-web/merlon/sqlite"
)

type upload struct {
	File form.File `form:"required,max_bytes=1000000,types=text/plain"`
}

func keepUpload(w *merlon.Write[merlon.Visitor], f form.Form[upload]) (*merlon.Response, error) {
	in, ok := f.Value()
	if !ok {
		return merlon.Text(f.Problem("File")), nil
	}
	name, err := file.Keep(w.DB, in.File)
	return merlon.Text(name), err
}

var uploadRoutes = []merlon.Route{merlon.Post("/files", merlon.Public(), keepUpload, merlon.InsecureNoToken("a test of backups"))}

// upload sends a file and returns its public name.
func (s *testSite) upload(content string) string {
	s.t.Helper()
	r := httptest.NewRequest("POST", "http://localhost/files", strings.NewReader("--XX\r\nContent-Disposition: form-data; name=\"File\"; filename=\"a.txt\"\r\n\r\n"+content+"\r\n--XX--\r\n"))
	r.Header.Set("Content-Type", "multipart/form-data; boundary=XX")
	w := httptest.NewRecorder()
	s.site.ServeHTTP(w, r)
	if w.Code != 200 || w.Body.Len() != 26 {
		s.t.Fatalf("%d %s", w.Code, w.Body)
	}
	return w.Body.String()
}

// openUploads puts together the site whose data a point with uploads holds.
func openUploads(data string, mode merlon.Mode) (*merlon.Site, error) {
	_, part := newPart(Config{})
	return merlon.New(merlon.Env{Data: data, Mode: mode, NoJobs: true, Log: slog.New(slog.DiscardHandler)},
		merlon.Config{Name: "notes", Engine: sqlite.Engine("notes.db"), Schema: noteSchema, Parts: []merlon.Part{part}, Routes: uploadRoutes})
}

// TestUploadsAreInThePoint: a restore has each upload, byte for byte; one that was lost before is told and takes nothing from
// the rest; a drill tells what a restore would lack.
func TestUploadsAreInThePoint(t *testing.T) {
	s := &testSite{t: t, data: filepath.Join(t.TempDir(), "data"), target: t.TempDir(), routes: uploadRoutes}
	s.start()
	s.setUp()
	first, second := s.upload(canary+" one"), s.upload(strings.Repeat("two ", 100000))
	s.upload(canary + " one")
	made := s.point()
	noCanary(t, s.target)
	if len(made.Notes) > 0 {
		t.Errorf("notes: %v", made.Notes)
	}

	restore := func(p *Point) (folder, said string) {
		t.Helper()
		var words bytes.Buffer
		f, err := s.part.fetch(t.Context(), fetching{store: s.store(), point: p, key: key{id: s.recovery.Identity()}, dest: filepath.Join(t.TempDir(), "data"), open: openUploads,
			say: func(format string, args ...any) { words.WriteString(strings.TrimSpace(format) + "\n") }, restore: merlon.Restore{Now: time.Now(), Who: "test"}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(f.discard)
		return f.path, words.String()
	}
	folder, said := restore(s.points()[0])
	if strings.Contains(said, "WARN") || !strings.Contains(said, "uploads") {
		t.Errorf("the restore says %s", said)
	}
	for _, one := range []struct{ name, content string }{{first, canary + " one"}, {second, strings.Repeat("two ", 100000)}} {
		r := s.site.House().Engine.Read(t.Context())
		i, err := file.Find(r, one.name)
		r.Close()
		if err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(filepath.Join(folder, filepath.FromSlash(file.BlobPath(i.Hash)))); err != nil || string(got) != one.content {
			t.Errorf("%s came back as %d bytes, %v", one.name, len(got), err)
		}
		if one.name == second { // the disk loses it
			if err := os.Remove(filepath.Join(s.data, filepath.FromSlash(file.BlobPath(i.Hash)))); err != nil {
				t.Fatal(err)
			}
		}
	}
	site, err := s.part.raise(t.Context(), &merlon.Apart{Open: openUploads}, folder, &told{Steps: map[string]float64{}})
	if err != nil {
		t.Fatalf("the drill's site on a whole copy: %v", err)
	}
	r := site.House().Engine.Read(t.Context())
	if used, err := file.Used(r, file.Visitor); used != 2*file.Least+400000 || err != nil { // the owners are in it
		t.Errorf("in the copy visitors have %d bytes: %v", used, err)
	}
	r.Close()
	_ = site.Close(t.Context())

	if made = s.point(); len(made.Notes) != 1 || !strings.Contains(made.Notes[0], "1 uploads that the database names are not on the disk") {
		t.Errorf("notes: %v", made.Notes)
	}
	if _, said = restore(s.points()[1]); strings.Contains(said, "WARN") { // the day's first point has it
		t.Errorf("the restore of a point whose base has an upload says %s", said)
	}
	if err := os.Remove(homeOf(s.data).path(baseFile)); err != nil {
		t.Fatal(err)
	}
	s.note(1)
	s.point()
	folder, said = restore(s.points()[2])
	if !strings.Contains(said, "WARN") {
		t.Errorf("the restore of a point that lacks an upload says %s", said)
	}
	if site, err := s.part.raise(t.Context(), &merlon.Apart{Open: openUploads}, folder, &told{Steps: map[string]float64{}}); err == nil || !strings.Contains(err.Error(), second) {
		t.Errorf("the drill's site on a copy that lacks %s: %v", second, err)
		if err == nil {
			_ = site.Close(t.Context())
		}
	}
}
