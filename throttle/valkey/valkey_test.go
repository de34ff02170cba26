package valkey_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/event"
	"github.com/merlon-web/merlon/internal/e2e/need"
	"github.com/merlon-web/merlon/internal/e2e/valkeypeer"
	outbound "github.com/merlon-web/merlon/outbound/valkey"
	"github.com/merlon-web/merlon/throttle"
	"github.com/merlon-web/merlon/throttle/throttletest"
	"github.com/merlon-web/merlon/throttle/valkey"
)

func TestStore(t *testing.T) {
	throttletest.Run(t, func(t *testing.T) (throttle.Store, func() throttle.Store) {
		server := valkeypeer.Start(t)
		return valkey.NewStore(server.Client(t)), func() throttle.Store { // the server is killed, too
			server.Stop()
			server.Again()
			return valkey.NewStore(server.Client(t))
		}
	})
}

// TestCluster: the same on three servers that share the keys.
func TestCluster(t *testing.T) {
	need.Time(t, "starts a cluster of three servers")
	first := valkeypeer.StartCluster(t, 3)
	client := first.ClusterClient(t)
	keys := first.Say("CLUSTER KEYSLOT merlon:throttle:{1}:expires")
	if keys != first.Say("CLUSTER KEYSLOT merlon:throttle:{1}:bucket:{ab}") {
		t.Errorf("the buckets and their index have two slots")
	}
	throttletest.Run(t, func(t *testing.T) (throttle.Store, func() throttle.Store) {
		if err := valkey.Forget(t.Context(), client); err != nil {
			t.Fatal(err)
		}
		return valkey.NewStore(client), nil
	})
}

const now = int64(1_800_000_000_000_000)

// quiet is a context whose events nobody hears.
func quiet() context.Context {
	return event.With(context.Background(), event.RecorderFunc(func(context.Context, event.Event) {}))
}

func limiter(t *testing.T, client *outbound.Client) *throttle.Limiter {
	t.Helper()
	l, err := throttle.New(throttle.Config{Store: valkey.NewStore(client), Key: []byte("a key of the test, 32 bytes long"), Shared: true, Clock: func() time.Time { return time.UnixMicro(now) }})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// TestTwoProcesses has a hundred attempts at once come to two processes' worth of clients: they pass exactly as often as in a row.
func TestTwoProcesses(t *testing.T) {
	server := valkeypeer.Start(t)
	limiters := []*throttle.Limiter{limiter(t, server.Client(t)), limiter(t, server.Client(t))}
	for round := range 3 {
		var passed, refused atomic.Int32
		var wg sync.WaitGroup
		start := make(chan struct{})
		for i := range 100 {
			wg.Go(func() {
				<-start
				from := netip.AddrFrom4([4]byte{10, byte(round), byte(i), 1})
				_, err := limiters[i%2].Reserve(quiet(), throttle.SignIn(fmt.Sprintf("ann%d@example.org", round), "", from)...)
				var limited *throttle.Limited
				switch {
				case err == nil:
					passed.Add(1)
				case errors.As(err, &limited):
					refused.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		close(start)
		wg.Wait()
		if passed.Load() != 10 || refused.Load() != 90 {
			t.Errorf("of 100 at once %d passed and %d were refused, want 10 and 90", passed.Load(), refused.Load())
		}
	}
}

// TestClosedWhileTheServerIsAway: no permit without a count, and none that was given before is given again afterwards.
func TestClosedWhileTheServerIsAway(t *testing.T) {
	server := valkeypeer.Start(t)
	l := limiter(t, server.Client(t))
	try := func() error {
		_, err := l.Reserve(quiet(), throttle.Account("ann@example.org"))
		return err
	}
	for range 7 {
		if err := try(); err != nil {
			t.Fatal(err)
		}
	}
	server.Stop()
	for range 5 {
		if err := try(); !errors.Is(err, db.ErrBusy) {
			t.Fatalf("without the server: %v", err)
		}
	}
	server.Again()
	passed := 0
	for range 10 {
		if err := try(); err == nil {
			passed++
		}
	}
	if passed != 3 {
		t.Errorf("after the server came back %d passed, want 3", passed)
	}
}

// TestDamaged: bytes that cannot be read are a full bucket, which releases itself as any other.
func TestDamaged(t *testing.T) {
	client := valkeypeer.Start(t).Client(t)
	store := valkey.NewStore(client)
	key, limit := throttle.Key{7}, throttle.Limit{Burst: 5, Window: time.Minute}
	asks := []throttle.Ask{{Key: key, Kind: "test", Limit: limit}}
	if a, err := store.Reserve(t.Context(), now, asks); err != nil || !a.Granted {
		t.Fatal(a, err)
	}
	if err := valkey.Damage(t.Context(), client, key); err != nil {
		t.Fatal(err)
	}
	for _, later := range []int64{0, 59_000_000} {
		if a, err := store.Reserve(t.Context(), now+later, asks); err != nil || a.Granted {
			t.Errorf("a damaged bucket takes one after %d: %+v, %v", later, a, err)
		}
	}
	if a, err := store.Reserve(t.Context(), now+60_000_000, asks); err != nil || !a.Granted {
		t.Errorf("a damaged bucket stays closed: %+v, %v", a, err)
	}
}

// TestSweepOfMany: more buckets than one step takes.
func TestSweepOfMany(t *testing.T) {
	client := valkeypeer.Start(t).Client(t)
	store := valkey.NewStore(client)
	limit := throttle.Limit{Burst: 5, Window: time.Minute}
	for i := range 1201 {
		at := now
		if i == 1200 {
			at += 30_000_000
		}
		if _, err := store.Reserve(t.Context(), at, []throttle.Ask{{Key: throttle.Key{byte(i), byte(i >> 8)}, Limit: limit}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := store.Sweep(t.Context(), now+60_000_000); err != nil {
		t.Fatal(err)
	}
	if n, err := valkey.Count(t.Context(), client); err != nil || n != 1 {
		t.Errorf("%d buckets are left, %v; want 1", n, err)
	}
}

// TestSweepOfForeign: members of the index that the site has not written go, and stop no sweep.
func TestSweepOfForeign(t *testing.T) {
	server := valkeypeer.Start(t)
	client := server.Client(t)
	store := valkey.NewStore(client)
	if _, err := store.Reserve(t.Context(), now, []throttle.Ask{{Key: throttle.Key{1}, Limit: throttle.Limit{Burst: 5, Window: time.Minute}}}); err != nil {
		t.Fatal(err)
	}
	add := "ZADD merlon:throttle:{1}:expires 0 \"\" 0 " + strings.Repeat("F", 64)
	for i := range 1000 {
		add += fmt.Sprintf(" 1 a:%d", i)
	}
	server.Say(add)
	ctx, stop := context.WithTimeout(t.Context(), 2*time.Minute)
	defer stop()
	if err := store.Sweep(ctx, now+60_000_000); err != nil {
		t.Fatal(err)
	}
	if n, err := valkey.Count(t.Context(), client); err != nil || n != 0 {
		t.Errorf("%d members are left, %v; want 0", n, err)
	}
	if s, err := store.Inspect(t.Context(), throttle.Key{1}); err != nil || s.Last != 0 {
		t.Errorf("the bucket that was over is left: %+v, %v", s, err)
	}
}
