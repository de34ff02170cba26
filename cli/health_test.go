package cli

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

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
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/readyz", nil))
	if got := w.Body.String(); w.Code != http.StatusOK || got != "ready\nthe drill failed\n" {
		t.Errorf("%d %q", w.Code, got)
	}
}
