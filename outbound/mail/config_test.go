package mail_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/outbound/mail"
	"github.com/merlon-web/merlon/secret"
)

func TestParseServer(t *testing.T) {
	for in, want := range map[string]string{
		"smtp://mail.x.test":                   "mail.x.test 0 0 ",
		"smtp://club@mail.x.test:587":          "mail.x.test 587 0 club",
		"smtps://club@x.test@mail.x.test:465/": "mail.x.test 465 1 club@x.test",
		"smtps://club%40x.test@mail.x.test":    "mail.x.test 0 1 club@x.test",
		"smtps://a%3Ab@mail.x.test":            "mail.x.test 0 1 a:b",
		"SMTP+plain://localhost:2525":          "localhost 2525 2 ",
		"smtp+plain://[::1]:25":                "::1 25 2 ",
		"smtp://u:hunter2@mail.x.test":         mail.RulePassword.ID,
		"smtp://u:@mail.x.test":                mail.RulePassword.ID,
		"smtp://a:b@c:d@mail.x.test":           mail.RulePassword.ID,
		"mail.x.test:587":                      mail.RuleServer.ID,
		"":                                     mail.RuleServer.ID,
		"http://mail.x.test":                   mail.RuleServer.ID,
		"smtp://mail.x.test:99999999999":       mail.RuleServer.ID,
		"smtp://mail.x.test:0":                 mail.RuleServer.ID,
		"smtp://mail.x.test:smtp":              mail.RuleServer.ID,
		"smtp://mail.x.test/hunter2":           mail.RuleServer.ID,
		"smtp://mail.x.test?tls=no":            mail.RuleServer.ID,
		"smtp://mail.x.test#x":                 mail.RuleServer.ID,
		"smtp://%zz@mail.x.test":               mail.RuleServer.ID,
	} {
		c, err := mail.ParseServer(in)
		got := fmt.Sprint(c.Host, " ", c.Port, " ", uint8(c.TLS), " ", c.User)
		if err != nil {
			var f check.Faults
			if !errors.As(err, &f) || strings.Contains(err.Error(), "hunter2") {
				t.Fatalf("%q: %v", in, err)
			}
			got = f[0].ID
		}
		if got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	good := mail.Config{Host: "mail.x.test", From: "club@x.test", Site: "club.test"}
	if s, err := mail.New(good); err != nil || s.Server() != "mail.x.test:587" {
		t.Fatalf("%v, %v", s.Server(), err)
	}
	for name, c := range map[string]struct {
		rule   check.Rule
		change func(*mail.Config)
	}{
		"no host":                  {mail.RuleServer, func(c *mail.Config) { c.Host = "" }},
		"a host with a command":    {mail.RuleServer, func(c *mail.Config) { c.Host = "x.test\r\nQUIT" }},
		"a port":                   {mail.RuleServer, func(c *mail.Config) { c.Port = 70000 }},
		"plain elsewhere":          {mail.RulePlain, func(c *mail.Config) { c.TLS = mail.Plain }},
		"plain to a near name":     {mail.RulePlain, func(c *mail.Config) { c.TLS, c.Host = mail.Plain, "localhost.x.test" }},
		"plain in the network":     {mail.RulePlain, func(c *mail.Config) { c.TLS, c.Host = mail.Plain, "10.0.0.1" }},
		"another kind":             {mail.RuleServer, func(c *mail.Config) { c.TLS = 9 }},
		"a user alone":             {mail.RuleServer, func(c *mail.Config) { c.User = "u" }},
		"a password alone":         {mail.RuleServer, func(c *mail.Config) { c.Password = secret.New("p") }},
		"a line break in the user": {mail.RuleServer, func(c *mail.Config) { c.User, c.Password = "u\r\n", secret.New("p") }},
		"no sender":                {mail.RuleFrom, func(c *mail.Config) { c.From = "" }},
		"two senders":              {mail.RuleFrom, func(c *mail.Config) { c.From = "a@x.test, b@x.test" }},
		"a sender with a header":   {mail.RuleFrom, func(c *mail.Config) { c.From = "a@x.test\r\nBcc: b@x.test" }},
		"a header in its name":     {mail.RuleFrom, func(c *mail.Config) { c.From = "=?utf-8?q?a=0D=0AB?= <a@x.test>" }},
		"a quoted sender":          {mail.RuleFrom, func(c *mail.Config) { c.From = `"a b"@x.test` }},
		"no site":                  {mail.RuleServer, func(c *mail.Config) { c.Site = "" }},
		"a site with a header":     {mail.RuleServer, func(c *mail.Config) { c.Site = "x.test>\r\nBcc: a" }},
		"a timeout":                {mail.RuleServer, func(c *mail.Config) { c.Timeout = -1 }},
	} {
		bad := good
		c.change(&bad)
		_, err := mail.New(bad)
		var f check.Faults
		if !errors.As(err, &f) || len(f) != 1 || f[0].ID != c.rule.ID {
			t.Errorf("%s: %v, want %s", name, err, c.rule.ID)
		}
	}
	for _, host := range []string{"localhost", "127.0.0.1", "::1"} {
		c := good
		c.TLS, c.Host = mail.Plain, host
		if _, err := mail.New(c); err != nil {
			t.Errorf("plain to %s: %v", host, err)
		}
	}
}

func FuzzParseServer(f *testing.F) {
	for _, s := range []string{"smtp://u@h:587", "smtps://u:p@h", "smtp+plain://[::1]:25", "smtp://a@b@c/?#", "smtp://h\r\nX"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		c, err := mail.ParseServer(s)
		if err != nil {
			return
		}
		c.From, c.Site, c.Password = "a@x.test", "x.test", secret.New("p")
		if c.User == "" {
			c.Password = secret.String{}
		}
		sender, err := mail.New(c)
		if err == nil && strings.ContainsAny(sender.Server(), " \r\n\x00/@") {
			t.Errorf("%q became %q", s, sender.Server())
		}
	})
}
