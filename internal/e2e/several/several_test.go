// Package several_test holds a site that several processes serve: two of examples/club/large on one PostgreSQL and one Valkey or Redis,
// behind nginx as docs/scale.md sets it up, under load, while each of them ends, or is killed, and comes again.
package several_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/examples/club/site"
	"github.com/merlon-web/merlon/internal/e2e/need"
	"github.com/merlon-web/merlon/internal/e2e/pgpeer"
	"github.com/merlon-web/merlon/internal/e2e/valkeypeer"
	"github.com/merlon-web/merlon/postgres"
	"github.com/merlon-web/merlon/valkey"
)

func TestMain(m *testing.M) {
	code := need.Main(m)
	pgpeer.End()
	os.Exit(code)
}

const host = "club.site.test"

// world is the site with all that it stands on.
type world struct {
	t        *testing.T
	dir      string
	pg       *pgpeer.Server
	standbys []*pgpeer.Server
	database string
	store    *valkeypeer.Server // nil: sessions are in the database
	port     int                // of nginx
	roots    *x509.CertPool
	both     [2]*process
}

// open starts everything, both processes at one moment on an empty database, and fills in what can be looked at. Pages are read from
// so many standbys; sessions are in the database then, and else on a server of their own.
func open(t *testing.T, standbys int) *world {
	t.Helper()
	need.Time(t, "runs two processes of the built club behind nginx")
	w := &world{t: t, dir: t.TempDir(), pg: pgpeer.Shared(t), port: need.Port(t), roots: x509.NewCertPool()}
	w.database = w.pg.Database(t)
	if standbys == 0 {
		w.store = valkeypeer.Start(t)
	}
	var replicas []string
	for range standbys {
		one := w.pg.Standby(t)
		w.standbys = append(w.standbys, one)
		replicas = append(replicas, strconv.Quote(one.URL("", w.database)))
	}
	w.write("merlon.toml", fmt.Sprintf(`[site]
host = %q
origin = "https://%s:%d"
trusted_proxies = ["127.0.0.1"]
client_header = "X-Forwarded-For"

[serve]
access = "off"
# what a test has not: a mail server, backups, the newest Go, and members of its own
skip = ["MRL-SMTP-011=a test", "MRL-BACK-001=a test", "MRL-BUILD-001=a test", "MRL-BUILD-002=a test", "MRL-DEPLOY-010=a test"]

[tls]
mode = "proxy"

[db]
url = %q
replicas = [%s]

[valkey]
url = %q
`, host, host, w.port, w.pg.URL(pgpeer.Owner, w.database), strings.ReplaceAll(strings.Join(replicas, ", "), "//@", "//"), w.sessions()))
	for i := range w.both {
		w.both[i] = &process{w: w, dir: "data", listen: need.Port(t), health: need.Port(t)}
		t.Cleanup(w.both[i].kill)
	}
	for _, p := range w.both {
		p.begin()
	}
	for _, p := range w.both {
		p.ready()
	}
	w.nginx()
	w.inside(func(s *merlon.Site) {
		if _, err := s.Demo(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
	return w
}

// sessions is the address of the server that has them, "" for the database.
func (w *world) sessions() string {
	if w.store == nil {
		return ""
	}
	return w.store.Address
}

// inside opens the site in this process too, beside the others.
func (w *world) inside(do func(*merlon.Site)) {
	w.t.Helper()
	env := merlon.Env{Data: filepath.Join(w.dir, "data"), Mode: merlon.Test, Settings: merlon.Settings{Valkey: merlon.ValkeySettings{URL: w.sessions()}}}
	s, err := site.OpenBeside(env, postgres.Engine(w.pg.Config(w.database)), valkey.Or(env))
	if err == nil {
		err = s.Start(w.t.Context())
	}
	if err != nil {
		w.t.Fatal(err)
	}
	do(s)
	if err := s.Close(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

// run runs a subtest, which is the world's meanwhile.
func (w *world) run(name string, do func(*testing.T)) {
	w.t.Helper()
	w.t.Run(name, func(t *testing.T) {
		whole := w.t
		defer func() { w.t = whole }()
		w.t = t
		do(t)
	})
}

func (w *world) write(name, text string) {
	w.t.Helper()
	if err := os.WriteFile(filepath.Join(w.dir, name), []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) mkdir(name string) {
	w.t.Helper()
	if err := os.Mkdir(filepath.Join(w.dir, name), 0o700); err != nil {
		w.t.Fatal(err)
	}
}

// nginx starts it with the recipe of the page, at the places of this test.
func (w *world) nginx() {
	w.t.Helper()
	program := "/usr/sbin/nginx" // not on everybody's PATH
	if _, err := os.Stat(program); err != nil {
		program = need.Program(w.t, "nginx", "nginx-light")
	}
	page, err := os.ReadFile(filepath.Join(need.Root(w.t), "docs", "scale.md"))
	if err != nil {
		w.t.Fatal(err)
	}
	_, recipe, _ := strings.Cut(string(page), "```nginx\n")
	recipe, _, ok := strings.Cut(recipe, "```")
	if !ok {
		w.t.Fatal("docs/scale.md shows no nginx configuration")
	}
	w.certificate()
	for _, place := range [][2]string{
		{"127.0.0.1:8082", fmt.Sprintf("127.0.0.1:%d", w.both[0].listen)}, {"127.0.0.1:8083", fmt.Sprintf("127.0.0.1:%d", w.both[1].listen)},
		{"listen 443 ", fmt.Sprintf("listen 127.0.0.1:%d ", w.port)}, {"club.example.org", host},
		{"/etc/club/cert.pem", filepath.Join(w.dir, "cert.pem")}, {"/etc/club/key.pem", filepath.Join(w.dir, "key.pem")},
	} {
		if strings.Count(recipe, place[0]) != 1 {
			w.t.Fatalf("the nginx configuration of docs/scale.md names %q %d times", place[0], strings.Count(recipe, place[0]))
		}
		recipe = strings.Replace(recipe, place[0], place[1], 1)
	}
	var temp strings.Builder
	for _, one := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		fmt.Fprintf(&temp, "%s_temp_path %s;\n", one, filepath.Join(w.dir, "nginx-"+one))
	}
	w.write("nginx.conf", "daemon off;\nmaster_process off;\npid nginx.pid;\nerror_log stderr warn;\nevents { worker_connections 1024; }\nhttp {\naccess_log off;\n"+temp.String()+recipe+"}\n")
	cmd := exec.Command(program, "-p", w.dir, "-c", filepath.Join(w.dir, "nginx.conf"), "-e", "stderr")
	out := &lines{}
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	w.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-ended
		if w.t.Failed() {
			w.t.Logf("nginx:\n%s", out.tail(20))
		}
	})
	for range 3000 {
		select {
		case <-ended:
			w.t.Fatalf("nginx has ended:\n%s", out.tail(20))
		default:
		}
		if c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", w.port)); err == nil {
			_ = c.Close()
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	w.t.Fatalf("nginx does not listen:\n%s", out.tail(20))
}

// certificate makes the one that nginx shows.
func (w *world) certificate() {
	w.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		w.t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: host}, DNSNames: []string{host}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		w.t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		w.t.Fatal(err)
	}
	w.roots.AddCert(leaf)
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		w.t.Fatal(err)
	}
	w.write("cert.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	w.write("key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})))
}

