package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/merlon-web/merlon/account"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/password"
)

const (
	enumAccounts = 20_000 // each is asked after at most twice, below every limit of an account
	enumUses     = 2
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
		as, bs, err := b.compare(ctx, enumTurn(ctx, site, path, "known", want), enumTurn(ctx, site, path, "nobody", want))
		if err != nil {
			return outcome{}, err
		}
		s := ratios(as, bs, byTime)
		return outcome{spread: s, note: fmt.Sprintf("%s against %s", short(median(as, eachOf)), short(median(bs, eachOf))),
			also: []condition{{fmt.Sprintf("median %s (hold 0.95 to 1.05)", number(s.median)), s.median >= 0.95 && s.median <= 1.05}}}, nil
	}
}

func enumAddress(kind string, i int) string { return fmt.Sprintf("%s%05d@site.example", kind, i) }

// enumTurn opens the form and sends it, each time from another network.
func enumTurn(ctx context.Context, h http.Handler, path, kind string, want int) turn {
	out := &sink{header: http.Header{}}
	n := 0
	ask := func(raw []byte) (answered, error) {
		r, err := parsed(ctx, [][]byte{raw})
		if err != nil {
			return answered{}, err
		}
		clear(out.header)
		out.status, out.body = 200, out.body[:0]
		h.ServeHTTP(out, r[0])
		return answered{out.status, out.header.Values("Set-Cookie"), out.body}, nil
	}
	return loop(func() error {
		n++
		if n >= enumAccounts*enumUses {
			return errors.New("the accounts are used up: shorten the turn")
		}
		a, err := ask(get(n, path))
		if err != nil {
			return err
		}
		token := tokenValue.FindSubmatch(a.body)
		if a.status != 200 || token == nil {
			return fmt.Errorf("GET %s answered %d without a token", path, a.status)
		}
		var cookies []string
		for _, c := range a.cookies {
			value, _, _ := strings.Cut(c, ";")
			cookies = append(cookies, value)
		}
		body := url.Values{"Email": {enumAddress(kind, n/enumUses)}, "merlon_token": {string(token[1])}}
		switch path {
		case "/sign-in":
			body.Set("Password", "not the right one at all")
			body.Set("Next", "/notes")
		case "/sign-up":
			body.Set("Password", "quiet harbour seven lanterns")
			body.Set("Name", "Somebody")
		}
		if a, err = ask(post(n, path, body.Encode(), cookies...)); err != nil {
			return err
		}
		if a.status != want {
			return fmt.Errorf("POST %s answered %d: %.300s", path, a.status, a.body)
		}
		return nil
	})
}

type answered struct {
	status  int
	cookies []string
	body    []byte
}
