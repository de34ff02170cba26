package throttle_test

import (
	"context"
	"net/netip"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/merlon-web/merlon/event"
	"github.com/merlon-web/merlon/throttle"
)

func quiet() context.Context {
	return event.With(context.Background(), event.RecorderFunc(func(context.Context, event.Event) {}))
}

// An attempt at a password of an account, from one client after the other: one commit.
func BenchmarkReserve(b *testing.B) {
	h := newHouse(b)
	h.ctx = quiet()
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		i++
		if _, err := h.l.Reserve(h.ctx, throttle.SignIn(strconv.Itoa(i), "", netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}))...); err != nil {
			b.Fatal(err)
		}
	}
}

// The same from 64 clients at once: they share commits.
func BenchmarkReserveTogether(b *testing.B) {
	h := newHouse(b)
	h.ctx = quiet()
	var n atomic.Int64
	before := h.engine.writes.Load()
	b.SetParallelism(32)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			i := n.Add(1)
			if _, err := h.l.Reserve(h.ctx, throttle.SignIn(strconv.FormatInt(i, 10), "", netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}))...); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.ReportMetric(float64(n.Load())/float64(h.engine.writes.Load()-before), "attempts/commit")
}

// What a flood costs once the bucket is full.
func BenchmarkRefuse(b *testing.B) {
	h := newHouse(b)
	h.ctx = quiet()
	buckets := throttle.SignIn("ann", "", near)
	h.fails(12, buckets...)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := h.l.Reserve(h.ctx, buckets...); err == nil {
			b.Fatal("passed")
		}
	}
}

func BenchmarkRate(b *testing.B) {
	now := newClock().Now()
	b.Run("one address", func(b *testing.B) {
		r := throttle.NewRate(throttle.RateConfig{})
		b.ReportAllocs()
		for b.Loop() {
			r.Allow(near, now)
		}
	})
	b.Run("new addresses", func(b *testing.B) {
		r := throttle.NewRate(throttle.RateConfig{})
		var a [16]byte
		a[0] = 0x20
		i := uint32(0)
		b.ReportAllocs()
		for b.Loop() {
			i++
			a[1], a[2], a[3], a[4] = byte(i>>24), byte(i>>16), byte(i>>8), byte(i)
			r.Allow(netip.AddrFrom16(a), now)
		}
	})
}
