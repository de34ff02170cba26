package attack

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestSlowAnswer: an answer that comes late is waited for the next time, by its method and path alone; one without an end is not;
// that one was cut off is told.
func TestSlowAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/events" {
				w.Header().Set("Content-Type", "text/event-stream")
			}
			fmt.Fprint(w, "early ")
			w.(http.Flusher).Flush()
			late := 3 * time.Second
			if r.URL.Path != "/slow" {
				late = time.Hour
			}
			select {
			case <-r.Context().Done():
			case <-time.After(late):
				fmt.Fprint(w, r.FormValue("q"))
			}
		})
		r := testRun(t.Context(), h)
		a := &actor{run: r, cookies: map[string]string{}}
		for i, c := range []struct {
			q       *Request
			took    time.Duration
			body    string
			endless bool
		}{
			{get("/slow?q=one"), maxStream, "early ", true},
			{get("/slow?q=two"), 3 * time.Second, "early two", false},
			{get("/slow?q=three"), 3 * time.Second, "early three", false},
			{post("/slow", nil), maxStream, "early ", true},
			{get("/never"), maxStream, "early ", true},
			{get("/never"), maxSlow, "early ", true},
			{get("/never"), maxAgain, "early ", true},
			{get("/events"), maxStream, "early ", true},
			{get("/events"), maxAgain, "early ", true},
		} {
			began := time.Now()
			if ans := a.send(c.q); ans.body != c.body || ans.endless != c.endless || time.Since(began) != c.took {
				t.Errorf("%d: %s: %q after %s, endless %v", i, c.q.Path, ans.body, time.Since(began), ans.endless)
			}
		}
		if left := strings.Join(r.left["sessions"], "\n"); strings.Count(left, "its answer has no end") != 4 || !strings.Contains(left, "the rest of POST /slow") {
			t.Errorf("left:\n%s", left)
		}
		if r.tried != 9 {
			t.Errorf("%d tried", r.tried)
		}
	})
}
