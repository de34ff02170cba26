package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// replicasVariable holds the ports of the standbys that a child reads from, with a comma between.
const replicasVariable = "MERLON_BENCH_REPLICAS"

// standby starts a server that follows another one.
func (s *backend) standby(ctx context.Context) (*backend, error) {
	two, bin, err := newPostgres()
	if err != nil {
		return nil, err
	}
	copying := exec.CommandContext(ctx, filepath.Join(bin, "pg_basebackup"), "-D", filepath.Join(two.dir, "data"), "-h", "127.0.0.1", "-p", strconv.Itoa(s.port), "-U", "root_of_all", "-R", "-X", "stream", "-c", "fast", "--no-sync")
	if err = two.asPostgres(copying); err == nil {
		var out []byte
		if out, err = copying.CombinedOutput(); err != nil {
			err = fmt.Errorf("pg_basebackup: %w\n%s", err, out)
		}
	}
	if err == nil {
		err = two.begin(ctx, func() error { return two.say(ctx, "postgres", "SELECT 1") })
	}
	if err != nil {
		two.stop()
		return nil, err
	}
	return two, nil
}

// onReplicas compares what a page costs the server that writes: with two standbys that pages are read from, and without.
func onReplicas(ctx context.Context, b *bench) (o outcome, err error) {
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
	var standbys []*backend
	var ports []string
	for range 2 {
		s, err := pg.standby(ctx)
		if err != nil {
			return o, err
		}
		defer s.stop()
		standbys, ports = append(standbys, s), append(ports, strconv.Itoa(s.port))
	}
	dir, err := b.sub("replicas")
	if err != nil {
		return o, err
	}
	site, err := openOnServers(ctx, dir, strconv.Itoa(pg.port), store.address(), "")
	if err != nil {
		return o, err
	}
	cookies, err := fillSite(ctx, site, sessionCount)
	if err = errors.Join(err, site.Close(ctx)); err != nil {
		return o, err
	}
	start := func(replicas string) (side, error) {
		all := siteRequests("/notes", cookies)
		s, err := startAs(ctx, "merlon-servers", dir, all[0], onFirstCore, "GOMAXPROCS=1", postgresVariable+"="+strconv.Itoa(pg.port), valkeyVariable+"="+store.address(), replicasVariable+"="+replicas)
		return side{s, all, false}, err
	}
	x, err := start(strings.Join(ports, ","))
	if err != nil {
		return o, err
	}
	defer x.stop()
	y, err := start("")
	if err != nil {
		return o, err
	}
	defer y.stop()
	if err := equalSides(ctx, x, y, 2); err != nil {
		return o, err
	}
	defer leaveFirstCore()()
	var own, there [2]time.Duration // of the site's process and of the standbys, by side
	counting := func(i int, s side) turn {
		t := s.counting(load(s.addr, connections, everybody(s.requests)))
		return func(ctx context.Context, length time.Duration) (sample, error) {
			writes, reads := pg.cpu(), standbys[0].cpu()+standbys[1].cpu()
			result, err := t(ctx, length)
			own[i] += result.cpu
			there[i] += standbys[0].cpu() + standbys[1].cpu() - reads
			result.cpu = pg.cpu() - writes
			return result, err
		}
	}
	as, bs, err := b.compare(ctx, counting(0, x), counting(1, y))
	if err != nil {
		return o, err
	}
	o.spread = ratios(as, bs, byCPU)
	o.note = fmt.Sprintf("of the primary %s a page against %s; of both replicas %s; of the site %s against %s; %.0f against %.0f requests/s", short(median(as, cpuOf)), short(median(bs, cpuOf)),
		short(perPage(there[0], as)), short(perPage(own[0], as)), short(perPage(own[1], bs)), median(as, rateOf), median(bs, rateOf))
	return o, nil
}
