package cert

import (
	"context"
	"runtime"
	"sync/atomic"
	"testing"
	"time"
)

// TestRetired: what looks into the cache for a retired manager ends there, unless a handshake still uses it, and when that
// was the last to know it the manager is released.
func TestRetired(t *testing.T) {
	a, err := NewACME(ACMEConfig{Hosts: []string{"site.test"}, Dir: t.TempDir(), Directory: "https://127.0.0.1:1/"})
	if err != nil {
		t.Fatal(err)
	}
	m, done := a.use()
	var wentOn atomic.Int64
	look := func() {
		ended := make(chan bool)
		go func() {
			defer close(ended)
			_, _ = m.Cache.Get(t.Context(), "site.test")
			wentOn.Add(1)
		}()
		<-ended
	}
	look()
	a.renew()
	look()
	if n := wentOn.Load(); n != 2 {
		t.Errorf("%d of 2 looks went on: one before it was retired, one while it was in use", n)
	}
	done()
	look()
	if n := wentOn.Load(); n != 2 {
		t.Error("a retired manager that nobody uses still looks into the cache")
	}

	released := make(chan struct{})
	func() {
		m := a.now.Load()
		runtime.AddCleanup(m, func(c chan struct{}) { close(c) }, released)
		renewal(m)
		a.renew()
	}()
	for range 1000 {
		runtime.GC()
		select {
		case <-released:
			return
		case <-time.After(5 * time.Millisecond):
		}
	}
	t.Error("the retired manager is still in memory")
}

// renewal is a timer as autocert's own: it sets itself anew behind its look.
func renewal(m *manager) {
	time.AfterFunc(time.Millisecond, func() {
		_, _ = m.Cache.Get(context.Background(), "site.test")
		renewal(m)
	})
}
