package replicas_test

import (
	"fmt"
	"maps"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/examples/club/site"
	"github.com/merlon-web/merlon/examples/club/site/sitetest"
	"github.com/merlon-web/merlon/internal/e2e/need"
	"github.com/merlon-web/merlon/internal/e2e/pgpeer"
	"github.com/merlon-web/merlon/internal/e2e/valkeypeer"
	"github.com/merlon-web/merlon/merlontest"
	"github.com/merlon-web/merlon/postgres"
	"github.com/merlon-web/merlon/valkey"
)

// TestSessionsInTheDatabase and TestSessionsOnAServer are one list of tests.
func TestSessionsInTheDatabase(t *testing.T) { all(t, "") }

func TestSessionsOnAServer(t *testing.T) { all(t, valkeypeer.Start(t).Address) }

func all(t *testing.T, sessions string) {
	w := start(t, sessions)
	for _, one := range []struct {
		name string
		test func(*world)
	}{
		{"pages are spread", (*world).spread}, {"who wrote reads it", (*world).own}, {"forms at once", (*world).atOnce}, {"what is not there is asked of the primary", (*world).missing},
		{"what guards is never old", (*world).guards}, {"a mounted handler may have written", (*world).mounted}, {"nothing old is shown for long", (*world).old},
		{"a query that a standby cancels", (*world).conflict}, {"a schema that is newer", (*world).newer}, {"a replica that is killed", (*world).killed}, {"a primary that is away", (*world).away},
	} {
		t.Run(one.name, func(t *testing.T) {
			w.t = t
			one.test(w)
		})
	}
}

// spread: pages that guard nothing are read from both; those of parts and those that say so from the primary.
func (w *world) spread() {
	ann, before := w.SignedIn("Ann"), w.replicas()
	for range 40 {
		w.Visitor().Get("/").Is(200).Has("first")
		ann.Get("/mine").Is(200).Has("first")
	}
	for i, r := range w.replicas() {
		if n := r.Readers - before[i].Readers; n < 20 {
			w.t.Errorf("%s served %d of 80 pages", r.Name, n)
		}
	}
	told := map[string]int{}
	gauges, err := w.Site.House().Gauges(w.t.Context())
	for _, g := range gauges {
		if g.Label == "replica" && (g.Of == w.replicas()[0].Name || g.Of == w.replicas()[1].Name) && (g.Name != "merlon_replica_up" || g.Value == 1) {
			told[string(g.Name)]++
		}
	}
	if want := map[string]int{"merlon_replica_up": 2, "merlon_replica_readers": 2, "merlon_replica_lag_seconds": 2}; err != nil || !maps.Equal(told, want) {
		w.t.Errorf("gauges of replicas: %v, %v, want %v", told, err, want)
	}
	for _, path := range []string{"/fresh", "/account", "/account/sessions", "/account/log"} {
		n := w.served()
		ann.Get(path).Is(200)
		if w.served() != n {
			w.t.Errorf("%s was read from a replica", path)
		}
	}
}

// own: with replicas that stand still, whoever has written sees it, with a session and without, and nobody else does.
func (w *world) own() {
	ann, ben, cid := w.SignedIn("Ann"), w.SignedIn("Ben"), w.Visitor().Get("/")
	ann.Get("/mine").Is(200)
	w.still(func(try int, read func() bool) {
		ofAnn, ofCid := fmt.Sprint("of Ann, ", try), fmt.Sprint("of Cid, ", try)
		ann.Get("/").Submit("/notes", merlontest.Values{"Text": ofAnn}).Is(200).At("/").Has(ofAnn)
		ann.Get("/mine").Has(ofAnn)
		cid.Get("/").Submit("/notes", merlontest.Values{"Text": ofCid}).Is(200).At("/").Has(ofAnn, ofCid)
		n := w.served()
		mine, front := ben.Get("/mine").Is(200).Has("first"), w.Visitor().Get("/")
		got := w.served() - n
		if !read() {
			return
		}
		mine.HasNot(ofAnn, ofCid)
		front.HasNot(ofAnn, ofCid)
		if got != 2 {
			w.t.Errorf("%d of two other visitors' pages were read from replicas", got)
		}
	})
	w.until("their own pages are read from replicas again", func() bool {
		n := w.served()
		ann.Get("/mine").Has("of Ann")
		cid.Get("/").Has("of Cid")
		return w.served() == n+2
	})
	w.Visitor().Get("/").Has("of Ann", "of Cid")
}

