package merlon_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/account"
	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/event"
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/journal"
	"github.com/merlon-web/merlon/merlontest"
	"github.com/merlon-web/merlon/page"
)

// What an attacker and a reviewer found once, each with the test that failed.

// TestSlowBodiesHoldNoReader: posts whose body never comes keep nobody from reading (AVAIL-2).
func TestSlowBodiesHoldNoReader(t *testing.T) {
	s := merlontest.Start(t, openTestSite)
	cookie := base64.RawURLEncoding.EncodeToString(bytes.Repeat([]byte{7}, 32))
	for range 40 {
		c, err := net.Dial("tcp", s.Addr())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		fmt.Fprintf(c, "POST /notes HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\nSec-Fetch-Site: same-origin\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\nCookie: __Host-test-session=%s\r\n\r\nT", cookie)
	}
	time.Sleep(200 * time.Millisecond) // they are all waiting in their bodies
	began := time.Now()
	s.Visitor().Get("/notes").Is(200)
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("a page took %v beside slow posts", took)
	}
}

func abort(r *merlon.Read[merlon.Visitor], _ merlon.None) (*merlon.Response, error) {
	if _, err := allNotes.All(r.DB, 1); err != nil {
		return nil, err
	}
	panic(http.ErrAbortHandler)
}

// TestAbortedHandlersLeakNoReader: a handler that drops the connection gives its snapshot back.
func TestAbortedHandlersLeakNoReader(t *testing.T) {
	s := merlontest.Start(t, func(env merlon.Env) (*merlon.Site, error) {
		return openTestSiteWith(env, merlon.Get("/abort", merlon.Public(), abort))
	})
	for range 40 {
		res, err := http.Get("http://" + s.Addr() + "/abort")
		if err == nil {
			t.Errorf("an aborted handler answered %d", res.StatusCode)
			_ = res.Body.Close()
		}
	}
	s.Visitor().Get("/notes").Is(200)
}

func slowSecret(r *merlon.Read[merlon.Visitor], in searchInput) (*merlon.Response, error) {
	time.Sleep(time.Duration(in.Page) * time.Millisecond)
	return merlon.Show(plainPage, plainData{strings.Repeat(in.Q+" ", 200)}), nil
}

// TestTimeoutHandlerWraps: a middleware that goes on without its handler mixes nobody's pages; run with -race.
func TestTimeoutHandlerWraps(t *testing.T) {
	t.Parallel()
	s := merlontest.Start(t, func(env merlon.Env) (*merlon.Site, error) {
		mw := func(next http.Handler) http.Handler {
			return http.TimeoutHandler(next, 20*time.Millisecond, "too slow")
		}
		return openTestSiteWith(env, merlon.Wrap(mw, merlon.Get("/slow", merlon.Public(), slowSecret))...)
	})
	for range 20 {
		late := s.Visitor()
		late.Get("/slow?q=SECRET-OF-ANN&page=25")
		if late.Status == 200 {
			late.Has("SECRET-OF-ANN")
		}
		s.Visitor().Get("/search?q=bob").Is(200).HasNot("SECRET-OF-ANN")
		s.Visitor().Get("/slow?q=bob").HasNot("SECRET-OF-ANN")
	}
	time.Sleep(50 * time.Millisecond)
}

func late(r *merlon.Read[merlon.Visitor], _ merlon.None) (*merlon.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// TestADeadlineIsNoSuccess: a handler that ran out of a middleware's time answers 503, not an empty 200.
func TestADeadlineIsNoSuccess(t *testing.T) {
	s := merlontest.Start(t, func(env merlon.Env) (*merlon.Site, error) {
		mw := func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				ctx, stop := context.WithTimeout(r.Context(), 20*time.Millisecond)
				defer stop()
				next.ServeHTTP(w, r.WithContext(ctx))
			})
		}
		return openTestSiteWith(env, merlon.Wrap(mw, merlon.Get("/late", merlon.Public(), late))...)
	})
	s.Visitor().Get("/late").Is(503)
}

// TestAnothersFormAnswersNothing: whoever knows another visitor's token but not the cookie cannot open the answer that was
// kept for it, by putting its mask on a token of one's own.
func TestAnothersFormAnswersNothing(t *testing.T) {
	s := merlontest.Start(t, openTestSite)
	ann, eve := s.SignedIn("Ann").Get("/notes"), s.SignedIn("Eve").Get("/notes")
	raw := func(v *merlontest.Visitor) []byte {
		b, err := base64.RawURLEncoding.DecodeString(v.Fields("/notes").Get("merlon_token"))
		if err != nil || len(b) != 64 {
			t.Fatal(b, err)
		}
		return b
	}
	a, e := raw(ann), raw(eve)
	forged := make([]byte, 64)
	for i := range 32 {
		forged[i] = a[i]
		forged[32+i] = a[i] ^ e[i] ^ e[32+i] // Ann's mask over Eve's MAC
	}
	ann.Submit("/notes", merlontest.Values{"Text": "the same"}).Is(200)
	before := handled.Load()
	eve.Post("/notes", s.Site.Origin(), url.Values{"Text": {"the same"}, "merlon_token": {base64.RawURLEncoding.EncodeToString(forged)}}).Is(303)
	if handled.Load() != before+1 {
		t.Error("Eve's post was answered with what was kept for Ann")
	}
}

