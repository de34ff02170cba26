package cli

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/sqlite"
)

// What parts tell of a site that is ready stands on /readyz and changes no status.
func TestReadinessNotes(t *testing.T) {
	site, err := merlon.New(merlon.Env{Data: t.TempDir(), Mode: merlon.Test}, merlon.Config{Name: "test", Engine: sqlite.Engine("test.db"),
		Parts: []merlon.Part{{Name: "t", Readiness: func(context.Context, *merlon.House) []string { return []string{"the drill failed"} }}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := site.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer site.Close(context.Background())
	h := &health{site: site}
	h.ready.Store(true)
	const want = "ready\nthe drill failed\n"
	for end := time.Now().Add(time.Minute); ; { // a busy machine may not read the database in time, and says so too
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/readyz", nil))
		got := w.Body.String()
		if w.Code == http.StatusOK && got == want {
			return
		}
		if w.Code != http.StatusOK || time.Now().After(end) {
			t.Fatalf("%d %q", w.Code, got)
		}
	}
}
