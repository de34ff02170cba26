package several_test

import (
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// patience is how long a visitor tries again before giving up.
const patience = 2 * time.Minute

// load is visitors who read and write until it is ended. What nobody could answer they try again, as a person does, and it is counted.
type load struct {
	w    *world
	stop chan struct{}
	all  sync.WaitGroup

	pages, tries, posts, again atomic.Int64 // answered GETs, those that were tried again; acknowledged posts, those sent again

	mu       sync.Mutex
	failed   []string  // what went wrong for good
	lastGone time.Time // when the last one asked who was told to come again
	sent     map[string]bool
	acked    map[string]bool
}

// begin lets visitors come: strangers, members who read, and members who write.
func (w *world) load(strangers, readers, writers int) *load {
	w.t.Helper()
	l := &load{w: w, stop: make(chan struct{}), sent: map[string]bool{}, acked: map[string]bool{}}
	var members []*visitor
	for i := range readers + writers {
		v := w.visitor()
		v.signIn([]string{"ann@club.example", "ben@club.example"}[i%2])
		members = append(members, v)
	}
	for i := range strangers {
		v := w.visitor()
		l.all.Go(func() { l.read(v, []string{"/", "/news", "/outings", "/news/1"}, i) })
	}
	for i, v := range members[:readers] {
		l.all.Go(func() { l.read(v, []string{"/members", "/profile", "/outings/1"}, i) })
	}
	for i, v := range members[readers:] {
		l.all.Go(func() { l.write(v, i) })
	}
	return l
}

func (l *load) ended() bool {
	select {
	case <-l.stop:
		return true
	default:
		return false
	}
}

func (l *load) fail(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.failed = append(l.failed, time.Now().Format("15:04:05.000 ")+fmt.Sprintf(format, args...))
}

// until asks until somebody answers.
func (l *load) until(v *visitor, ask func() answer, again *atomic.Int64) answer {
	for began := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		asked := time.Now()
		a := ask()
		if !a.gone() || time.Since(began) > patience {
			return a
		}
		again.Add(1)
		l.mu.Lock()
		if asked.After(l.lastGone) {
			l.lastGone = asked
		}
		l.mu.Unlock()
	}
}

func (l *load) read(v *visitor, paths []string, i int) {
	for ; !l.ended(); i++ {
		path := paths[i%len(paths)]
		if a := l.until(v, func() answer { return v.get(path) }, &l.tries); a.status != 200 {
			l.fail("GET %s: %v", path, a)
			return
		}
		l.pages.Add(1)
		time.Sleep(10 * time.Millisecond) // 50 a second is what one network may ask
	}
}

// write comments on news, one text after the other. What nobody acknowledged is sent again as it was, token and all.
func (l *load) write(v *visitor, who int) {
	for n := 0; !l.ended(); n++ {
		text := fmt.Sprintf("load %p %d %d", l, who, n)
		page := l.until(v, func() answer { return v.get("/news/2") }, &l.tries)
		fields, ok := page.form("/news/2/comments")
		if !ok {
			l.fail("GET /news/2: %v, no form", page)
			return
		}
		fields.Set("Text", text)
		l.mu.Lock()
		l.sent[text] = true
		l.mu.Unlock()
		if a := l.until(v, func() answer { return v.ask(http.MethodPost, "/news/2/comments", fields) }, &l.again); a.status != 303 || a.location != "/news/2" {
			l.fail("POST of %q: %v", text, a)
			return
		}
		l.posts.Add(1)
		l.mu.Lock()
		l.acked[text] = true
		l.mu.Unlock()
		time.Sleep(20 * time.Millisecond)
	}
}

// waited is how long an outage may take that no visitor sees on a page: the site waits for two seconds for a server that is away. On a
// machine that is busy with others it takes longer.
const waited = time.Second

// run lets the load go on beside something, and a moment longer. Who asks from two seconds after it is done may not be told to come again,
// and nobody who asks for a page if it was done soon.
func (l *load) run(name string, do func()) {
	l.w.t.Helper()
	l.w.run(name, func(t *testing.T) {
		l.settle(t)
		pages, tries, posts, again := l.pages.Load(), l.tries.Load(), l.posts.Load(), l.again.Load()
		began := time.Now()
		do()
		back := time.Now()
		time.Sleep(5 * time.Second) // an answer may take two
		l.mu.Lock()
		late, failed := l.lastGone.Sub(back), len(l.failed)
		l.mu.Unlock()
		pages, tries, posts, again = l.pages.Load()-pages, l.tries.Load()-tries, l.posts.Load()-posts, l.again.Load()-again
		took := back.Sub(began)
		t.Logf("it took %v; %d pages, %d tried again; %d posts, %d sent again", took.Round(time.Millisecond), pages, tries, posts, again)
		if late > 2*time.Second {
			t.Errorf("somebody who asked %v after the end was told to come again, want 2 s at most", late)
		}
		if tries > 0 && took < waited {
			t.Errorf("%d pages had to be tried again", tries)
		}
		if pages < 50 || posts == 0 || failed > 0 {
			t.Errorf("the load has ended: %d failures", failed)
		}
	})
}

// settle waits until the load is under way.
func (l *load) settle(t *testing.T) {
	for pages, posts, end := l.pages.Load(), l.posts.Load(), time.Now().Add(time.Minute); l.pages.Load() < pages+20 || l.posts.Load() < posts+2; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("there is no load")
		}
	}
}

// end ends the load and holds what was told against what is kept.
func (l *load) end() {
	l.w.t.Helper()
	close(l.stop)
	l.all.Wait()
	for i, one := range l.failed {
		if i < 10 {
			l.w.t.Error(one)
		}
	}
	kept := map[string]int{}
	for _, text := range l.w.pg.Query(l.w.t, l.w.database, fmt.Sprintf("SELECT text FROM comment WHERE text LIKE 'load %p %%'", l)) {
		kept[text]++
		if !l.sent[text] {
			l.w.t.Errorf("%q is kept and was never sent", text)
		}
	}
	for text := range l.sent {
		if n := kept[text]; n > 1 || l.acked[text] && n != 1 {
			l.w.t.Errorf("%q (acknowledged: %v) is there %d times", text, l.acked[text], n)
		}
	}
	l.w.t.Logf("%d pages, %d tried again, %d failed; %d posts acknowledged, %d sent again, %d kept, none twice", l.pages.Load(), l.tries.Load(), len(l.failed), l.posts.Load(), l.again.Load(), len(kept))
	if len(l.acked) < 20 {
		l.w.t.Errorf("only %d posts: the test shows nothing", len(l.acked))
	}
}
