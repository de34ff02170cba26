package file_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/merlon-web/merlon/check/host"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/outbound/file"
)

func (h *home) used(t *testing.T, owner int64) int64 {
	t.Helper()
	r := h.engine.Read(t.Context())
	defer r.Close()
	n, err := file.Used(r, owner)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestQuota: what a sender keeps counts in full, also where the bytes are another's too or are removed, until they are collected;
// who has no room left keeps nothing more, and nobody else is kept from anything.
func TestQuota(t *testing.T) {
	h := started(t)
	keep := func(sender int64, content string, fits bool) string {
		t.Helper()
		h.sender = sender
		name, err := h.keep(content)
		var over *file.Over
		if fits && err != nil || !fits && !errors.As(err, &over) {
			t.Fatalf("user %d keeps %d bytes: %v", sender, len(content), err)
		}
		if over != nil && (over.Owner != sender || over.Used != h.used(t, sender)) {
			t.Errorf("told: %+v", over)
		}
		return name
	}
	large := strings.Repeat("a", 50_000)
	first := keep(1, large, true)
	keep(1, large+"b", false) // 100,001
	keep(1, large, true)      // the same bytes again: a row more
	keep(1, "a", false)
	if got := h.used(t, 1); got != 100_000 {
		t.Errorf("user 1 has %d", got)
	}
	keep(2, large, true) // another's bytes are not free
	if got := h.used(t, 2); got != 50_000 {
		t.Errorf("user 2 has %d", got)
	}
	keep(file.Visitor, "a", true)
	keep(file.Visitor, large, false)
	keep(file.Visitor, "b", true)
	if got := h.used(t, file.Visitor); got != 2*file.Least {
		t.Errorf("visitors have %d", got)
	}
	r := h.engine.Read(t.Context())
	i, err := file.Find(r, first)
	r.Close()
	if err != nil || i.Owner != 1 {
		t.Errorf("%+v, %v", i, err)
	}

	if err := h.write(func(w *db.Writer) error { return file.Remove(w, h.now, first) }); err != nil {
		t.Fatal(err)
	}
	keep(1, "a", false) // its bytes are there still
	h.now = h.now.Add(file.Grace + time.Hour)
	if _, err := h.Collect(t.Context(), h.engine); err != nil {
		t.Fatal(err)
	}
	if got := h.used(t, 1); got != 50_000 {
		t.Errorf("after the collection user 1 has %d", got)
	}
	keep(1, large, true)
}

// TestOldUploads: those from before owners were noted are nobody's.
func TestOldUploads(t *testing.T) {
	h := started(t)
	if err := h.write(func(w *db.Writer) error { return file.InsertOld(w, strings.Repeat("b", 26), 90_000) }); err != nil {
		t.Fatal(err)
	}
	for _, owner := range []int64{file.Visitor, 1} {
		if n := h.used(t, owner); n != 0 {
			t.Errorf("owner %d has %d", owner, n)
		}
	}
	if n := h.used(t, file.Unknown); n != 90_000 {
		t.Errorf("%d are nobody's", n)
	}
}

// TestFullDisk: a disk that is as full as it may be takes no upload, from its start or in the middle of one, and nothing of it stays.
func TestFullDisk(t *testing.T) {
	h := started(t)
	free := file.Default.Free
	h.OnFree(func() int64 { return free })
	if _, err := h.keep("as much as must be free"); err != nil {
		t.Fatal(err)
	}
	noRoom := form.English(form.MsgNoRoom)
	free--
	if _, err := h.keep("a byte less"); err == nil || err.Error() != noRoom {
		t.Errorf("got %v", err)
	}
	free = host.Unknown
	if _, err := h.keep("nobody can tell"); err != nil {
		t.Error(err)
	}

	free = file.Default.Free
	spool := h.For(1)
	w, err := spool.Wait()
	if err != nil {
		t.Fatal(err)
	}
	piece := make([]byte, 1<<20)
	for n := 1; ; n++ {
		if free--; n > 4 {
			t.Fatal("4 MiB went to a disk that filled meanwhile")
		}
		if _, err := w.Write(piece); err != nil {
			if !errors.Is(err, form.ErrNoRoom) || !spool.Full() {
				t.Errorf("got %v", err)
			}
			break
		}
	}
	if err := w.Drop(); err != nil {
		t.Error(err)
	}
	if got := h.blobs(t); len(got) != 2 {
		t.Errorf("left: %v", got)
	}
}
