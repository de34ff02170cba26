// Package ldap_test asks a real directory: slapd, on loopback, over TLS.
package ldap_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/merlon-web/merlon/internal/e2e/corpus"
	"github.com/merlon-web/merlon/internal/e2e/need"
	"github.com/merlon-web/merlon/outbound/ldap"
	"github.com/merlon-web/merlon/secret"
	"github.com/merlon-web/merlon/sqlite"
	"github.com/merlon-web/merlon/throttle"
)

var (
	people  = ldap.NewName("ou=people,dc=site,dc=test")
	nowhere = ldap.NewName("ou=nowhere,dc=site,dc=test")
	person  = ldap.NewName("uid={},ou=people,dc=site,dc=test")
	root    = ldap.NewName("cn=root,dc=site,dc=test")
	byName  = ldap.NewFilter("(&(objectClass=person)(uid={}))")
	all     = ldap.NewFilter("(objectClass=person)")
)

const tree = `dn: dc=site,dc=test
objectClass: organization
objectClass: dcObject
o: site
dc: site

dn: ou=people,dc=site,dc=test
objectClass: organizationalUnit
ou: people

dn: uid=ann,ou=people,dc=site,dc=test
objectClass: inetOrgPerson
uid: ann
cn: Ann
sn: A
mail: ann@site.test
userPassword: canary-ann

dn: uid=ben,ou=people,dc=site,dc=test
objectClass: inetOrgPerson
uid: ben
cn: Ben
sn: B
userPassword: canary-ben
`

// start runs slapd until the test ends, and returns its two addresses and who signs its certificate.
func start(t *testing.T) (ldaps, plain string, roots *x509.CertPool) {
	t.Helper()
	slapd, slapadd := need.Program(t, "slapd", "slapd"), need.Program(t, "slapadd", "slapd")
	dir := t.TempDir()
	roots = certificate(t, dir)
	conf := filepath.Join(dir, "slapd.conf")
	for name, text := range map[string]string{
		"tree.ldif": tree,
		"slapd.conf": fmt.Sprintf(`include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
TLSCertificateFile %[1]s/cert.pem
TLSCertificateKeyFile %[1]s/key.pem
disallow bind_anon
require authc
database mdb
maxsize 10485760
suffix "dc=site,dc=test"
rootdn "cn=root,dc=site,dc=test"
rootpw canary-root
directory %[1]s
access to attrs=userPassword by anonymous auth by * none
access to * by * read
`, dir),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := exec.Command(slapadd, "-q", "-f", conf, "-l", filepath.Join(dir, "tree.ldif")).CombinedOutput(); err != nil {
		t.Fatalf("slapadd: %v: %s", err, out)
	}
	secure, open := free(t), free(t)
	cmd := exec.Command(slapd, "-f", conf, "-h", "ldaps://"+secure+"/ ldap://"+open+"/", "-d", "0")
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Signal(os.Interrupt); _ = cmd.Wait() })
	for range 12000 {
		conn, err := net.Dial("tcp", secure)
		if err == nil {
			conn.Close()
			return "ldaps://" + secure, "ldap://" + open, roots
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatal("slapd does not listen")
	return "", "", nil
}

func free(t *testing.T) string { return fmt.Sprintf("127.0.0.1:%d", need.Port(t)) }

func certificate(t *testing.T, dir string) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	for name, block := range map[string]*pem.Block{"cert.pem": {Type: "CERTIFICATE", Bytes: der}, "key.pem": {Type: "PRIVATE KEY", Bytes: raw}} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
		if name == "cert.pem" && !roots.AppendCertsFromPEM(pem.EncodeToMemory(block)) {
			t.Fatal("no certificate")
		}
	}
	return roots
}

