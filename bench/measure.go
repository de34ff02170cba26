package main

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"slices"
	"time"
)

// A sample is what one turn of one side gave.
type sample struct {
	ops    int           // how often it was done
	took   time.Duration // wall clock of the turn
	p99    time.Duration // of a single one; 0 where it was not looked at
	allocs float64       // a single one's; 0 where it was not looked at
	cpu    time.Duration // of the cores, for all of it: the server's, or this program's; 0 where it was not looked at
	failed int           // how often it failed
}

// rate is the operations in a second.
func (s sample) rate() float64 { return float64(s.ops) / s.took.Seconds() }

// each is the time of one operation.
func (s sample) each() time.Duration {
	if s.ops == 0 {
		return math.MaxInt64
	}
	return s.took / time.Duration(s.ops)
}

// A turn does one side's work for about as long as it is told.
type turn func(context.Context, time.Duration) (sample, error)

// rounds takes turns: a, b, a, b …, after a short one of each that does not count. Both sides see the same minutes of a
// shared machine, and a ratio is only made within a round.
func rounds(ctx context.Context, n int, length time.Duration, a, b turn) (as, bs []sample, err error) {
	for _, side := range []turn{a, b} {
		if _, err := side(ctx, length/4); err != nil {
			return nil, nil, fmt.Errorf("warming up: %w", err)
		}
	}
	for range n {
		one, err := a(ctx, length)
		if err != nil {
			return nil, nil, err
		}
		other, err := b(ctx, length)
		if err != nil {
			return nil, nil, err
		}
		as, bs = append(as, one), append(bs, other)
	}
	return as, bs, ctx.Err()
}

// spread is the ratio of the rounds.
type spread struct{ low, median, high float64 }

// ratios compares the rounds one by one.
func ratios(as, bs []sample, of func(a, b sample) float64) spread {
	all := make([]float64, len(as))
	for i := range as {
		all[i] = of(as[i], bs[i])
	}
	return spreadOf(all)
}

func spreadOf(all []float64) spread {
	if len(all) == 0 {
		return spread{}
	}
	all = slices.Sorted(slices.Values(all))
	median := all[len(all)/2]
	if len(all)%2 == 0 {
		median = (all[len(all)/2-1] + median) / 2
	}
	return spread{all[0], median, all[len(all)-1]}
}

// median returns the middle one of a figure of the samples.
func median(samples []sample, of func(sample) float64) float64 {
	all := make([]float64, len(samples))
	for i, s := range samples {
		all[i] = of(s)
	}
	return spreadOf(all).median
}

func rateOf(s sample) float64   { return s.rate() }
func eachOf(s sample) float64   { return float64(s.took) / float64(max(s.ops, 1)) }
func p99Of(s sample) float64    { return float64(s.p99) }
func cpuOf(s sample) float64    { return float64(s.cpu) / float64(max(s.ops, 1)) }
func allocsOf(s sample) float64 { return s.allocs }

func byRate(a, b sample) float64 { return a.rate() / b.rate() }
func byTime(a, b sample) float64 { return float64(a.each()) / float64(b.each()) }
func byCPU(a, b sample) float64  { return cpuOf(a) / max(cpuOf(b), 1) }
func byP99(a, b sample) float64  { return float64(a.p99) / float64(b.p99) }

// percentile99 sorts the times in place.
func percentile99(times []time.Duration) time.Duration {
	if len(times) == 0 {
		return 0
	}
	slices.Sort(times)
	return times[(len(times)*99+99)/100-1]
}

// loop is a turn in this process on one core: once is called again and again, in batches that grow until reading the clock
// costs nothing. It does not return the time of a single one.
func loop(once func() error) turn {
	return func(ctx context.Context, length time.Duration) (sample, error) {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
		runtime.GC() // the other side's garbage is not this one's
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		cpu := ownCPU()
		start, done, batch := time.Now(), 0, 1
		var took time.Duration
		for took < length {
			if err := ctx.Err(); err != nil {
				return sample{}, err
			}
			for range batch {
				if err := once(); err != nil {
					return sample{}, err
				}
			}
			done += batch
			last := took
			if took = time.Since(start); took-last < time.Millisecond {
				batch *= 2
			}
		}
		cpu = ownCPU() - cpu
		runtime.ReadMemStats(&after)
		return sample{ops: done, took: took, cpu: cpu, allocs: float64(after.Mallocs-before.Mallocs) / float64(done)}, nil
	}
}
