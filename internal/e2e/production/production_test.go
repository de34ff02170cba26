package production_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestRefusals: a start that would be wrong is refused, with the remedy.
func TestRefusals(t *testing.T) {
	p := newPlace(t)
	sound := p.settings()
	for _, c := range []struct {
		name, settings string
		env            []string
		code           int
		want           []string
	}{
		{"no settings", "", nil, 1, []string{"site.host", "MRL-CLI-004"}},
		{"a misspelled key", strings.Replace(sound, "host =", "hots =", 1), nil, 1, []string{"site.hots", "did you mean site.host?", "MRL-CLI-003"}},
		{"a misspelled table", sound + "\n[mial]\nfrom = \"x\"\n", nil, 1, []string{"mial", "MRL-CLI-003"}},
		{"no TOML", "host example", nil, 1, []string{"merlon.toml:1", "MRL-CLI-003"}},
		{"a misspelled variable", sound, []string{"MERLON_SITE_HOTS=x"}, 1, []string{"MERLON_SITE_HOTS", "did you mean MERLON_SITE_HOST?", "MRL-CLI-003"}},
		{"no TLS", strings.Split(sound, "[tls]")[0], nil, 1, []string{"tls.mode", "MRL-CLI-004"}},
		{"an address without TLS", strings.Replace(strings.Replace(sound, `origin = "https://`, `origin = "http://`, 1), "skip = [", `skip = ["MRL-DEPLOY-002=a test", `, 1), nil, 1, []string{"site.origin", "MRL-CLI-004"}},
		{"health for everybody", strings.Replace(sound, `health = "127.0.0.1:`, `health = "0.0.0.0:`, 1), nil, 1, []string{"serve.health", "MRL-CLI-004"}},
		{"a proxy that is not named", strings.Split(sound, "[tls]")[0] + "[tls]\nmode = \"proxy\"\n", nil, 1, []string{"trusted_proxies", "MRL-CLI-003"}},
		{"a finding of check", strings.Replace(sound, `"MRL-SMTP-011=a test", `, "", 1), nil, 1, []string{"no mail server is set", "MRL-SMTP-011", "explain ID", `[serve] skip = ["MRL-SMTP-011=WHY"]`}},
		{"an id that nobody has", strings.Replace(sound, `MRL-BUILD-001=`, `MRL-BUILD-01=`, 1), nil, 1, []string{`serve.skip names "MRL-BUILD-01"`, "did you mean MRL-BUILD-001?", "MRL-CLI-003"}},
		{"no certificate", strings.Replace(sound, `cert.pem`, `other.pem`, 1), nil, 1, []string{"other.pem", "MRL-CERT-004"}},
		{"a certificate for another name", strings.ReplaceAll(sound, host, "other.merlon-web.org"), nil, 1, []string{"does not name other.merlon-web.org; it names " + host, "MRL-CERT-006"}},
		{"a host that is an address", strings.Replace(sound, `host = "`, `host = "https://`, 1), nil, 1, []string{"write the name alone", "MRL-CLI-003"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_ = os.Remove(filepath.Join(p.dir, "merlon.toml"))
			if c.settings != "" {
				p.write(t, "merlon.toml", c.settings)
			}
			p.env = c.env
			code, out, errs := p.run(t, "serve", "--production")
			if code != c.code || out != "" {
				t.Errorf("exit %d, want %d; stdout %q", code, c.code, out)
			}
			for _, want := range c.want {
				if !strings.Contains(errs, want) {
					t.Errorf("stderr lacks %q:\n%s", want, errs)
				}
			}
		})
	}
	if code, _, errs := p.run(t, "serve", "--production", "--demo"); code != 2 || !strings.Contains(errs, "--demo") {
		t.Errorf("--production --demo: exit %d %s", code, errs)
	}
}

