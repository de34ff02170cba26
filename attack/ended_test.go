package attack

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
)

func testRun(ctx context.Context, h http.Handler) *run {
	return &run{t: &target{origin: origin, handler: h}, ctx: ctx, seen: map[string]bool{}, report: &Report{}, class: "sessions"}
}

// TestWalkerEnds: when the time is over the browser of an approach says so to the part that walks, whose own work goes on to its end.
func TestWalkerEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	r := testRun(ctx, http.NotFoundHandler())
	w := &walker{actor: &actor{run: r, cookies: map[string]string{}, way: &approach{here: &answer{header: http.Header{}}}}}
	if status, err := w.Get(ctx, "/"); status != http.StatusNotFound || err != nil {
		t.Fatalf("%d, %v", status, err)
	}
	cancel()
	if _, err := w.Get(t.Context(), "/"); err == nil {
		t.Error("the time was over, and the walk does not learn of it")
	}
}

// TestUnreadableData: data that cannot be read is no data without the text.
func TestUnreadableData(t *testing.T) {
	r := testRun(t.Context(), nil)
	r.t.rest = func(context.Context, string) (string, error) { return "", errors.New("the disk is gone") }
	if where := r.rests("a-token"); where != "" || !strings.Contains(strings.Join(r.left["sessions"], "\n"), "the disk is gone") {
		t.Errorf("%q, left %v", where, r.left)
	}
}