// atOnce: forms of one session that come at once do not lose each other's note of what was written.
func (w *world) atOnce() {
	ann := w.SignedIn("Ann")
	ann.Get("/")
	w.pg.Follow(w.t, w.standbys...)
	w.pause()
	var all sync.WaitGroup
	for i := range 12 {
		v := ann.Clone()
		v.Get("/")
		all.Go(func() { v.Submit("/notes", merlontest.Values{"Text": fmt.Sprintf("at once %d", i)}).Is(200) })
	}
	all.Wait()
	for i := range 12 {
		ann.Get("/mine").Has(fmt.Sprintf("at once %d", i))
	}
	w.resume()
}

// missing: a page that somebody else has just made is not "not found", and what its handler told of is told once.
func (w *world) missing() {
	texts := []string{"none", "first"}
	w.still(func(try int, read func() bool) {
		text := fmt.Sprintf("%d-new", try)
		texts = append(texts, text)
		w.write(text)
		before := tries.Load()
		w.Visitor().Get("/notes/" + text).Is(200).Has(text)
		if n := tries.Load() - before; read() && n != 2 {
			w.t.Errorf("the handler ran %d times, want 2", n)
		}
		if try == 0 {
			w.Visitor().Get("/notes/none").Is(404)
		}
	})
	w.Visitor().Get("/notes/first").Is(200)
	for _, text := range texts {
		if n := w.events("TEST-002", "text="+text); n != 1 {
			w.t.Errorf("%q was told of %d times", text, n)
		}
	}
}

// guards: with replicas that stand still a session that was ended and a role that was taken hold at once.
func (w *world) guards() {
	ann, ben := w.SignedIn("Ann"), w.SignedIn("Ben", "board")
	ann.Get("/mine").Is(200)
	ben.Get("/board").Is(200)
	w.pg.Follow(w.t, w.standbys...)
	w.pause()
	w.Write(func(dw *db.Writer) error {
		_, err := w.Site.House().Sessions.EndUser(dw, ann.UserID, "a test")
		return err
	})
	w.pg.Exec(w.t, w.database, fmt.Sprintf("UPDATE merlon_user SET roles = '' WHERE id = %d", ben.UserID)) // his sessions go on
	n := w.served()
	ann.Get("/mine").At("/sign-in?next=%2Fmine")
	ben.Get("/board").Is(403)
	if w.served() != n {
		w.t.Error("a guard was read from a replica")
	}
	w.resume()
}

// mounted: what a mounted handler writes has no number here, so that its visitor reads from the primary for a while.
func (w *world) mounted() {
	var v *merlontest.Visitor
	w.still(func(try int, read func() bool) {
		text := fmt.Sprint("hooked ", try)
		v = w.Visitor().Get("/hook").Is(200)
		v.PostJSON("/hook", v.ScriptToken(), text).Is(200)
		n := w.served()
		v.Get("/").Has(text)
		if w.served() != n {
			w.t.Error("the page was read from a replica")
		}
		if front := w.Visitor().Get("/"); read() {
			front.HasNot(text)
		}
	})
	w.Advance(time.Minute)
	w.until("after a minute the page is read from a replica", func() bool {
		n := w.served()
		v.Get("/").Has("hooked")
		return w.served() > n
	})
}

// old: replicas that stand still are read by nobody after five seconds, and again when they have caught up.
func (w *world) old() {
	w.pause()
	w.write("later")
	w.until("everybody reads it", func() bool {
		n, lag := w.served(), w.replicas()
		w.Visitor().Get("/").Is(200).Has("first")
		if w.served() > n && min(lag[0].Lag, lag[1].Lag) > db.MaxLag {
			w.t.Errorf("a page was read from a replica: %+v", lag)
		}
		return w.served() == n
	})
	w.Visitor().Get("/").Has("later")
	w.resume()
	w.until("the replicas have caught up, and are read", func() bool {
		n := w.served()
		w.Visitor().Get("/").Has("later")
		return w.served() > n
	})
}

// conflict: what a standby cancels, since the primary has thrown away what the reader may still see, is read again.
func (w *world) conflict() {
	for _, s := range w.standbys {
		s.Exec(w.t, "postgres", "ALTER SYSTEM SET max_standby_streaming_delay = 0")
		s.Exec(w.t, "postgres", "SELECT pg_reload_conf()")
	}
	for i := range 200 {
		w.write(fmt.Sprintf("x%d", i))
	}
	w.follow()
	n := w.served()
	page := make(chan *merlontest.Visitor)
	go func() { page <- w.Visitor().Get("/slow") }()
	on := make(chan bool)
	select {
	case slowly <- on:
	case v := <-page:
		w.t.Fatalf("the page came at once: %d", v.Status)
	}
	<-on
	w.Write(func(dw *db.Writer) error {
		_, err := delNotes.Run(dw, "x%")
		return err
	})
	for range 3 { // what a transaction of the site's own that is open may still see is left there
		w.pg.Exec(w.t, w.database, "VACUUM note")
		w.pg.Follow(w.t, w.standbys...)
	}
	close(on)
	v := <-page
	v.Is(200).Has("first").HasNot("x7")
	if w.served() != n+1 {
		w.t.Errorf("%d readers of replicas, want 1", w.served()-n)
	}
}

