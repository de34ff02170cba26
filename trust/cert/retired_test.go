package cert

import (
	"bytes"
	"context"
	"encoding/pem"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/acme/autocert"
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

// TestCutOffAccountKey: an account key that is no key is made anew, and what is put is whole, for nobody else.
func TestCutOffAccountKey(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "certificates")
	a, err := NewACME(ACMEConfig{Hosts: []string{"site.test"}, Dir: dir, Directory: "https://127.0.0.1:1/"})
	if err != nil {
		t.Fatal(err)
	}
	cache, file := a.now.Load().Cache, filepath.Join(dir, accountKey)
	key := pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: []byte("x")})
	if err := cache.Put(t.Context(), accountKey, key); err != nil {
		t.Fatal(err)
	}
	if got, err := cache.Get(t.Context(), accountKey); err != nil || !bytes.Equal(got, key) {
		t.Errorf("%q %v", got, err)
	}
	for path, want := range map[string]os.FileMode{dir: 0o700, file: 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v %v, want %04o", path, info.Mode(), err, want)
		}
	}
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := cache.Get(t.Context(), accountKey); err != autocert.ErrCacheMiss {
		t.Errorf("an empty key: %v, want that there is none", err)
	}
}

// renewal is a timer as autocert's own: it sets itself anew behind its look.
func renewal(m *manager) {
	time.AfterFunc(time.Millisecond, func() {
		_, _ = m.Cache.Get(context.Background(), "site.test")
		renewal(m)
	})
}
