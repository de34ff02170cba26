package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/merlon-web/merlon/password"
)

const (
	floodClients = 50
	floodTurns   = 3 // a turn of the flood is so many turns long: the unbounded side needs time to fill up
	pageReaders  = 4
	pagePause    = 20 * time.Millisecond
	posters      = 2
)

// flood lets fifty clients sign in as fast as they are answered, and times an ordinary page meanwhile: at the site's own
// sign-in, and at one that hashes for everybody at once. Both servers use all cores: on one, a hash and a page would only
// take the scheduler's turns. At the site's own an ordinary POST is timed too, before the flood and within it.
func flood(ctx context.Context, b *bench) (outcome, error) {
	var cost password.Params // zero: the first side calibrates, the second takes the same
	bounded, err := b.startFlood(ctx, "flood", &cost)
	if err != nil {
		return outcome{}, err
	}
	defer bounded.stop()
	unbounded, err := b.startFlood(ctx, "flood-unbounded", &cost)
	if err != nil {
		return outcome{}, err
	}
	defer unbounded.stop()
	owner, err := bounded.signInForm(ctx, "/sign-in")
	if err != nil {
		return outcome{}, err
	}
	device, err := owner.signIn(ctx, bounded.addr)
	if err != nil {
		return outcome{}, fmt.Errorf("the owner's first sign-in: %w", err)
	}
	idle := bounded.peakMemory()

	var slowest time.Duration
	var tries int
	var quiet, during []sample // of the ordinary POST
	mine := func(ctx context.Context, length time.Duration) (sample, error) {
		before, err := bounded.posting(ctx, length)
		if err != nil {
			return sample{}, err
		}
		quiet = append(quiet, before)
		return bounded.flooded(ctx, "/sign-in", length, func() error {
			posted := make(chan error, 1)
			go func() {
				within, err := bounded.posting(ctx, length)
				during = append(during, within)
				posted <- err
			}()
			start := time.Now()
			back, err := bounded.signInForm(ctx, "/sign-in", device)
			if err == nil { // the cookie is another one after each sign-in
				var next string
				if next, err = back.signIn(ctx, bounded.addr); err == nil {
					device = next
				}
			}
			slowest, tries = max(slowest, time.Since(start)), tries+1
			return errors.Join(err, <-posted)
		})
	}
	theirs := func(ctx context.Context, length time.Duration) (sample, error) {
		return unbounded.flooded(ctx, "/unbounded", length, nil)
	}
	as, bs, err := rounds(ctx, b.rounds, floodTurns*b.turn, mine, theirs)
	if err != nil {
		return outcome{}, err
	}
	p99 := median(as, p99Of) / 1e6
	failed := median(as, func(s sample) float64 { return float64(s.failed) })
	peak := bounded.peakMemory()
	quiet, during = quiet[1:], during[1:] // the first warmed up
	return outcome{
		spread: ratios(as, bs, byP99),
		also: []condition{
			atMost("p99", p99, 8, " ms"),
			atMost("memory", float64(peak)/1e6, 100, " MB"),
			atMost("failed pages", failed, 0, ""),
			atMost("the known device's sign-in", slowest.Seconds(), 1, " s"),
			atMost("a POST's p99", ratios(during, quiet, byP99).median, 10, "× quiet"),
		},
		note: fmt.Sprintf("%s against %s; a POST's p99 %s, quiet %s; memory %d against %d MB, %d before the flood; %d sign-ins of the known device; a hash of %s",
			short(median(as, p99Of)), short(median(bs, p99Of)), short(median(during, p99Of)), short(median(quiet, p99Of)), peak/1e6, unbounded.peakMemory()/1e6, idle/1e6, tries, cost),
	}, nil
}

// A floodSide is a server of the flood's site.
type floodSide struct {
	*server
	cookies []string
	pages   [][]byte // as each of them
}

func (b *bench) startFlood(ctx context.Context, name string, cost *password.Params) (*floodSide, error) {
	dir, err := b.sub(name)
	if err != nil {
		return nil, err
	}
	cookies, err := seedFlood(ctx, dir, cost)
	if err != nil {
		return nil, err
	}
	pages := siteRequests("/notes", cookies)
	s, err := startSelfOnAll(ctx, "flood", dir, pages[0])
	return &floodSide{s, cookies, pages}, err
}

// A signInForm is a sign-in page as one visitor has it open: the cookies and the token that belong together.
type signInForm struct {
	path    string
	cookies []string
	token   string
}

var (
	tokenValue = regexp.MustCompile(`name="merlon_token" value="([^"]+)"`)
	setCookie  = regexp.MustCompile(`(?mi)^Set-Cookie: ([^=;\s]+=[^;\r\n]*)`)
)

// signInForm opens a sign-in page, with further cookies of the browser.
func (s *floodSide) signInForm(ctx context.Context, path string, cookies ...string) (*signInForm, error) {
	a, err := fetch(ctx, s.addr, get(rand.IntN(1<<22), path, cookies...))
	if err != nil {
		return nil, err
	}
	token := tokenValue.FindSubmatch(a.body)
	if a.status != 200 || token == nil {
		return nil, fmt.Errorf("GET %s answered %d without a token: %.200s", path, a.status, a.body)
	}
	f := &signInForm{path: path, cookies: cookies, token: string(token[1])}
	for _, c := range setCookie.FindAllSubmatch(a.head, -1) {
		f.cookies = append(f.cookies, string(c[1]))
	}
	return f, nil
}

