package postgres_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/internal/e2e/pgpeer"
	"github.com/merlon-web/merlon/postgres"
)

// overTLS has the server take two roles by password and TLS alone, and returns the file with its certificate.
func overTLS(t *testing.T, server *pgpeer.Server, roles string) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "db"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(server.Dir)
	if err != nil {
		t.Fatal(err)
	}
	owner := info.Sys().(*syscall.Stat_t)
	write := func(path string, text []byte) string {
		if err := errors.Join(os.WriteFile(path, text, 0o600), os.Chown(path, int(owner.Uid), int(owner.Gid))); err != nil {
			t.Fatal(err)
		}
		return path
	}
	certFile := write(filepath.Join(server.Dir, "tls.crt"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}))
	keyFile := write(filepath.Join(server.Dir, "tls.key"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}))
	hba := filepath.Join(server.Dir, "data", "pg_hba.conf")
	before, err := os.ReadFile(hba)
	if err != nil {
		t.Fatal(err)
	}
	write(hba, []byte("hostssl all "+roles+" 127.0.0.1/32 scram-sha-256\nhost all "+roles+" 127.0.0.1/32 reject\n"+string(before)))
	for _, sql := range []string{"ALTER SYSTEM SET ssl_cert_file = '" + certFile + "'", "ALTER SYSTEM SET ssl_key_file = '" + keyFile + "'", "ALTER SYSTEM SET ssl = on", "SELECT pg_reload_conf()"} {
		server.Exec(t, "postgres", sql)
	}
	t.Cleanup(func() {
		write(hba, before)
		server.Exec(t, "postgres", "ALTER SYSTEM RESET ALL")
		server.Exec(t, "postgres", "SELECT pg_reload_conf()")
	})
	return certFile
}

// TestCopyOverTLS copies, loads and lends a database whose server takes passwords over TLS only: pg_dump and pg_restore, which
// are told neither, and an engine that reaches a socket only, go over the site's own connection.
func TestCopyOverTLS(t *testing.T) {
	c := copies(t, "")
	root := overTLS(t, c.server, "tls_owner,tls_reader")
	for _, sql := range []string{"CREATE ROLE tls_owner LOGIN PASSWORD 'hidden'", "CREATE ROLE tls_reader LOGIN PASSWORD 'hidden too'", "CREATE DATABASE tls OWNER tls_owner"} {
		c.server.Exec(t, "postgres", sql)
	}
	c.server.Exec(t, "tls", postgres.Setup("tls", "tls_owner", "tls_reader"))
	t.Cleanup(func() {
		for _, name := range c.databases("tls%") {
			c.server.Exec(t, "postgres", "DROP DATABASE "+name+" WITH (FORCE)")
		}
		c.server.Exec(t, "postgres", "DROP ROLE tls_owner, tls_reader")
	})
	address := func(role, password string, port int) string {
		return fmt.Sprintf("postgres://%s:%s@127.0.0.1:%d/tls?sslmode=verify-full&sslrootcert=%s", role, password, port, root)
	}
	tls := *c
	tls.cfg = postgres.Config{URL: address("tls_owner", "hidden", c.server.Port), Reader: address("tls_reader", "hidden%20too", c.server.Port)}
	var failed error
	for range 1000 { // the server takes its new settings up in its own time
		e := postgres.Engine(tls.cfg)
		if failed = e.Open(t.Context(), "", schema); failed == nil {
			_ = e.Close()
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	if failed != nil {
		t.Fatal(failed)
	}
	if err := postgres.Engine(postgres.Config{URL: strings.Replace(tls.cfg.URL, "verify-full", "disable", 1), Reader: tls.cfg.Reader}).Open(t.Context(), "", schema); err == nil {
		t.Fatal("the server takes a connection in the clear: this test shows nothing")
	}
	tls.e = tls.open(t.TempDir())
	tls.add(2)
	dir, sockets := tls.load(), shortFolder(t)
	stop, err := tls.e.(db.Carrier).Lend(t.Context(), dir, sockets)
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	away := tls
	away.cfg = postgres.Config{URL: address("tls_owner", "another", 1), Reader: address("tls_reader", "another", 1)}
	e := away.open(dir)
	if n := tls.notes(e); n != 2 {
		t.Errorf("%d rows", n)
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
}

// outOfFiles is a listener that cannot let the first clients in, as when too many files are open.
type outOfFiles struct {
	net.Listener
	left int
}

// Accept implements [net.Listener].
func (l *outOfFiles) Accept() (net.Conn, error) {
	if l.left > 0 {
		l.left--
		return nil, &net.OpError{Op: "accept", Net: "unix", Addr: l.Addr(), Err: os.NewSyscallError("accept4", syscall.EMFILE)}
	}
	return l.Listener.Accept()
}

// TestRelayOutOfFiles: a relay goes on when files can be opened again.
func TestRelayOutOfFiles(t *testing.T) {
	server := pgpeer.Shared(t)
	name := server.Database(t)
	sockets := shortFolder(t)
	l, err := net.Listen("unix", filepath.Join(sockets, ".s.PGSQL.5432"))
	if err != nil {
		t.Fatal(err)
	}
	stop, err := postgres.Relay(server.Config(name), &outOfFiles{l, 2})
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	c, err := pgconn.Connect(ctx, "host="+sockets+" port=5432 user=site database="+name+" sslmode=disable")
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Close(ctx); err != nil {
		t.Error(err)
	}
}
