package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/merlon-web/merlon/page"
)

// A sink is a ResponseWriter that costs nothing: it keeps what was written last.
type sink struct {
	header http.Header
	status int
	body   []byte
}

func (s *sink) Header() http.Header         { return s.header }
func (s *sink) WriteHeader(status int)      { s.status = status }
func (s *sink) Write(b []byte) (int, error) { s.body = append(s.body, b...); return len(b), nil }

// ask lets a handler answer a request within this process.
func (s *sink) ask(h http.Handler, r *http.Request) error {
	clear(s.header)
	s.status, s.body = 200, s.body[:0]
	h.ServeHTTP(s, r)
	if s.status != 200 {
		return fmt.Errorf("%s answered %d: %.200s", r.URL.Path, s.status, s.body)
	}
	return nil
}

// parsed are the requests as net/http hands them to a handler.
func parsed(ctx context.Context, raw [][]byte) ([]*http.Request, error) {
	all := make([]*http.Request, len(raw))
	for i, text := range raw {
		r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(text)))
		if err != nil {
			return nil, err
		}
		r.RemoteAddr = "127.0.0.1:40000"
		all[i] = r.WithContext(ctx)
	}
	return all, nil
}

// inProcess is a turn of a handler: every request of the list in turn, again and again.
func inProcess(h http.Handler, all []*http.Request) turn {
	out := &sink{header: http.Header{}}
	var r http.Request
	i := 0
	return loop(func() error {
		r = *all[i*7919%len(all)] // handlers mark the request with its route; the next one gets a clean copy
		i++
		return out.ask(h, &r)
	})
}

// asRead is inProcess with each request read from its bytes right before, as a server does: of thousands that were read at the
// start a guard that looks at a header would find none in the processor's cache, and the collector would look through all.
func asRead(h http.Handler, all [][]byte) turn {
	out := &sink{header: http.Header{}}
	bytesOf, in := &bytes.Reader{}, bufio.NewReader(nil)
	i := 0
	return loop(func() error {
		bytesOf.Reset(all[i*7919%len(all)])
		in.Reset(bytesOf)
		i++
		r, err := http.ReadRequest(in)
		if err != nil {
			return err
		}
		r.RemoteAddr = "127.0.0.1:40000"
		return out.ask(h, r)
	})
}

// pageFloor compares the reference page of a site with all protections and that of the floor, without a network.
func pageFloor(ctx context.Context, b *bench) (outcome, error) {
	cookies, err := b.site()
	if err != nil {
		return outcome{}, err
	}
	if _, err := b.peers(); err != nil {
		return outcome{}, err
	}
	site, err := openSite(ctx, filepath.Join(b.dir, "merlon"))
	if err != nil {
		return outcome{}, err
	}
	defer site.Close(ctx)
	floor, err := newFloor(filepath.Join(b.dir, "peers"))
	if err != nil {
		return outcome{}, err
	}
	mine, err := parsed(ctx, siteRequests("/notes", cookies))
	if err != nil {
		return outcome{}, err
	}
	theirs, err := parsed(ctx, [][]byte{get(0, "/notes")})
	if err != nil {
		return outcome{}, err
	}
	x, y := &sink{header: http.Header{}}, &sink{header: http.Header{}}
	if err := x.ask(site, mine[0]); err != nil {
		return outcome{}, err
	}
	if err := y.ask(floor, theirs[0]); err != nil {
		return outcome{}, err
	}
	if err := equalPages("merlon", x.body, "floor", y.body); err != nil {
		return outcome{}, err
	}
	as, bs, err := b.compare(ctx, inProcess(site, mine), inProcess(floor, theirs))
	if err != nil {
		return outcome{}, err
	}
	return outcome{
		spread: ratios(as, bs, byTime),
		also:   []condition{atMost("allocations", median(as, allocsOf), 260, "")},
		note:   times(as, bs),
	}, nil
}

func times(as, bs []sample) string {
	return fmt.Sprintf("%s against %s, of the cores %s against %s; %.0f against %.0f allocations",
		short(median(as, eachOf)), short(median(bs, eachOf)), short(median(as, cpuOf)), short(median(bs, cpuOf)), median(as, allocsOf), median(bs, allocsOf))
}

func short(ns float64) string {
	if ns < 1e6 {
		return fmt.Sprintf("%.2f µs", ns/1e3)
	}
	return fmt.Sprintf("%.2f ms", ns/1e6)
}

// fixedToken is the token of rows that only render: both sides write the same one.
const fixedToken = `<input type="hidden" name="merlon_token" value="` + tokenText + `">`

const tokenText = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

type fixedTokens struct{}

func (fixedTokens) AppendField(dst []byte, _ int) []byte { return append(dst, fixedToken...) }