// post is the request with an address and a password, from a network of its own.
func (f *signInForm) post(email, password string) []byte {
	body := url.Values{"Email": {email}, "Password": {password}, "merlon_token": {f.token}}
	if f.path == "/sign-in" {
		body.Set("Next", "/notes")
	}
	return post(rand.IntN(1<<22), f.path, body.Encode(), f.cookies...)
}

// signIn signs the owner in and returns the device cookie that the answer sets.
func (f *signInForm) signIn(ctx context.Context, addr string) (device string, err error) {
	a, err := fetch(ctx, addr, f.post(ownerEmail, ownerPassword))
	if err != nil {
		return "", err
	}
	if a.status != http.StatusSeeOther {
		return "", fmt.Errorf("the owner's sign-in answered %d: %.300s", a.status, a.body)
	}
	for _, c := range setCookie.FindAllSubmatch(a.head, -1) {
		if name, _, _ := bytes.Cut(c[1], []byte("=")); strings.HasSuffix(string(name), "device") {
			return string(c[1]), nil
		}
	}
	return "", errors.New("the owner's sign-in sets no device cookie")
}

// flooded is one turn: the flood begins, and a little later pages are timed, and once the owner signs in, if asked. It ends
// when every client of the flood has its answer.
func (s *floodSide) flooded(ctx context.Context, path string, length time.Duration, owner func() error) (sample, error) {
	forms := make([]*signInForm, floodClients)
	for i := range forms {
		var err error
		if forms[i], err = s.signInForm(ctx, path); err != nil {
			return sample{}, err
		}
	}
	stop := make(chan struct{})
	errs := make(chan error, floodClients+pageReaders+1)
	var clients, readers sync.WaitGroup
	for _, f := range forms {
		clients.Go(func() {
			c := &client{addr: s.addr}
			defer c.close()
			for {
				select {
				case <-stop:
					return
				default:
				}
				a, err := c.ask(ctx, f.post(fmt.Sprintf("visitor%d@example.org", rand.Uint32()), "no such password here"), false)
				if err == nil && a.status != http.StatusUnprocessableEntity && a.status != http.StatusServiceUnavailable {
					err = fmt.Errorf("POST %s answered %d", path, a.status)
				}
				if err != nil {
					errs <- err
					return
				}
			}
		})
	}
	time.Sleep(length / 10)
	start := time.Now()
	until := start.Add(length)
	times := make([][]time.Duration, pageReaders)
	failed := make([]int, pageReaders)
	for i := range times {
		readers.Go(func() {
			c := &client{addr: s.addr}
			defer c.close()
			for n := i; len(times[i]) == 0 || time.Now().Before(until); n += pageReaders {
				asked := time.Now()
				a, err := c.ask(ctx, s.pages[n%len(s.pages)], false)
				if err != nil || a.status != 200 {
					failed[i]++
				}
				times[i] = append(times[i], time.Since(asked))
				time.Sleep(pagePause)
			}
		})
	}
	if owner != nil {
		if err := owner(); err != nil {
			errs <- err
		}
	}
	readers.Wait()
	took := time.Since(start)
	close(stop)
	clients.Wait()
	close(errs)
	result := sample{took: took}
	var all []time.Duration
	for i := range times {
		all = append(all, times[i]...)
		result.failed += failed[i]
	}
	result.ops, result.p99 = len(all), percentile99(all)
	return result, <-errs
}

// posting has signed-in visitors press the first button of their page: the token is fetched, and the POST with it timed.
func (s *floodSide) posting(ctx context.Context, length time.Duration) (sample, error) {
	start := time.Now()
	until := start.Add(length)
	times := make([][]time.Duration, posters)
	errs := make([]error, posters)
	var wait sync.WaitGroup
	for p := range posters {
		wait.Go(func() {
			c := &client{addr: s.addr}
			defer c.close()
			for i := p; (len(times[p]) == 0 || time.Now().Before(until)) && errs[p] == nil; i = (i + posters) % len(s.pages) {
				var took time.Duration
				if took, errs[p] = s.pressed(ctx, c, i); errs[p] == nil {
					times[p] = append(times[p], took)
				}
				time.Sleep(pagePause)
			}
		})
	}
	wait.Wait()
	all := slices.Concat(times...)
	return sample{ops: len(all), took: time.Since(start), p99: percentile99(all)}, errors.Join(errs...)
}

// pressed loads a visitor's page, sends its first form, and returns what that took.
func (s *floodSide) pressed(ctx context.Context, c *client, i int) (time.Duration, error) {
	page, err := c.ask(ctx, s.pages[i], true)
	if err != nil {
		return 0, err
	}
	token := tokenValue.FindSubmatch(page.body)
	if page.status != http.StatusOK || token == nil {
		return 0, fmt.Errorf("GET /notes answered %d without a token", page.status)
	}
	form := post(i, "/seen", url.Values{"merlon_token": {string(token[1])}}.Encode(), s.cookies[i])
	start := time.Now()
	a, err := c.ask(ctx, form, true)
	took := time.Since(start)
	if err == nil && a.status != http.StatusSeeOther {
		err = fmt.Errorf("POST /seen answered %d: %.300s", a.status, a.body)
	}
	return took, err
}
