package production_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

var tokenField = regexp.MustCompile(`name="merlon_token" value="([^"]+)"`)

// signUp fills in the form as a browser does, and returns the status of the answer.
func (p *place) signUp(t *testing.T, n int) *http.Response {
	t.Helper()
	client, origin := p.visitor(false), fmt.Sprintf("https://%s:%d", host, p.port)
	defer client.CloseIdleConnections()
	address, name := fmt.Sprintf("https://127.0.0.1:%d/sign-up", p.port), fmt.Sprintf("%s:%d", host, p.port)
	form := p.ask(t, client, "GET", address, name)
	body := make([]byte, 1<<20)
	got, _ := form.Body.Read(body)
	token := tokenField.FindSubmatch(body[:got])
	if token == nil {
		t.Fatalf("the form has no token: %d %s", form.StatusCode, body[:got])
	}
	cookie, _, _ := strings.Cut(form.Header.Get("Set-Cookie"), ";")
	fields := url.Values{"merlon_token": {string(token[1])}, "Name": {"Ann"}, "Email": {fmt.Sprintf("ann%d@example.org", n)}, "Password": {"eleven quiet paper boats"}}
	r, err := http.NewRequest("POST", address, strings.NewReader(fields.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Host = name
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", origin)
	r.Header.Set("Cookie", cookie)
	res, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	return res
}

// TestDiskFull: with a disk that is full pages go on, what writes is told to come again, nothing ends, and with room all is
// as before; a disk that cannot be written refuses the start.
func TestDiskFull(t *testing.T) {
	p := newPlace(t)
	data := filepath.Join(p.dir, "data")
	if err := os.Mkdir(data, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", data, "tmpfs", 0, "size=16m,mode=0700"); err != nil {
		t.Skipf("a small disk cannot be mounted here: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(data, syscall.MNT_DETACH) })
	p.write(t, "merlon.toml", strings.Replace(p.settings(), "skip = [", `skip = ["MRL-HOST-013=a test", "MRL-HOST-016=a test", `, 1))
	p.start(t)
	if res := p.signUp(t, 0); res.StatusCode != 303 {
		t.Fatalf("with room: %d", res.StatusCode)
	}
	fill := filepath.Join(data, "filler")
	f, err := os.Create(fill)
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{1 << 20, 4096, 1} {
		for block := make([]byte, size); err == nil || size > 1; {
			if _, err = f.Write(block); err != nil {
				break
			}
		}
	}
	_ = f.Close()
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("the disk does not fill: %v", err)
	}
	full := 0
	for n := 1; n <= 40 && full == 0; n++ { // what the log of the database has room for is still written
		if res := p.signUp(t, n); res.StatusCode == 503 {
			full = n
			if res.Header.Get("Retry-After") == "" {
				t.Error("503 without Retry-After")
			}
		} else if res.StatusCode != 303 {
			t.Fatalf("post %d on a full disk: %d", n, res.StatusCode)
		}
	}
	if full == 0 {
		t.Error("40 posts found room on a full disk")
	}
	client, address, name := p.visitor(false), fmt.Sprintf("https://127.0.0.1:%d/", p.port), fmt.Sprintf("%s:%d", host, p.port)
	if res := p.ask(t, client, "GET", address, name); res.StatusCode != 200 {
		t.Errorf("a page on a full disk: %d", res.StatusCode)
	}
	client.CloseIdleConnections()
	if err := os.Remove(fill); err != nil {
		t.Fatal(err)
	}
	status := 0
	for end := time.Now().Add(time.Minute); status != 303 && time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		status = p.signUp(t, 99).StatusCode
	}
	if status != 303 {
		t.Errorf("with room again: %d", status)
	}
	p.end(t)
	if err := syscall.Mount("", data, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	code, _, errs := p.run(t, "serve", "--production")
	if code == 0 || !regexp.MustCompile(`read-only|readonly`).MatchString(errs) {
		t.Errorf("on a disk that cannot be written: exit %d\n%s", code, errs)
	}
}

// TestKeysLostOrOpen: with data and without its keys, or with keys that others can read, nothing starts, and nothing is made
// anew.
func TestKeysLostOrOpen(t *testing.T) {
	p := newPlace(t)
	p.start(t)
	p.end(t)
	keys := filepath.Join(p.dir, "data", "keys")
	whole, err := os.ReadFile(keys)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		spoil func() error
		want  string
	}{
		"lost":    {func() error { return os.Remove(keys) }, "MRL-KEYRING-005"},
		"open":    {func() error { return os.Chmod(keys, 0o644) }, "MRL-KEYRING-001"},
		"damaged": {func() error { return os.WriteFile(keys, whole[:len(whole)/2], 0o600) }, "MRL-KEYRING-002"},
	} {
		if err := c.spoil(); err != nil {
			t.Fatal(err)
		}
		if code, _, errs := p.run(t, "serve", "--production"); code == 0 || !strings.Contains(errs, c.want) {
			t.Errorf("%s: exit %d, want %s\n%s", name, code, c.want, errs)
		}
		_ = os.Remove(keys)
		if err := os.WriteFile(keys, whole, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p.start(t)
	p.end(t)
}
