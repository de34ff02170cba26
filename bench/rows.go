package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// A row is one line of the table: Merlon against something else, and the number that it is to hold.
type row struct {
	name    string
	against string
	hold    float64
	most    bool   // the ratio is to be at most hold, not at least
	unit    string // of rows that are a figure and no ratio
	run     func(context.Context, *bench) (outcome, error)
}

// An outcome is what a row measured.
type outcome struct {
	spread
	also []condition // what else is asked of the row
	note string      // figures behind the ratio, for people
}

// A condition is a further number that a row is to hold.
type condition struct {
	text string
	met  bool
}

func atMost(what string, got, hold float64, unit string) condition {
	return condition{fmt.Sprintf("%s %s%s (hold ≤ %s%s)", what, number(got), unit, number(hold), unit), got <= hold}
}

// met says whether the median holds, and everything else.
func (r row) met(o outcome) bool {
	for _, c := range o.also {
		if !c.met {
			return false
		}
	}
	if r.most {
		return o.median <= r.hold
	}
	return o.median >= r.hold
}

// skipped is why a row was not measured: what it needs is not there.
type skipped string

func (s skipped) Error() string { return string(s) }

// A bench is one run of the program: how long, how often, and the data of the sides, made when first asked for.
type bench struct {
	dir    string // temporary, ours
	rounds int
	turn   time.Duration

	profiles string // the folder that profiles are written to; "" for none

	site   func() ([]string, error) // the cookies of the Merlon side
	peers  func() ([]string, error) // the kit's session tokens
	django func() ([]string, error) // Django's session keys
}

func newBench(ctx context.Context, dir string, rounds int, turn time.Duration) *bench {
	b := &bench{dir: dir, rounds: rounds, turn: turn}
	b.site = sync.OnceValues(func() ([]string, error) {
		dir, err := b.sub("merlon")
		if err != nil {
			return nil, err
		}
		return seedSite(ctx, dir, sessionCount)
	})
	b.peers = sync.OnceValues(func() ([]string, error) {
		dir, err := b.sub("peers")
		if err != nil {
			return nil, err
		}
		if err := seedPeers(dir); err != nil {
			return nil, fmt.Errorf("seed the peers: %w", err)
		}
		tokens, err := os.ReadFile(filepath.Join(dir, "sessions.txt"))
		return strings.Split(string(tokens), "\n"), err
	})
	b.django = sync.OnceValues(func() ([]string, error) {
		if missing := djangoMissing(); missing != "" {
			return nil, skipped(missing)
		}
		dir, err := b.sub("django")
		if err != nil {
			return nil, err
		}
		return seedDjango(ctx, dir)
	})
	return b
}

// sub returns a folder of the run, made when it is not there.
func (b *bench) sub(name string) (string, error) {
	dir := filepath.Join(b.dir, name)
	return dir, os.MkdirAll(dir, 0o700)
}

func (b *bench) compare(ctx context.Context, mine, theirs turn) (as, bs []sample, err error) {
	return rounds(ctx, b.rounds, b.turn, mine, theirs)
}

// A side is a running server and what it is asked.
type side struct {
	*server
	requests [][]byte
	one      bool // it has no sessions: everybody sees the first visitor's page
}

// startSide starts the named side of the page over loopback.
func (b *bench) startSide(ctx context.Context, name string) (side, error) {
	switch name {
	case "django":
		keys, err := b.django()
		if err != nil {
			return side{}, err
		}
		all := djangoRequests(keys)
		s, err := startDjango(ctx, filepath.Join(b.dir, "django"), all[0])
		return side{s, all, name == "floor"}, err
	case "floor", "kit", "hand":
		tokens, err := b.peers()
		if err != nil {
			return side{}, err
		}
		all := kitRequests(tokens)
		if name == "floor" { // a site without sessions has no cookies
			all = requests(tokens, func(i int, _ string) []byte { return get(i, "/notes") })
		}
		s, err := startSelf(ctx, name, filepath.Join(b.dir, "peers"), all[0])
		return side{s, all, name == "floor"}, err
	case "merlon":
		cookies, err := b.site()
		if err != nil {
			return side{}, err
		}
		all := siteRequests("/notes", cookies)
		s, err := startSelf(ctx, name, filepath.Join(b.dir, "merlon"), all[0])
		return side{s, all, name == "floor"}, err
	case "hello", "hello-merlon": // both are asked the same, to the byte
		cookies, err := b.site()
		if err != nil {
			return side{}, err
		}
		all := siteRequests("/hello", cookies)
		s, err := startSelf(ctx, strings.TrimPrefix(name, "hello-"), filepath.Join(b.dir, "merlon"), all[0])
		return side{s, all, name == "floor"}, err
	}
	return side{}, fmt.Errorf("no side is called %q", name)
}

// overLoopback compares two sides' requests in a second. Their answers to a session must be one page, mine with so many
// tokens.
func (b *bench) overLoopback(ctx context.Context, mine, theirs string, tokens int) (outcome, error) {
	x, err := b.startSide(ctx, mine)
	if err != nil {
		return outcome{}, err
	}
	defer x.stop()
	y, err := b.startSide(ctx, theirs)
	if err != nil {
		return outcome{}, err
	}
	defer y.stop()
	if err := equalSides(ctx, x, y, tokens); err != nil {
		return outcome{}, err
	}
	defer leaveFirstCore()()
	as, bs, err := b.compare(ctx, x.counting(load(x.addr, connections, everybody(x.requests))),
		y.counting(load(y.addr, connections, everybody(y.requests))))
	if err != nil {
		return outcome{}, err
	}
	o := outcome{
		spread: ratios(as, bs, byRate),
		note: fmt.Sprintf("%.0f against %.0f requests/s; p99 %.2f against %.2f ms; CPU a request %s against %s: %s×",
			median(as, rateOf), median(bs, rateOf), median(as, p99Of)/1e6, median(bs, p99Of)/1e6,
			short(median(as, cpuOf)), short(median(bs, cpuOf)), number(ratios(bs, as, byCPU).median)),
	}
	if y.one {
		o.also = append(o.also, atMost("p99", ratios(as, bs, byP99).median, 1, "× theirs"))
	}
	return o, nil
}

// equalSides fetches the page of some sessions from both and compares them; mine must have the number of tokens.
func equalSides(ctx context.Context, x, y side, tokens int) error {
	last := min(len(x.requests), len(y.requests)) - 1
	for _, i := range []int{0, last / 2, last} {
		if y.one {
			i = 0
		}
		a, err := fetch(ctx, x.addr, x.requests[i])
		if err != nil {
			return fmt.Errorf("server %s: %w", x.name, err)
		}
		b, err := fetch(ctx, y.addr, y.requests[i])
		if err != nil {
			return fmt.Errorf("server %s: %w", y.name, err)
		}
		if a.status != 200 || b.status != 200 {
			return fmt.Errorf("%s answered %d and %s %d", x.name, a.status, y.name, b.status)
		}
		if err := equalPages(x.name, a.body, y.name, b.body); err != nil {
			return err
		}
		if _, n := withoutTokens(a.body); n != tokens {
			return fmt.Errorf("the page of %s has %d tokens, not %d", x.name, n, tokens)
		}
	}
	return nil
}