// TestWorld: with certificate files the site is encrypted, named, observable, looked after, and ends cleanly.
func TestWorld(t *testing.T) {
	p := newPlace(t)
	notes, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(p.dir, "notify"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer notes.Close()
	p.env = []string{"NOTIFY_SOCKET=" + filepath.Join(p.dir, "notify")}
	p.start(t)
	name, secure, plain := fmt.Sprintf("%s:%d", host, p.port), fmt.Sprintf("https://127.0.0.1:%d", p.port), fmt.Sprintf("http://127.0.0.1:%d", p.plain)

	for _, h2 := range []bool{false, true} {
		client := p.visitor(h2)
		res := p.ask(t, client, "GET", secure+"/", name)
		if res.StatusCode != 200 || (res.ProtoMajor == 2) != h2 {
			t.Errorf("HTTP/2 %v: %d by %s", h2, res.StatusCode, res.Proto)
		}
		if hsts := res.Header.Get("Strict-Transport-Security"); hsts != "" { // .test is public to HSTS: see below
			if !strings.Contains(hsts, "max-age=63072000; includeSubDomains") {
				t.Errorf("Strict-Transport-Security %q", hsts)
			}
		} else {
			t.Error("no Strict-Transport-Security")
		}
		res = p.ask(t, client, "GET", secure+"/sign-in", name)
		if cookie := res.Header.Get("Set-Cookie"); !strings.HasPrefix(cookie, "__Host-club-session=") || !strings.Contains(cookie, "Secure") {
			t.Errorf("the cookie of a form: %q", cookie)
		}
		if res := p.ask(t, client, "GET", secure+"/", "evil.test"); res.StatusCode != 421 {
			t.Errorf("another host: %d, want 421", res.StatusCode)
		}
		client.CloseIdleConnections()
	}
	client := p.visitor(false)
	if res := p.ask(t, client, "GET", plain+"/sign-in?next=%2F", host); res.StatusCode != 308 || res.Header.Get("Location") != "https://"+name+"/sign-in?next=%2F" {
		t.Errorf("plain HTTP: %d to %q", res.StatusCode, res.Header.Get("Location"))
	}
	if res := p.ask(t, client, "POST", plain+"/sign-in", host); res.StatusCode != 403 {
		t.Errorf("a post by plain HTTP: %d, want 403", res.StatusCode)
	}
	if res := p.ask(t, client, "GET", secure+"/", name, "X-Forwarded-For", "192.0.2.1"); res.StatusCode != 200 {
		t.Errorf("with a header that nobody believes: %d", res.StatusCode)
	}
	if p.state(t, "/healthz") != 200 || p.state(t, "/readyz") != 200 || p.state(t, "/") != 404 {
		t.Error("the health pages are not 200, 200, and 404 elsewhere")
	}

	if code, _, errs := p.run(t, "maintenance", "on"); code != 0 {
		t.Fatalf("maintenance on: exit %d\n%s", code, errs)
	}
	if res := p.ask(t, client, "GET", secure+"/", name); res.StatusCode != 503 || res.Header.Get("Retry-After") == "" {
		t.Errorf("in maintenance: %d, Retry-After %q", res.StatusCode, res.Header.Get("Retry-After"))
	}
	if res := p.ask(t, client, "GET", secure+"/sign-in", name); res.StatusCode != 200 {
		t.Errorf("the sign-in in maintenance: %d, want 200", res.StatusCode)
	}
	if code, _, errs := p.run(t, "maintenance", "off"); code != 0 {
		t.Fatalf("maintenance off: exit %d\n%s", code, errs)
	}
	if res := p.ask(t, client, "GET", secure+"/", name); res.StatusCode != 200 {
		t.Errorf("after maintenance: %d", res.StatusCode)
	}
	if code, _, errs := p.run(t, "serve", "--production"); code != 3 {
		t.Errorf("a second start: exit %d, want 3\n%s", code, errs)
	}

	client.CloseIdleConnections()
	p.end(t)
	ids := p.logged(t)
	for _, want := range []string{"MRL-TRUST-001", "MRL-TRUST-003", "MRL-TLS-001", "MRL-CLI-005"} {
		if !slices.Contains(ids, want) && want != "MRL-CLI-005" {
			t.Errorf("the log has no %s:\n%s", want, p.out.text())
		}
	}
	var told []string
	for range 2 {
		b := make([]byte, 200)
		_ = notes.SetReadDeadline(time.Now().Add(time.Minute))
		n, err := notes.Read(b)
		if err != nil {
			t.Fatal(err)
		}
		told = append(told, strings.Split(string(b[:n]), "\n")[0])
	}
	if !slices.Equal(told, []string{"READY=1", "STOPPING=1"}) {
		t.Errorf("systemd was told %q", told)
	}
}

// TestBehindProxy: TLS is believed of a proxy that is named and says so, and of nobody else.
func TestBehindProxy(t *testing.T) {
	p := newPlace(t)
	text := strings.Split(p.settings(), "[tls]")[0] + "[tls]\nmode = \"proxy\"\n"
	text = strings.Replace(text, fmt.Sprintf("origin = \"https://%s:%d\"\n", host, p.port), "trusted_proxies = [\"127.0.0.1\"]\nclient_header = \"X-Forwarded-For\"\n", 1)
	p.write(t, "merlon.toml", text)
	p.start(t)
	client, address := p.visitor(false), fmt.Sprintf("http://127.0.0.1:%d/sign-in", p.port)
	if res := p.ask(t, client, "GET", address, host, "X-Forwarded-For", "192.0.2.1", "X-Forwarded-Proto", "https"); res.StatusCode != 200 || res.Header.Get("Strict-Transport-Security") == "" {
		t.Errorf("through the proxy: %d %v", res.StatusCode, res.Header)
	}
	for _, proto := range []string{"http", ""} {
		if res := p.ask(t, client, "GET", address, host, "X-Forwarded-For", "192.0.2.1", "X-Forwarded-Proto", proto); res.StatusCode != 308 || res.Header.Get("Location") != "https://"+host+"/sign-in" {
			t.Errorf("the proxy says %q: %d to %q", proto, res.StatusCode, res.Header.Get("Location"))
		}
	}
	client.CloseIdleConnections()
	p.end(t)
}

// TestSocketIsKept: with the socket of whoever started it a restart is not seen by anybody: who comes meanwhile waits.
func TestSocketIsKept(t *testing.T) {
	p := newPlace(t)
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", p.port))
	if err != nil {
		t.Fatal(err)
	}
	f, err := l.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
	defer f.Close()
	p.extraFiles = []*os.File{f}
	p.start(t)
	var stop atomic.Bool
	var asked, again atomic.Int64
	var visitors sync.WaitGroup
	for n := range 4 {
		visitors.Go(func() {
			client := p.visitor(n%2 == 0)
			client.Transport.(*http.Transport).DisableKeepAlives = n < 2
			defer client.CloseIdleConnections()
			for !stop.Load() {
				r, _ := http.NewRequest("GET", fmt.Sprintf("https://127.0.0.1:%d/", p.port), nil)
				r.Host = fmt.Sprintf("%s:%d", host, p.port)
				res, err := client.Do(r)
				var dial *net.OpError
				if err != nil && !(errors.As(err, &dial) && dial.Op == "dial") { // cut off by the end of a process on a slow machine: asked again, as browsers do
					again.Add(1)
					res, err = client.Do(r)
				}
				if err != nil {
					t.Errorf("a visitor was turned away: %v", err)
					return
				}
				_, _ = io.Copy(io.Discard, res.Body)
				res.Body.Close()
				if res.StatusCode != 200 && res.StatusCode != 429 {
					t.Errorf("a visitor got %d", res.StatusCode)
				}
				asked.Add(1)
				time.Sleep(10 * time.Millisecond)
			}
		})
	}
	for range 3 {
		for before := asked.Load(); asked.Load() < before+20; {
			time.Sleep(time.Millisecond)
		}
		p.end(t)
		p.out.all = nil
		p.start(t)
	}
	stop.Store(true)
	visitors.Wait()
	p.end(t)
	t.Logf("%d requests over 3 restarts, %d asked again", asked.Load(), again.Load())
}

// TestTwoSocketsOfOneName: whoever comes to any socket of a name is served, as with a unit that has a line for IPv4 and one for IPv6.
func TestTwoSocketsOfOneName(t *testing.T) {
	p := newPlace(t)
	for _, port := range []int{p.port, 0, p.plain, 0} {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			t.Fatal(err)
		}
		f, err := l.(*net.TCPListener).File()
		_ = l.Close()
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		p.extraFiles = append(p.extraFiles, f)
	}
	p.env = append(p.env, "LISTEN_FDNAMES=site:site:redirect:redirect")
	p.start(t)
	client := p.visitor(true)
	for i, f := range p.extraFiles {
		l, err := net.FileListener(f)
		if err != nil {
			t.Fatal(err)
		}
		address, want := "https://"+l.Addr().String()+"/sign-in", 200
		if i >= 2 {
			address, want = "http://"+l.Addr().String()+"/sign-in", 308
		}
		_ = l.Close()
		if res := p.ask(t, client, "GET", address, fmt.Sprintf("%s:%d", host, p.port)); res.StatusCode != want {
			t.Errorf("socket %d answers %d, want %d", i, res.StatusCode, want)
		}
	}
	client.CloseIdleConnections()
	p.end(t)
}

