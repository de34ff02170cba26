package attack

import (
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// A trap sees what a shell does and what is fetched: a folder of its own and a listener on loopback. What it catches carries the
// mark of the try that it comes from, however late it comes.
type trap struct {
	dir  string // "": there is none
	in   *scratch
	addr string // "": nothing listens
	srv  *http.Server
	sent map[string]lure
	last lure

	mu   sync.Mutex
	hits []string
}

// A lure is a request that holds the trap's folder or address.
type lure struct {
	route string
	q     *Request
	by    *actor
}

// newTrap sets a trap. What of it cannot be set is told, and not tried.
func (r *run) newTrap() *trap {
	t := &trap{sent: map[string]lure{}}
	in, err := newScratch()
	if err != nil {
		r.leave("values that a shell runs: there is no folder for what they would make: %v", err)
	} else {
		t.dir, t.in = in.dir, in
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		r.leave("addresses that the site fetches: nothing can listen for them: %v", err)
		return t
	}
	t.addr = l.Addr().String()
	t.srv = &http.Server{Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.hits = append(t.hits, r.URL.Path)
	})}
	go func() { _ = t.srv.Serve(l) }()
	return t
}

// close ends the trap, with the connections that it has.
func (t *trap) close() {
	if t.srv != nil {
		_ = t.srv.Close()
	}
	if t.in != nil {
		_ = t.in.remove()
	}
}

// lure sends the trap's commands and its address, each with a mark of its own.
func (r *run) lure(t *trap, route string, by *actor, send func(string) (*answer, *Request)) {
	for _, make := range t.texts() {
		n := r.mark()
		if ans, q := send(make(n)); ans != nil {
			t.last = lure{route, q, by}
			t.sent[n] = t.last
			r.sprung(t)
		}
	}
}

// texts are what is typed: what a shell would run, each of which makes a file in the trap's folder, and an address to fetch.
func (t *trap) texts() (all []func(n string) string) {
	if t.dir != "" {
		file := func(n string) string { return filepath.Join(t.dir, n) }
		all = append(all, func(n string) string { return n + "$(touch " + file(n) + ");touch " + file(n) + " #" },
			func(n string) string { return "'; touch " + file(n) + "; '" }, func(n string) string { return "\"; touch " + file(n) + "; \"" },
			func(n string) string { return n + "|touch " + file(n) })
	}
	if t.addr != "" {
		// As it is, and by a number that a list of what must not be fetched may not hold.
		all = append(all, func(n string) string { return "http://" + t.addr + "/" + n },
			func(n string) string {
				return "http://" + strings.Replace(t.addr, "127.0.0.1", "[::ffff:7f00:1]", 1) + "/" + n
			})
	}
	return all
}

// caught are the names of the files that were made and the paths that were fetched since it was last asked.
func (t *trap) caught() (files, paths []string) {
	if t.dir != "" {
		made, _ := os.ReadDir(t.dir)
		for _, f := range made {
			files = append(files, f.Name())
			_ = os.Remove(filepath.Join(t.dir, f.Name()))
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	paths, t.hits = t.hits, nil
	return files, paths
}

// sprung tells what the trap has caught, each of the try whose mark it carries.
func (r *run) sprung(t *trap) {
	files, paths := t.caught()
	for _, name := range files {
		if l, known := t.sent[mark.FindString(name)]; known {
			r.hit(RuleShell, l.route, l.q, l.by, "a shell ran the value: it made a file of the attacker's choice")
		}
	}
	bare := false
	for _, path := range paths {
		l, known := t.sent[mark.FindString(path)]
		if bare = bare || !known; known {
			r.hit(RuleFetch, l.route, l.q, l.by, "the site fetched an address of its own machine: %s", path)
		}
	}
	if bare && r.ctx.Err() == nil {
		r.fetchedBare(t)
	}
}

// fetchedBare asks whether it was the last request after which something was fetched whose path holds no mark, as an icon of the
// host: sent again while all else rests, it is fetched again.
func (r *run) fetchedBare(t *trap) {
	r.rest(0)
	t.caught()
	l := t.last
	l.by.fork().send(l.q)
	r.rest(0)
	if _, paths := t.caught(); len(paths) > 0 {
		r.hit(RuleFetch, l.route, l.q, l.by, "the site fetched from an address of its own machine: %s", paths[0])
		return
	}
	r.leave("addresses that the site fetches: one was fetched, without the path that would tell which form or parameter it was typed into")
}