// TestAFormIsUsedUpForItsAddressOnly: the same token sent to another address of the route is another post.
func TestAFormIsUsedUpForItsAddressOnly(t *testing.T) {
	s := merlontest.Start(t, openTestSite)
	s.Write(func(w *db.Writer) error {
		for range 2 {
			if _, err := insertNote.Run(w, "x", "one of two"); err != nil {
				return err
			}
		}
		return nil
	})
	v := s.Visitor().Get("/notes")
	token := url.Values{"merlon_token": {v.Fields("/notes/1/delete").Get("merlon_token")}}
	v.Clone().Post("/notes/1/delete", s.Site.Origin(), token).Is(303)
	v.Clone().Post("/notes/2/delete", s.Site.Origin(), token).Is(303)
	v.Get("/notes").HasNot("one of two")
}

type sizeForm struct {
	Kind string `form:"required,choices=page|file|zero" label:"Kind"`
}

type sizeData struct{ Form form.Form[sizeForm] }

var sizePage = page.New[sizeData](sitePages, "size.html")

func big(w *merlon.Write[account.Guest], f form.Form[sizeForm]) (*merlon.Response, error) {
	in, _ := f.Value()
	if _, err := insertNote.Run(w.DB, "size", in.Kind); err != nil {
		return nil, err
	}
	switch in.Kind {
	case "page":
		return merlon.Show(plainPage, plainData{strings.Repeat("big ", 50_000)}), nil
	case "file":
		return merlon.Download("a.bin", make([]byte, 100_000)), nil
	}
	return merlon.ShowStatus(0, plainPage, plainData{"no status"}), nil
}

// TestAnswersOfEverySize: a POST may answer a large page or a file; a status that is none is a failure, and keeps nothing.
func TestAnswersOfEverySize(t *testing.T) {
	for kind, want := range map[string]int{"page": 200, "file": 200, "zero": 500} {
		t.Run(kind, func(t *testing.T) {
			s := merlontest.Start(t, openTestSite)
			v := s.Visitor().Get("/size")
			again := v.Clone()
			v.Submit("/size", merlontest.Values{"Kind": kind}).Is(want)
			rows := 0
			s.Read(func(r *db.Reader) error {
				list, err := allNotes.All(r, 10)
				rows = len(list)
				return err
			})
			if kept := want == 200; (rows == 1) != kept {
				t.Errorf("%d rows kept", rows)
			}
			if want == 200 { // too long to be kept: the second click goes to the front page, and stores nothing
				again.Submit("/size", merlontest.Values{"Kind": kind}).At("/")
			}
		})
	}
}

func showSize(*merlon.Read[account.Guest], merlon.None) (*merlon.Response, error) {
	return merlon.Show(sizePage, sizeData{}), nil
}

// TestRefusalsOutliveTheProcess: what was refused in the last moment before a stop is in the journal.
func TestRefusalsOutliveTheProcess(t *testing.T) {
	dir := t.TempDir()
	t.Run("first", func(t *testing.T) {
		s := merlontest.StartIn(t, dir, openTestSite)
		s.Visitor().Post("/notes", "https://evil.test", url.Values{"Text": {"x"}}).Is(403)
		s.SignedIn("Ann").Get("/trap").Submit("/trap", merlontest.Values{"How": "error"}).Is(500)
	})
	s := merlontest.StartIn(t, dir, openTestSite)
	s.Read(func(r *db.Reader) error {
		refused, err := journal.ListRefused(r, journal.Filter{})
		if err != nil || len(refused) == 0 {
			t.Errorf("refusals in the journal: %v, %v", refused, err)
		}
		failed, err := journal.List(r, journal.Filter{Outcome: "failed"})
		if err != nil || len(failed) == 0 {
			t.Errorf("failures in the journal: %v, %v", failed, err)
		}
		return nil
	})
}

func mountedWho(w http.ResponseWriter, r *http.Request) {
	u, ok := merlon.MountUser[account.User](r.Context())
	_, other := merlon.MountUser[account.Guest](r.Context())
	fmt.Fprintf(w, "%s %v %v", u.Name, ok, other)
}

// TestAMountedHandlerLearnsWhoCame: by the type of the mount's access rule and no other.
func TestAMountedHandlerLearnsWhoCame(t *testing.T) {
	s := merlontest.Start(t, func(env merlon.Env) (*merlon.Site, error) {
		return openTestSiteWith(env, merlon.Mount("/who", account.SignedIn(), http.HandlerFunc(mountedWho)))
	})
	if v := s.SignedIn("Ann").Get("/who").Is(200); v.Body != "Ann true false" {
		t.Errorf("the handler was told %q", v.Body)
	}
	if u, ok := merlon.MountUser[account.User](t.Context()); ok {
		t.Errorf("outside of a mount: %v", u)
	}
}

var ruleMounted = check.Rule{ID: "TEST-MOUNTED-001", Property: check.Integrity, Severity: check.Low, Title: "a mounted handler did something"}