// newer: where the replicas lack what a migration has just made, pages are read from the primary.
func (w *world) newer() {
	w.pg.Exec(w.t, w.database, "ALTER TABLE note RENAME TO older; CREATE TABLE note (id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, text TEXT NOT NULL)")
	w.pg.Exec(w.t, w.database, "GRANT SELECT ON note TO "+pgpeer.Reader+"; ALTER TABLE note OWNER TO "+pgpeer.Owner)
	w.pg.Follow(w.t, w.standbys...)
	w.pause()
	w.pg.Exec(w.t, w.database, "DROP TABLE note; ALTER TABLE older RENAME TO note")
	for range 4 {
		w.Visitor().Get("/").Is(200)
	}
	w.resume()
	w.Visitor().Get("/").Is(200).Has("first")
}

// killed: nobody's page fails.
func (w *world) killed() {
	stop, failed := make(chan bool), make(chan string, 100)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			v := w.Visitor()
			for {
				select {
				case <-stop:
					return
				default:
				}
				if got := v.Get("/").Status; got != 200 {
					select {
					case failed <- fmt.Sprint(got):
					default:
					}
				}
			}
		})
	}
	time.Sleep(200 * time.Millisecond)
	w.standbys[0].Halt(syscall.SIGQUIT)
	time.Sleep(500 * time.Millisecond)
	w.standbys[1].Halt(syscall.SIGINT)
	w.until("both are known to be away", func() bool { return w.replicas()[0].Fault != "" && w.replicas()[1].Fault != "" })
	w.standbys[0].Again(w.t)
	w.standbys[1].Again(w.t)
	w.until("both are read again", func() bool { return w.replicas()[0].Fault == "" && w.replicas()[1].Fault == "" })
	time.Sleep(200 * time.Millisecond)
	close(stop)
	all.Wait()
	close(failed)
	for status := range failed {
		w.t.Errorf("a page was answered %s", status)
	}
	for _, r := range w.replicas() {
		w.until("the log tells of it", func() bool {
			return w.events("a replica of the database is not read", r.Name) > 0 && w.events("a replica of the database is read again", r.Name) > 0
		})
	}
}

// away: without the primary, pages that need nothing else of it are read for a while, and forms and guarded ones ask to come again.
func (w *world) away() {
	ann := w.SignedIn("Ann")
	ann.Get("/mine").Is(200)
	back := func() {}
	defer func() { back() }()
	for try := range stillTries {
		w.follow()
		began := time.Now()
		w.pg.Halt(syscall.SIGINT)
		back = sync.OnceFunc(func() { w.pg.Again(w.t) })
		if time.Since(began) < stillTime || try == stillTries-1 {
			break
		}
		back() // a busy machine took longer than the replicas are read for
		w.until("it is back", func() bool { return ann.Get("/mine").Status == 200 })
	}
	w.Visitor().Get("/").Is(200).Has("first")
	ann.Get("/account").Is(503)
	back()
	w.until("it is back", func() bool { return ann.Get("/mine").Status == 200 })
	w.follow()
}

// TestClub runs the tests of the club, as examples/club/large is set up. They hold that one visitor sees at once what another has done,
// so commits wait until the standbys show them.
func TestClub(t *testing.T) {
	need.Time(t, "ten seconds of two standbys")
	pg := pgpeer.Shared(t)
	standbys := []*pgpeer.Server{pg.Standby(t), pg.Standby(t)}
	set := func(settings ...string) {
		for _, one := range append(settings, "SELECT pg_reload_conf()") {
			pg.Exec(t, "postgres", one)
		}
	}
	t.Cleanup(func() { set("ALTER SYSTEM RESET synchronous_commit", "ALTER SYSTEM RESET synchronous_standby_names") })
	set("ALTER SYSTEM SET synchronous_commit = remote_apply", "ALTER SYSTEM SET synchronous_standby_names = 'FIRST 2 (*)'")
	sitetest.Run(t, func(t *testing.T) func(merlon.Env) (*merlon.Site, error) {
		name, peer := pg.Database(t), valkeypeer.Start(t)
		pg.Follow(t, standbys...)
		return func(env merlon.Env) (*merlon.Site, error) {
			env.Settings.Valkey.URL = peer.Address
			return site.OpenBeside(env, postgres.Engine(pg.Beside(name, standbys...)), valkey.Or(env))
		}
	})
}
