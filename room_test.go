package merlon_test

import (
	"strings"
	"sync"
	"testing"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/account"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/merlontest"
	"github.com/merlon-web/merlon/outbound/file"
	"github.com/merlon-web/merlon/sqlite"
)

// openRoom is a site for files with little room.
func openRoom(limits file.Limits, lang string) func(merlon.Env) (*merlon.Site, error) {
	return func(env merlon.Env) (*merlon.Site, error) {
		env.Settings.Uploads = limits
		return merlon.New(env, merlon.Config{Name: "files", Lang: lang, Engine: sqlite.Engine("x.db"), Pages: uploadPages, Schema: noStatements, Parts: []merlon.Part{account.New(account.Config{})},
			Routes: []merlon.Route{merlon.Get("/", merlon.Public(), showFiles), merlon.Get("/files", merlon.Public(), showFiles), merlon.Post("/files", merlon.Public(), addFile),
				merlon.Get("/files/{name}", merlon.Public(), oneUpload)}})
	}
}

// refusals is how often a rule refused.
func refusals(s *merlontest.Server, id string) int { return strings.Count(s.Log.String(), id) }

func text(size int) merlontest.Upload {
	return merlontest.Upload{Field: "File", Name: "a.txt", Content: []byte(strings.Repeat("a", size))}
}

// TestUploadQuota: what a user may not keep is told at its field, in the words of the page, with what was typed; others are not
// concerned, and visitors without a session have one room together.
func TestUploadQuota(t *testing.T) {
	limits := file.Limits{User: 100_000, Visitors: 50_000, Free: 1}
	s := merlontest.Start(t, openRoom(limits, "en"))
	ann, ben, stranger := s.SignedIn("Ann"), s.SignedIn("Ben"), s.Visitor()
	send := func(v *merlontest.Visitor, size int) *merlontest.Visitor {
		return v.Get("/files").SubmitFiles("/files", merlontest.Values{"Text": "typed"}, text(size))
	}
	send(ann, 60_000).Is(200)
	send(ann, 60_001).Is(413).Has("Your file: Your files have used up the room that you have.", "Choose the file once more")
	if got := ann.Value("/files", "Text"); got != "typed" {
		t.Errorf("the text is %q", got)
	}
	ann.SubmitFiles("/files", nil, text(40_000)).Is(200) // the form shown again takes what fits
	send(ben, 60_000).Is(200)
	send(stranger, 50_000).Is(200)
	send(s.Visitor(), 1).Is(413).Has("Your file: There is no room for files at the moment.")
	if n := refusals(s, file.RuleQuota.ID); n != 2 {
		t.Errorf("%d refusals were recorded", n)
	}
	if waiting, kept := onDisk(t, s); len(waiting) != 0 || len(kept) != 3 {
		t.Errorf("waiting: %v, kept: %v", waiting, kept)
	}
	german := merlontest.Start(t, openRoom(limits, "de"))
	send(german.SignedIn("Ann"), 100_001).Is(413).Has("Ihre Dateien haben den Platz verbraucht")
}

// TestKeepWithoutRoom: a handler that keeps more than what came with its form is stopped, with all that it wrote.
func TestKeepWithoutRoom(t *testing.T) {
	s := merlontest.Start(t, openRoom(file.Limits{User: 100_000, Free: 1}, "en"))
	ann := s.SignedIn("Ann")
	ann.Get("/files").SubmitFiles("/files", merlontest.Values{"Text": "twice"}, text(60_000)).Is(413)
	s.Read(func(r *db.Reader) error {
		n, err := file.Used(r, ann.UserID)
		if n != 0 {
			t.Errorf("%d bytes were kept", n)
		}
		return err
	})
	if n := refusals(s, file.RuleQuota.ID); n != 1 {
		t.Errorf("%d refusals were recorded", n)
	}
}

// TestParallelUploads: of uploads that arrive at once, and each of which fits, those are kept that fit together.
func TestParallelUploads(t *testing.T) {
	s := merlontest.Start(t, openRoom(file.Limits{User: 100_000, Free: 1}, "en"))
	ann := s.SignedIn("Ann")
	ann.Get("/files")
	var wg sync.WaitGroup
	var all []*merlontest.Visitor
	for range 8 {
		v := ann.Clone().Get("/files")
		all = append(all, v)
		wg.Go(func() { v.SubmitFiles("/files", merlontest.Values{"Text": "a"}, text(40_000)) })
	}
	wg.Wait()
	status := map[int]int{}
	for _, v := range all {
		status[v.Status]++
	}
	if status[200] != 2 || status[413] != 6 {
		t.Errorf("answers: %v", status)
	}
	s.Read(func(r *db.Reader) error {
		n, err := file.Used(r, ann.UserID)
		if n != 80_000 {
			t.Errorf("%d bytes are kept", n)
		}
		return err
	})
}

// TestFullDisk: a disk without room for uploads takes none, says so at the field, and the site goes on.
func TestFullDisk(t *testing.T) {
	s := merlontest.Start(t, openRoom(file.Limits{Free: 1 << 60}, "de"))
	ann := s.SignedIn("Ann")
	ann.Get("/files").SubmitFiles("/files", merlontest.Values{"Text": "typed"}, text(10)).Is(507).Has("Zurzeit ist kein Platz für Dateien.")
	if got := ann.Value("/files", "Text"); got != "typed" {
		t.Errorf("the text is %q", got)
	}
	if n := refusals(s, file.RuleDisk.ID); n != 1 {
		t.Errorf("%d refusals were recorded", n)
	}
	if waiting, kept := onDisk(t, s); len(waiting) != 0 || len(kept) != 0 {
		t.Errorf("waiting: %v, kept: %v", waiting, kept)
	}
	ann.Get("/").Is(200)
}
