package ldap_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/outbound/ldap"
	"github.com/merlon-web/merlon/secret"
)

var (
	byName = ldap.NewFilter("(&(objectClass=person)(uid={}))")
	person = ldap.NewName("uid={},ou=people,dc=site,dc=test")
	reader = ldap.NewName("cn=reader,dc=site,dc=test")

	_ = ldap.NewFilter("(|(cn=*{}*)(age>={})(cn:caseExactMatch:={}))")
	_ = ldap.NewName(`cn={}\, the {},dc=site,dc=test`)
)

func TestVectors(t *testing.T) {
	text, err := os.ReadFile("testdata/values.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		ID, Kind, Input string
		Expect          struct {
			Escaped, Or string
			Refused     bool
		}
	}
	if err := json.Unmarshal(text, &cases); err != nil || len(cases) < 11 {
		t.Fatal(err, len(cases))
	}
	for _, c := range cases {
		t.Run(c.ID, func(t *testing.T) {
			fill, before, after := byName.Text, "(&(objectClass=person)(uid=", "))"
			if c.Kind == "ldap-dn" {
				fill, before, after = person.Text, "uid=", ",ou=people,dc=site,dc=test"
			}
			got, err := fill(c.Input)
			if c.Expect.Refused {
				if found, ok := errors.AsType[check.Finding](err); !ok || found.ID != ldap.RuleValue.ID {
					t.Errorf("%q is not refused: %q, %v", c.Input, got, err)
				}
				return
			}
			if err != nil || got != before+c.Expect.Escaped+after && (c.Expect.Or == "" || got != before+c.Expect.Or+after) {
				t.Errorf("%q became %q, %v, want %q", c.Input, got, err, c.Expect.Escaped)
			}
		})
	}
}

// Whatever the value, the filter has the shape that was declared, and the value in its place.
func FuzzFilter(f *testing.F) {
	for _, s := range []string{"ann", "*)(uid=*", "\\", "\x00", "é", "(", "&|!"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		text, err := byName.Text(s)
		if err != nil {
			if s != "" && len(s) <= 1024 && utf8.ValidString(s) {
				t.Fatal(err)
			}
			return
		}
		packet, err := goldap.CompileFilter(text)
		if err != nil || len(packet.Children) != 2 || len(packet.Children[1].Children) != 2 || string(packet.Children[1].Children[1].ByteValue) != s && packet.Children[1].Children[1].Value != s {
			t.Fatalf("%q became %q, %v", s, text, err)
		}
	})
}

// Whatever the value, the name has the parts that were declared.
func FuzzName(f *testing.F) {
	for _, s := range []string{"ann", "a,ou=admin", "#04", " a ", "a+b", "\\", "a\x00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		text, err := person.Text(s)
		if err != nil {
			return
		}
		name, err := goldap.ParseDN(text)
		if err != nil || len(name.RDNs) != 4 || len(name.RDNs[0].Attributes) != 1 || name.RDNs[0].Attributes[0].Value != s {
			t.Fatalf("%q became %q, %v", s, text, err)
		}
	})
}

// silent listens on loopback and says nothing more than yes to StartTLS (RFC 4511, 4.14.2): the answer to message 1, without name and value.
func silent(t *testing.T, starts bool) (port string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				if starts {
					_, _ = c.Read(make([]byte, 512))
					_, _ = c.Write([]byte{0x30, 12, 2, 1, 1, 0x78, 7, 10, 1, 0, 4, 0, 4, 0})
				}
				_, _ = io.Copy(io.Discard, c) // until the other side hangs up
			}()
		}
	}()
	_, port, err = net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// A directory that falls silent before or while TLS begins, or behind it, holds nobody longer than Timeout and the context say.
func TestSilentDirectory(t *testing.T) {
	for name, address := range map[string]string{
		"StartTLS": "ldap://localhost:" + silent(t, true),
		"before":   "ldap://localhost:" + silent(t, false),
		"TLS":      "ldaps://localhost:" + silent(t, false),
		"plain":    "ldap://127.0.0.1:" + silent(t, false),
	} {
		ended := func(what string, ctx context.Context, timeout time.Duration) {
			t.Helper()
			d, err := ldap.New(ldap.Config{Address: address, Timeout: timeout})
			if err != nil {
				t.Fatal(err)
			}
			done := make(chan error, 1)
			go func() {
				_, err := d.Search(ctx, reader, byName, []string{"ann"})
				done <- err
			}()
			select {
			case err := <-done:
				if !errors.Is(err, ldap.ErrCannot) {
					t.Errorf("%s, %s: %v", name, what, err)
				}
			case <-time.After(time.Minute):
				t.Errorf("%s, %s: a search still waits", name, what)
			}
		}
		ended("Timeout", t.Context(), 100*time.Millisecond)
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		ended("context", ctx, time.Hour)
		cancel()
	}
}

func TestFaults(t *testing.T) {
	for name, c := range map[string]ldap.Config{
		"no scheme":            {Address: "ldap.example.org:389"},
		"another scheme":       {Address: "http://ldap.example.org"},
		"a password inside":    {Address: "ldaps://ann:canary@ldap.example.org"},
		"user without one":     {Address: "ldaps://ldap.example.org", User: reader},
		"user with places":     {Address: "ldaps://ldap.example.org", User: person, Password: secret.New("canary")},
		"a path":               {Address: "ldaps://ldap.example.org/dc=x"},
		"nothing":              {},
		"a query after a path": {Address: "ldaps://ldap.example.org/?x"},
	} {
		if _, err := ldap.New(c); err == nil || !strings.Contains(err.Error(), "MRL-LDAP-003") || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, declare := range map[string]func(){
		"filter":     func() { ldap.NewFilter("(uid={}") },
		"attribute":  func() { ldap.NewFilter("(&(objectClass=person)({}=yes))") },
		"operator":   func() { ldap.NewFilter("(uid{}=yes)") },
		"rule":       func() { ldap.NewFilter("(cn:dn:{}:=yes)") },
		"in a name":  func() { ldap.NewName("{}=x,dc=site,dc=test") },
		"behind":     func() { ldap.NewName("dc=site,ou{}=x") },
		"no filter":  func() { ldap.NewFilter("") },
		"name":       func() { ldap.NewName("ann") },
		"empty name": func() { ldap.NewName("") },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if said, _ := recover().(string); !strings.Contains(said, "MRL-LDAP-001") || !strings.Contains(said, "ldap_test.go:") {
					t.Errorf("the panic says %q", said)
				}
			}()
			declare()
		})
	}
	for _, r := range ldap.Rules() {
		if err := r.Valid(); err != nil {
			t.Error(err)
		}
	}
}