func mountedDoes(w http.ResponseWriter, r *http.Request) {
	event.Record(r.Context(), ruleMounted, event.Done)
	w.WriteHeader(http.StatusNoContent)
}

type beforeForm struct{}

func beforeDoes(r *merlon.Read[merlon.Visitor], _ form.Form[beforeForm]) (int, error) {
	r.Record(ruleMounted, event.Done)
	return 0, nil
}

func thenRefuses(w *merlon.Write[merlon.Visitor], _ form.Form[beforeForm], _ int) (*merlon.Response, error) {
	w.Record(ruleMounted, event.Done) // is rolled back: it was not done
	return merlon.NotFound(), nil
}

// TestWhatWasDoneOutsideATransactionIsKept: by a mounted handler's POST, and by the slow part of one that answers 404.
func TestWhatWasDoneOutsideATransactionIsKept(t *testing.T) {
	dir := t.TempDir()
	open := func(env merlon.Env) (*merlon.Site, error) {
		return openTestSiteWith(env,
			merlon.Mount("/does", merlon.Public(), http.HandlerFunc(mountedDoes), merlon.InsecureNoToken("a test")),
			merlon.PostAfter("/refuses", merlon.Public(), beforeDoes, thenRefuses, merlon.InsecureNoToken("a test")))
	}
	t.Run("first", func(t *testing.T) {
		s := merlontest.StartIn(t, dir, open)
		s.Visitor().Post("/does", "", nil).Is(204)
		s.Visitor().Post("/refuses", "", nil).Is(404)
	})
	s := merlontest.StartIn(t, dir, open)
	s.Read(func(r *db.Reader) error {
		found, err := journal.List(r, journal.Filter{ID: ruleMounted.ID})
		if err != nil || len(found) != 2 || found[0].Route != "/refuses" || found[1].Route != "/does" {
			t.Errorf("%+v, %v; want one of each route", found, err)
		}
		return nil
	})
}

// TestRedirectsEscapeTheirValues: a value stays one segment of a path, or one value of a query.
func TestRedirectsEscapeTheirValues(t *testing.T) {
	s := merlontest.Start(t, func(env merlon.Env) (*merlon.Site, error) {
		return openTestSiteWith(env, merlon.Get("/go", merlon.Public(), redirected))
	})
	v := s.Visitor()
	r, _ := http.NewRequest("GET", s.URL("/go?q="+url.QueryEscape("a&page=9#b/../c")), nil)
	v.Do(r).Is(303)
	if got, want := v.Header.Get("Location"), "/search?q=a%26page%3D9%23b%2F..%2Fc"; got != want {
		t.Errorf("Location %q, want %q", got, want)
	}
}

func redirected(_ *merlon.Read[merlon.Visitor], in searchInput) (*merlon.Response, error) {
	return merlon.Redirect("/search?q={q}", in.Q), nil
}

// TestRedirectsStayHere: the path of a redirect may be a page's and lead to another host all the same.
func TestRedirectsStayHere(t *testing.T) {
	s := merlontest.Start(t, func(env merlon.Env) (*merlon.Site, error) {
		return openTestSiteWith(env, merlon.Get("/away", merlon.Public(), away))
	})
	for _, how := range []string{"https", "slashes", "value", "back", "relative"} {
		r, _ := http.NewRequest("GET", s.URL("/away?q="+how), nil)
		v := s.Visitor().Do(r)
		if v.Status != 500 || v.Header.Get("Location") != "" {
			t.Errorf("%s: %d, Location %q; want 500 and none", how, v.Status, v.Header.Get("Location"))
		}
	}
}

func away(_ *merlon.Read[merlon.Visitor], in searchInput) (*merlon.Response, error) {
	return farAway(in.Q), nil
}

// farAway is out of sight for New, which reads the handlers themselves.
func farAway(how string) *merlon.Response {
	switch how {
	case "https":
		return merlon.Redirect("https://evil.example/")
	case "slashes":
		return merlon.Redirect("//evil.example/")
	case "value":
		return merlon.Redirect("//{b}/search", "evil.example")
	case "back":
		return merlon.Redirect("/\\evil.example/")
	}
	return merlon.Redirect("search")
}

// TestAPathTagNeedsItsPlace: a tag that the pattern lacks would answer 404 for ever.
func TestAPathTagNeedsItsPlace(t *testing.T) {
	_, err := openTestSiteWith(merlon.Env{Mode: merlon.Test, Data: t.TempDir()}, merlon.Get("/other/{nr}", account.Anyone(), oneNote))
	if err == nil || !strings.Contains(err.Error(), "has no {id}") {
		t.Errorf("New = %v, want a finding about {id}", err)
	}
}

// TestCheckOfABrokenSite: no check of a site with faults fails by itself.
func TestCheckOfABrokenSite(t *testing.T) {
	site, _ := openRefused(merlon.Env{Mode: merlon.Test, Data: t.TempDir()})
	for _, f := range site.Check(context.Background()).Findings(0) {
		if strings.Contains(f.What, "the check itself failed") {
			t.Error(f)
		}
	}
}
