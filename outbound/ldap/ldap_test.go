package ldap_test

import (
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
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