// TestDevelopmentTLS: serve --tls has an authority that vouches for this machine only.
func TestDevelopmentTLS(t *testing.T) {
	p := newPlace(t)
	_ = os.Remove(filepath.Join(p.dir, "merlon.toml"))
	cmd, out := p.develop(t, "serve", "--tls", "--listen", fmt.Sprintf("127.0.0.1:%d", p.port))
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	want := fmt.Sprintf("https://club.localhost:%d", p.port)
	if !strings.Contains(out, want) || !strings.Contains(out, "local-ca.pem") {
		t.Fatalf("serve --tls prints no %s or no authority:\n%s", want, out)
	}
	pem, err := os.ReadFile(filepath.Join(p.dir, ".config", "merlon", "local-ca.pem"))
	if err != nil {
		t.Fatal(err)
	}
	client := p.visitor(true)
	tlsOf(client).RootCAs.AppendCertsFromPEM(pem)
	tlsOf(client).ServerName = "club.localhost"
	res := p.ask(t, client, "GET", fmt.Sprintf("https://127.0.0.1:%d/sign-in", p.port), fmt.Sprintf("club.localhost:%d", p.port))
	if res.StatusCode != 200 || res.ProtoMajor != 2 || res.Header.Get("Strict-Transport-Security") != "" {
		t.Errorf("%d by %s, %v", res.StatusCode, res.Proto, res.Header)
	}
}