func open(t *testing.T, c ldap.Config) *ldap.Directory {
	t.Helper()
	c.Timeout = time.Minute
	d, err := ldap.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestSearch(t *testing.T) {
	ldaps, plain, roots := start(t)
	for name, c := range map[string]ldap.Config{
		"ldaps":           {Address: ldaps, Roots: roots},
		"on this machine": {Address: plain},
		"StartTLS":        {Address: "ldap://localhost:" + portOf(plain), Roots: roots},
	} {
		t.Run(name, func(t *testing.T) {
			c.User, c.Password = root, secret.New("canary-root")
			d := open(t, c)
			found, err := d.Search(t.Context(), people, byName, []string{"ann"}, "mail", "cn")
			if err != nil || len(found) != 1 || found[0].Name != "uid=ann,ou=people,dc=site,dc=test" || !slices.Equal(found[0].Attributes["mail"], []string{"ann@site.test"}) || len(found[0].Attributes) != 2 {
				t.Errorf("%+v, %v", found, err)
			}
			for _, hostile := range []string{"*", "*)(uid=*", "ann)(objectClass=*", "\\2a", "ann\x00"} {
				if found, err := d.Search(t.Context(), people, byName, []string{hostile}); err != nil || len(found) != 0 {
					t.Errorf("%q finds %+v, %v", hostile, found, err)
				}
			}
			if found, err := d.Search(t.Context(), nowhere, all, nil); err != nil || len(found) != 0 {
				t.Errorf("a base that is not there: %+v, %v", found, err)
			}
			if found, err := d.Search(t.Context(), people, all, nil); err != nil || len(found) != 2 || len(found[0].Attributes) != 0 {
				t.Errorf("all: %+v, %v", found, err)
			}
			c.Entries = 1
			if _, err := open(t, c).Search(t.Context(), people, all, nil); !errors.Is(err, ldap.ErrTooMany) {
				t.Errorf("too many: %v", err)
			}
		})
	}
	for name, c := range map[string]ldap.Config{
		"a certificate of nobody": {Address: ldaps, User: root, Password: secret.New("canary-root")},
		"the wrong password":      {Address: ldaps, Roots: roots, User: root, Password: secret.New("wrong")},
		"nobody there":            {Address: "ldaps://" + free(t), Roots: roots},
		"no StartTLS for a name":  {Address: "ldap://localhost:" + portOf(plain), User: root, Password: secret.New("canary-root")},
	} {
		if found, err := open(t, c).Search(t.Context(), people, all, nil); !errors.Is(err, ldap.ErrCannot) {
			t.Errorf("%s: %+v, %v", name, found, err)
		}
	}
}

func portOf(address string) string { return address[len("ldap://127.0.0.1:"):] }

func TestVerify(t *testing.T) {
	ldaps, _, roots := start(t)
	d := open(t, ldap.Config{Address: ldaps, Roots: roots})
	limits := limiter(t)
	for i, c := range []struct {
		name, password string
		takes          bool
	}{
		{"ann", "canary-ann", true}, {"ann", "canary-ben", false}, {"ann", "", false}, {"nobody", "canary-ann", false},
		{"ann,ou=people", "canary-ann", false}, {"*", "canary-ann", false},
	} {
		permit, err := limits.Reserve(t.Context(), throttle.Account(fmt.Sprint("account ", i)))
		if err != nil {
			t.Fatal(err)
		}
		takes, err := d.Verify(t.Context(), permit, person, []string{c.name}, secret.New(c.password))
		if err != nil || takes != c.takes {
			t.Errorf("%q with %q: %t, %v", c.name, c.password, takes, err)
		}
		if _, err := d.Verify(t.Context(), permit, person, []string{c.name}, secret.New(c.password)); !errors.Is(err, throttle.ErrSpent) {
			t.Errorf("a permit twice: %v", err)
		}
	}
	if _, err := d.Verify(t.Context(), nil, person, []string{"ann"}, secret.New("canary-ann")); !errors.Is(err, throttle.ErrSpent) {
		t.Errorf("no permit: %v", err)
	}
}

// limiter is a real one over a real database.
func limiter(t *testing.T) *throttle.Limiter {
	t.Helper()
	engine := sqlite.Engine("site.db")
	if err := engine.Open(t.Context(), t.TempDir(), throttle.Schema()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { engine.Close() })
	if _, err := engine.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	l, err := throttle.New(throttle.Config{Store: throttle.NewStore(engine), Key: make([]byte, 32)})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// TestCorpus: as a value of a filter no hostile text finds anybody, and no honest one is refused.
func TestCorpus(t *testing.T) {
	_, plain, _ := start(t)
	d := open(t, ldap.Config{Address: plain, User: root, Password: secret.New("canary-root")})
	for _, text := range append(corpus.Hostile(), corpus.Honest()...) {
		if got := strings.ToLower(strings.Trim(text, " ")); got == "ann" || got == "ben" { // spaces around it do not count in a uid (RFC 4518, 2.6.1)
			continue
		}
		if found, err := d.Search(t.Context(), people, byName, []string{text}); err != nil && slices.Contains(corpus.Honest(), text) || len(found) != 0 {
			t.Errorf("%q finds %+v, %v", text, found, err)
		}
	}
}