// lines are what a program printed last.
type lines struct {
	mu  sync.Mutex
	all []string
}

// Write implements io.Writer.
func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, strings.Split(string(bytes.TrimSpace(p)), "\n")...)
	l.all = l.all[max(0, len(l.all)-500):]
	return len(p), nil
}

func (l *lines) tail(n int) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.all[max(0, len(l.all)-n):], "\n")
}

// process is one of those that serve the site.
type process struct {
	w              *world
	dir            string
	listen, health int
	cmd            *exec.Cmd
	out            lines
	ended          chan struct{}
}

// begin starts serve --production.
func (p *process) begin() {
	p.w.t.Helper()
	p.cmd = exec.Command(need.Built(p.w.t, "examples/club/large"), "serve", "--production", "--data", p.dir)
	p.cmd.Dir = p.w.dir
	p.cmd.Env = []string{"HOME=" + p.w.dir, "PATH=" + os.Getenv("PATH"), fmt.Sprintf("MERLON_SERVE_LISTEN=127.0.0.1:%d", p.listen), fmt.Sprintf("MERLON_SERVE_HEALTH=127.0.0.1:%d", p.health)}
	p.cmd.Stdout, p.cmd.Stderr = &p.out, &p.out
	if err := p.cmd.Start(); err != nil {
		p.w.t.Fatal(err)
	}
	p.ended = make(chan struct{})
	go func(c *exec.Cmd, ended chan struct{}) { _ = c.Wait(); close(ended) }(p.cmd, p.ended)
}

// ready waits until it is.
func (p *process) ready() {
	p.w.t.Helper()
	client := http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		select {
		case <-p.ended:
			p.w.t.Fatalf("a process has ended:\n%s", p.out.tail(20))
		default:
		}
		if res, err := client.Get(fmt.Sprintf("http://127.0.0.1:%d/readyz", p.health)); err == nil {
			_ = res.Body.Close()
			if res.StatusCode == 200 {
				return
			}
		}
	}
	p.w.t.Fatalf("a process is not ready:\n%s", p.out.tail(20))
}

// end tells it to end and waits for it.
func (p *process) end() {
	p.w.t.Helper()
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(2 * time.Minute):
		p.w.t.Fatalf("a process does not end:\n%s", p.out.tail(20))
	}
	if code := p.cmd.ProcessState.ExitCode(); code != 0 {
		p.w.t.Errorf("a process that was told to end exits %d:\n%s", code, p.out.tail(20))
	}
}

// kill kills it, if it runs.
func (p *process) kill() {
	if p.cmd == nil {
		return
	}
	_ = p.cmd.Process.Kill()
	<-p.ended
	if p.w.t.Failed() {
		p.w.t.Logf("a process said:\n%s", p.out.tail(20))
	}
}