// merlonRender is the reference page as the walk renders it, without the walk.
func merlonRender() (func(dst []byte, p *NotesPage) ([]byte, error), error) {
	set, faults := page.Compile(page.Options{}, sitePages)
	if err := faults.Err(); err != nil {
		return nil, err
	}
	render := &page.Render{Frame: page.Frame{Path: "/notes", Lang: "en"}, Tokens: fixedTokens{}}
	return func(dst []byte, p *NotesPage) ([]byte, error) {
		return page.Append(dst, set, notesPage, shownNotes{p.User, p.Notes}, render)
	}, nil
}

// rendering compares the compiled page with another way to render it; by says whether white space between tags counts.
func rendering(other func(dst []byte, p *NotesPage) ([]byte, error), name string, normal func(string) string, allocations float64) func(context.Context, *bench) (outcome, error) {
	return func(ctx context.Context, b *bench) (outcome, error) {
		mine, err := merlonRender()
		if err != nil {
			return outcome{}, err
		}
		p := &NotesPage{User: visitor(0), Token: tokenText, Notes: notes(rowCount)}
		x, err := mine(nil, p)
		if err != nil {
			return outcome{}, err
		}
		y, err := other(nil, p)
		if err != nil {
			return outcome{}, err
		}
		one, n := withoutTokens(x)
		two, m := withoutTokens(y)
		if n != 2 || m != 2 {
			return outcome{}, fmt.Errorf("%d tokens against %d, want 2", n, m)
		}
		if err := equalTexts("merlon", normal(one), name, normal(two)); err != nil {
			return outcome{}, err
		}
		as, bs, err := b.compare(ctx, renderLoop(mine, p), renderLoop(other, p))
		if err != nil {
			return outcome{}, err
		}
		o := outcome{spread: ratios(as, bs, byTime), note: times(as, bs)}
		if allocations > 0 {
			o.also = append(o.also, atMost("allocations", median(as, allocsOf), allocations, ""))
		}
		return o, nil
	}
}

func renderLoop(render func([]byte, *NotesPage) ([]byte, error), p *NotesPage) turn {
	var buf []byte
	return loop(func() (err error) {
		buf, err = render(buf[:0], p)
		return err
	})
}

func handRender(dst []byte, p *NotesPage) ([]byte, error) { return appendPage(dst, p), nil }

// templRender renders into a buffer that is kept, as the others do.
func templRender() func(dst []byte, p *NotesPage) ([]byte, error) {
	var b bytes.Buffer
	return func(_ []byte, p *NotesPage) ([]byte, error) {
		b.Reset()
		err := templNotes(p).Render(context.Background(), &b)
		return b.Bytes(), err
	}
}

func asItIs(s string) string { return s }

// layersSessions is more than the site's cache of opened sessions holds (some 26,000), so that asking as each in turn always
// reads the row, and unseals it.
const layersSessions = 28_000

// layers measures what the walk costs around a page that costs nothing: the smallest page of a signed-in visitor, less a
// bare handler that writes the same bytes. Both include the reading of the request. Its figure is microseconds, not a ratio.
func layers(ctx context.Context, b *bench) (outcome, error) {
	dir, err := b.sub("layers")
	if err != nil {
		return outcome{}, err
	}
	cookies, err := seedSite(ctx, dir, layersSessions)
	if err != nil {
		return outcome{}, err
	}
	defer os.RemoveAll(dir)
	site, err := openSite(ctx, dir)
	if err != nil {
		return outcome{}, err
	}
	defer site.Close(ctx)
	bare, err := newHello("")
	if err != nil {
		return outcome{}, err
	}
	all := siteRequests("/hello", cookies)
	first, err := parsed(ctx, all[:1])
	if err != nil {
		return outcome{}, err
	}
	x, y := &sink{header: http.Header{}}, &sink{header: http.Header{}}
	for _, err := range []error{x.ask(site, first[0]), y.ask(bare, first[0])} {
		if err != nil {
			return outcome{}, err
		}
	}
	if err := equalPages("merlon", x.body, "bare", y.body); err != nil {
		return outcome{}, err
	}
	as, bs, err := b.compare(ctx, asRead(site, all), asRead(bare, all))
	if err != nil {
		return outcome{}, err
	}
	few := make([]string, sessionCount) // the same few sessions, from as many networks as ever
	for i := range few {
		few[i] = cookies[i%connections]
	}
	again := siteRequests("/hello", few)
	cached, bares, err := rounds(ctx, b.rounds, b.turn/4, asRead(site, again), asRead(bare, again))
	if err != nil {
		return outcome{}, err
	}
	return outcome{
		spread: ratios(as, bs, func(a, b sample) float64 { return float64(a.each()-b.each()) / float64(time.Microsecond) }),
		also:   []condition{atMost("allocations", median(as, allocsOf)-median(bs, allocsOf), 35, "")},
		note: fmt.Sprintf("%s; less the bare one %s of the cores; with the session's row in the cache %s, %s of the cores and %.0f allocations", times(as, bs),
			short(median(as, cpuOf)-median(bs, cpuOf)), short(median(cached, eachOf)-median(bares, eachOf)),
			short(median(cached, cpuOf)-median(bares, cpuOf)), median(cached, allocsOf)-median(bares, allocsOf)),
	}, nil
}
