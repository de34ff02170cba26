package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// formClients is how many visitors send forms at a time, half of them to each process.
const formClients = 16

// formRate is how often two processes of the site take a form in turns at the one writer: each visitor loads the page and sends its first
// form, again and again. The figure is the time from one form to the next, of all visitors.
func formRate(ctx context.Context, b *bench) (o outcome, err error) {
	pg, err := startPostgres(ctx)
	if err != nil {
		return o, err
	}
	defer pg.stop()
	store, err := startValkey(ctx)
	if err != nil {
		return o, err
	}
	defer store.stop()
	dir, err := b.sub("forms")
	if err != nil {
		return o, err
	}
	port := fmt.Sprint(pg.port)
	site, err := openOnServers(ctx, dir, port, store.address(), "")
	if err != nil {
		return o, err
	}
	cookies, err := fillSite(ctx, site, sessionCount)
	if err = errors.Join(err, site.Close(ctx)); err != nil {
		return o, err
	}
	pages := siteRequests("/notes", cookies)
	var both [2]*floodSide
	for i := range both {
		s, err := startAs(ctx, "merlon-servers", dir, pages[0], func(start func() error) error { return start() }, postgresVariable+"="+port, valkeyVariable+"="+store.address())
		if err != nil {
			return o, err
		}
		defer s.stop()
		both[i] = &floodSide{s, cookies, pages}
	}
	spent := func() [3]time.Duration {
		return [3]time.Duration{both[0].cpu() + both[1].cpu(), pg.cpu(), store.cpu()}
	}
	if _, err := pressing(ctx, both, b.turn/4); err != nil {
		return o, err
	}
	var each []float64
	var all []sample
	before := spent()
	for range b.rounds {
		s, err := pressing(ctx, both, b.turn)
		if err != nil {
			return o, err
		}
		each, all = append(each, eachOf(s)/1e3), append(all, s)
	}
	after := spent()
	o.spread = spreadOf(each)
	o.note = fmt.Sprintf("%.0f forms/s, each with its page; p99 of a form %.1f ms; CPU of a form and its page %s, of PostgreSQL %s, of Valkey %s", median(all, rateOf), median(all, p99Of)/1e6,
		short(perPage(after[0]-before[0], all)), short(perPage(after[1]-before[1], all)), short(perPage(after[2]-before[2], all)))
	return o, nil
}

// pressing is one turn.
func pressing(ctx context.Context, both [2]*floodSide, length time.Duration) (sample, error) {
	start := time.Now()
	until := start.Add(length)
	took, errs := make([][]time.Duration, formClients), make([]error, formClients)
	var wait sync.WaitGroup
	for n := range formClients {
		wait.Go(func() {
			at := both[n%2]
			c := &client{addr: at.addr}
			defer c.close()
			for i := n; (len(took[n]) == 0 || time.Now().Before(until)) && errs[n] == nil && ctx.Err() == nil; i = (i + formClients) % len(at.pages) {
				var one time.Duration
				if one, errs[n] = at.pressed(ctx, c, i); errs[n] == nil {
					took[n] = append(took[n], one)
				}
			}
		})
	}
	wait.Wait()
	s := sample{took: time.Since(start)}
	var all []time.Duration
	for _, some := range took {
		s.ops += len(some)
		all = append(all, some...)
	}
	s.p99 = percentile99(all)
	return s, errors.Join(errs...)
}
