package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/merlon-web/merlon/account"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/password"
)

const (
	enumAccounts = 20_000 // each is asked after at most twice, below every limit of an account
	enumUses     = 2
	enumTurns    = 4 // a round is so many turns long: its medians are to be better than the disk is steady
)

// enumeration times the answers to addresses that have an account against those that have none: a difference would tell
// which is which. The ratio is to be 1; what counts is how far the median is from it, on either side.
func enumeration(path string, want int) func(context.Context, *bench) (outcome, error) {
	return func(ctx context.Context, b *bench) (outcome, error) {
		dir, err := b.sub("enumeration" + url.QueryEscape(path))
		if err != nil {
			return outcome{}, err
		}
		floor := floodParts(password.Params{Memory: 19 << 10, Time: 2})
		if _, err := seedSite(ctx, dir, 1, floor...); err != nil {
			return outcome{}, err
		}
		site, err := openSite(ctx, dir, floor...)
		if err != nil {
			return outcome{}, err
		}
		defer func() { _ = site.Close(ctx) }()
		err = site.House().Engine.Write(quiet(ctx), func(_ context.Context, w *db.Writer) error {
			for i := range enumAccounts {
				if _, err := account.Create(w, enumAddress("known", i), "Known", account.NoPassword, time.Now()); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return outcome{}, err
		}
		ask := enumAsk(ctx, site, path, want)
		var known, nobody []sample
		for range b.rounds {
			x, y, err := enumRound(ctx, enumTurns*b.turn, ask)
			if err != nil {
				return outcome{}, err
			}
			known, nobody = append(known, x), append(nobody, y)
		}
		s := ratios(known, nobody, byTime)
		return outcome{spread: s, note: fmt.Sprintf("median of a round %s against %s; of the cores %s against %s", short(median(known, eachOf)), short(median(nobody, eachOf)),
			short(median(known, cpuOf)), short(median(nobody, cpuOf))),
			also: []condition{{fmt.Sprintf("median %s (hold 0.95 to 1.05)", number(s.median)), s.median >= 0.95 && s.median <= 1.05}}}, nil
	}
}

func enumAddress(kind string, i int) string { return fmt.Sprintf("%s%05d@site.example", kind, i) }

// enumRound asks after an address that has an account and after one that has none, in turns, and times the POST: what else
// the machine does, the disk most of all, meets both. A side's time is its median, as somebody who guesses would take it.
func enumRound(ctx context.Context, length time.Duration, ask func(kind string) (took, cpu time.Duration, err error)) (known, nobody sample, err error) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	runtime.GC()
	sides := []*sample{&known, &nobody}
	times := make([][]time.Duration, len(sides))
	for start := time.Now(); time.Since(start) < length || len(times[1]) == 0; {
		for _, i := range rand.Perm(len(sides)) { // who comes second finds the disk as the first has left it
			took, cpu, err := ask([]string{"known", "nobody"}[i])
			if err == nil {
				err = ctx.Err()
			}
			if err != nil {
				return known, nobody, err
			}
			times[i] = append(times[i], took)
			sides[i].cpu += cpu
		}
	}
	for i, s := range sides {
		slices.Sort(times[i])
		s.ops = len(times[i])
		s.took = times[i][s.ops/2] * time.Duration(s.ops)
	}
	return known, nobody, nil
}

// enumAsk opens the form and sends it, each time from another network. It times the POST.
func enumAsk(ctx context.Context, h http.Handler, path string, want int) func(kind string) (took, cpu time.Duration, err error) {
	out := &sink{header: http.Header{}}
	n := 0
	uses := map[string]int{}
	send := func(raw []byte) (a answered, took, cpu time.Duration, err error) {
		r, err := parsed(ctx, [][]byte{raw})
		if err != nil {
			return answered{}, 0, 0, err
		}
		clear(out.header)
		out.status, out.body = 200, out.body[:0]
		cpu, start := ownCPU(), time.Now()
		h.ServeHTTP(out, r[0])
		took, cpu = time.Since(start), ownCPU()-cpu
		return answered{out.status, out.header.Values("Set-Cookie"), out.body}, took, cpu, nil
	}
	return func(kind string) (time.Duration, time.Duration, error) {
		n++
		uses[kind]++
		if uses[kind] >= enumAccounts*enumUses {
			return 0, 0, errors.New("the accounts are used up: shorten the turn")
		}
		a, _, _, err := send(get(n, path))
		if err != nil {
			return 0, 0, err
		}
		token := tokenValue.FindSubmatch(a.body)
		if a.status != 200 || token == nil {
			return 0, 0, fmt.Errorf("GET %s answered %d without a token", path, a.status)
		}
		var cookies []string
		for _, c := range a.cookies {
			value, _, _ := strings.Cut(c, ";")
			cookies = append(cookies, value)
		}
		body := url.Values{"Email": {enumAddress(kind, uses[kind]/enumUses)}, "merlon_token": {string(token[1])}}
		switch path {
		case "/sign-in":
			body.Set("Password", "not the right one at all")
			body.Set("Next", "/notes")
		case "/sign-up":
			body.Set("Password", "quiet harbour seven lanterns")
			body.Set("Name", "Somebody")
		}
		a, took, cpu, err := send(post(n, path, body.Encode(), cookies...))
		if err == nil && a.status != want {
			err = fmt.Errorf("POST %s answered %d: %.300s", path, a.status, a.body)
		}
		return took, cpu, err
	}
}

type answered struct {
	status  int
	cookies []string
	body    []byte
}
