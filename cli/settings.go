package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/BurntSushi/toml"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/internal/setting"
	"github.com/merlon-web/merlon/mailbox"
	"github.com/merlon-web/merlon/secret"
)

// settingsName is the owner's file, in the folder in which the program is started. Nothing in it is secret: passwords are in
// files of their own, which it may name.
const settingsName = "merlon.toml"

// settings are what the file holds. Each key may come by the environment instead, which wins: site.hosts is
// MERLON_SITE_HOSTS, several values with a comma between.
type settings struct {
	Site   siteSettings  `toml:"site"`
	Serve  serveSettings `toml:"serve"`
	TLS    tlsSettings   `toml:"tls"`
	Mail   mailTable     `toml:"mail"`
	DB     dbTable       `toml:"db"`
	Valkey valkeyTable   `toml:"valkey"`
}

type siteSettings struct {
	Host           string   `toml:"host"`            // example.org: where visitors find the site
	Hosts          []string `toml:"hosts"`           // and further names: pages asked for under them are led to the host
	Origin         string   `toml:"origin"`          // https://example.org:8443, where it is not https:// and the host
	TrustedProxies []string `toml:"trusted_proxies"` // 10.0.3.7, 10.0.0.0/8, unix
	ClientHeader   string   `toml:"client_header"`   // X-Forwarded-For
	Owner          string   `toml:"owner"`           // ann@example.org: whom the site writes to about itself; empty: tls.email
}

type serveSettings struct {
	Listen   string        `toml:"listen"`    // :443 with TLS of its own, 127.0.0.1:8080 behind a proxy
	Redirect string        `toml:"redirect"`  // :80 with TLS of its own; "off": no redirect
	Health   string        `toml:"health"`    // 127.0.0.1:8081: /healthz and /readyz; "off": none
	Access   string        `toml:"access"`    // "off": no line in the log for each request
	PreDrain time.Duration `toml:"pre_drain"` // how long /readyz is down before the site stops taking visitors: "5s"
	Memory   string        `toml:"memory"`    // "off": no limit is taken from the control group
	Skip     []string      `toml:"skip"`      // findings of check that do not stop the start: "ID=reason"
}

type tlsSettings struct {
	Mode      string `toml:"mode"` // acme, files, proxy
	Cert      string `toml:"cert"`
	Key       string `toml:"key"`
	Email     string `toml:"email"`     // of ACME
	Directory string `toml:"directory"` // of ACME; empty: Let's Encrypt
	Roots     string `toml:"roots"`     // who vouches for an authority of one's own: a PEM file
}

type mailTable struct {
	Address      string `toml:"address"`       // smtps://user@mail.example.org:465
	From         string `toml:"from"`          // Rowing Club <club@example.org>
	PasswordFile string `toml:"password_file"` // or the credential mail-password of systemd
}

type dbTable struct {
	URL                string `toml:"url"`                  // postgres://site@db.example.org:5432/site?sslmode=verify-full; empty: a file in the data folder
	Reader             string `toml:"reader"`               // the role that only reads; empty: the one of url with _reader behind it
	PasswordFile       string `toml:"password_file"`        // or the credential db-password of systemd
	ReaderPasswordFile string `toml:"reader_password_file"` // or the credential db-reader-password
}

type valkeyTable struct {
	URL          string `toml:"url"`           // valkeys://site@cache.example.org:6379/0: sessions and counted attempts; empty: they are in the database
	Prefix       string `toml:"prefix"`        // what its keys begin with; empty: merlon
	Mode         string `toml:"mode"`          // cluster
	Roots        string `toml:"roots"`         // who vouches for an authority of one's own: a PEM file
	PasswordFile string `toml:"password_file"` // or the credential valkey-password of systemd
}

// mailCredential is the name of the mail server's password among systemd's credentials (LoadCredential=).
const mailCredential = "mail-password"

// passwords are the variables that no key of the file stands for: a secret stands in no file that is not for it alone.
var passwords = []string{setting.MailPassword, setting.DatabasePassword, setting.DatabaseReaderPassword, setting.ValkeyPassword}

// readSettings reads the file, if it is there, and the environment. An unknown key is an error with the nearest one.
func readSettings(path string, environ []string) (settings, error) {
	var s settings
	text, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return s, exit(ExitCannot, "%s cannot be read: %w", path, err)
	default:
		meta, err := toml.Decode(string(text), &s)
		if err != nil {
			var place toml.ParseError
			if errors.As(err, &place) {
				return s, exit(ExitFailed, "%s:%d: %s: correct the line  %s", path, place.Position.Line, place.Message, RuleSettingsFile.ID)
			}
			return s, exit(ExitFailed, "%s: %w  %s", path, err, RuleSettingsFile.ID)
		}
		for _, key := range meta.Undecoded() {
			return s, exit(ExitFailed, "%s: nothing reads %s: a setting that is misspelled protects nobody%s  %s", path, key, nearestKey(key.String()), RuleSettingsFile.ID)
		}
	}
	if err := s.environment(environ); err != nil {
		return s, err
	}
	return s, s.judge(path)
}

func nearestKey(key string) string {
	var known []string
	each(reflect.ValueOf(&settings{}).Elem(), func(name string, _ reflect.Value) { known = append(known, name) })
	if n, ok := check.Nearest(key, known); ok {
		return ": did you mean " + n + "?"
	}
	return ": the keys are " + strings.Join(known, ", ")
}

// each calls f for each key, "site.host".
func each(v reflect.Value, f func(name string, v reflect.Value)) {
	for table, field := range v.Fields() {
		for key, value := range field.Fields() {
			f(table.Tag.Get("toml")+"."+key.Tag.Get("toml"), value)
		}
	}
}

// environment lays the variables MERLON_TABLE_KEY over what the file says. Those of the table's names that are no key are
// errors as in the file; other variables are nobody's business here.
func (s *settings) environment(environ []string) (err error) {
	names := map[string]reflect.Value{}
	tables := map[string]bool{}
	each(reflect.ValueOf(s).Elem(), func(name string, v reflect.Value) {
		names[setting.Key(name).Variable()], names[setting.Key(name).Long()] = v, v
		table, _, _ := strings.Cut(name, ".")
		tables[setting.Key(table).Long()+"_"] = true
	})
	for _, line := range environ {
		name, value, _ := strings.Cut(line, "=")
		v, known := names[name]
		if !known {
			for table := range tables {
				if strings.HasPrefix(name, table) && !slices.Contains(passwords, name) {
					hint := ""
					if n, ok := check.Nearest(name, slices.Sorted(maps.Keys(names))); ok {
						hint = ": did you mean " + n + "?"
					}
					return exit(ExitFailed, "nothing reads the variable %s: a setting that is misspelled protects nobody%s  %s", name, hint, RuleSettingsFile.ID)
				}
			}
			continue
		}
		switch p := v.Addr().Interface().(type) {
		case *string:
			*p = value
		case *[]string:
			*p = nil
			for one := range strings.SplitSeq(value, ",") {
				if one = strings.TrimSpace(one); one != "" {
					*p = append(*p, one)
				}
			}
		case *time.Duration:
			if *p, err = time.ParseDuration(value); err != nil {
				return exit(ExitFailed, "%s is %q: it takes a time as 5s  %s", name, value, RuleSettingsFile.ID)
			}
		}
	}
	return nil
}

// judge completes what follows from other keys, and refuses what does not fit together.
func (s *settings) judge(path string) error {
	bad := func(key, what, do string) error {
		return exit(ExitFailed, "%s: %s %s: %s  %s", path, key, what, do, RuleSettingsFile.ID)
	}
	if strings.Contains(s.Site.Host, "/") {
		return bad("site.host", fmt.Sprintf("is %q, an address", s.Site.Host), "write the name alone: example.org")
	}
	if s.Site.Origin == "" && s.Site.Host != "" {
		s.Site.Origin = "https://" + s.Site.Host
	}
	if s.Site.Host != "" && !slices.Contains(s.Site.Hosts, s.Site.Host) {
		s.Site.Hosts = append([]string{s.Site.Host}, s.Site.Hosts...)
	}
	if _, own, ok := strings.Cut(strings.TrimSuffix(s.Site.Origin, "/"), "://"); ok && own != s.Site.Host && !slices.Contains(s.Site.Hosts, own) {
		s.Site.Hosts = append(s.Site.Hosts, own) // with its port
	}
	switch s.TLS.Mode {
	case "", "acme", "files", "proxy":
	default:
		return bad("tls.mode", fmt.Sprintf("is %q", s.TLS.Mode), "write acme, files or proxy")
	}
	if s.TLS.Mode == "files" && (s.TLS.Cert == "" || s.TLS.Key == "") {
		return bad("tls.mode", "is files, and tls.cert or tls.key is empty", "name the two PEM files")
	}
	if s.TLS.Mode != "files" && (s.TLS.Cert != "" || s.TLS.Key != "") {
		return bad("tls.cert", "is set, and tls.mode is not files", `write mode = "files", or take the files out`)
	}
	if s.TLS.Mode == "proxy" && (len(s.Site.TrustedProxies) == 0 || s.Site.ClientHeader == "") {
		return bad("tls.mode", "is proxy, and no proxy is trusted", `name it: site.trusted_proxies = ["127.0.0.1"], site.client_header = "X-Forwarded-For"; it must also write X-Forwarded-Proto`)
	}
	if s.Serve.Listen == "" {
		s.Serve.Listen = ":443"
		if s.TLS.Mode == "proxy" {
			s.Serve.Listen = defaultListen
		}
	}
	if s.Serve.Redirect == "" {
		s.Serve.Redirect = ":80"
	}
	if s.Serve.Health == "" {
		s.Serve.Health = "127.0.0.1:8081"
	}
	if s.Site.Owner == "" {
		s.Site.Owner = s.TLS.Email
	}
	if s.Site.Owner != "" {
		if _, err := mailbox.ParseAddress(s.Site.Owner); err != nil {
			return bad("site.owner", fmt.Sprintf("is %q, no mail address", s.Site.Owner), "write ann@example.org")
		}
	}
	for key, value := range map[string]string{"serve.access": s.Serve.Access, "serve.memory": s.Serve.Memory} {
		if value != "" && value != "on" && value != "off" {
			return bad(key, fmt.Sprintf("is %q", value), "write on or off")
		}
	}
	for _, skip := range s.Serve.Skip {
		if _, reason, _ := strings.Cut(skip, "="); strings.TrimSpace(reason) == "" {
			return bad("serve.skip", fmt.Sprintf("has %q without a reason", skip), `write "ID=reason"`)
		}
	}
	return nil
}

// site are the settings as the site takes them. The password of the mail server is a file's, a credential's or, last, the
// environment's.
func (s *settings) site() merlon.Settings {
	m := merlon.MailSettings{Address: s.Mail.Address, From: s.Mail.From, PasswordFile: s.Mail.PasswordFile, Password: secret.New(os.Getenv(setting.MailPassword))}
	m.PasswordFile = orCredential(m.PasswordFile, mailCredential)
	return merlon.Settings{Origin: s.Site.Origin, Hosts: s.Site.Hosts, Proxies: s.Site.TrustedProxies, ClientHeader: s.Site.ClientHeader, Mail: m,
		Owner: s.Site.Owner, AccessLog: s.Serve.Access != "off"}
}

// orCredential is a file, or the credential of that name where no file is named and systemd hands one over.
func orCredential(file, name string) string {
	if dir := os.Getenv("CREDENTIALS_DIRECTORY"); file == "" && dir != "" {
		if given := filepath.Join(dir, name); exists(given) {
			return given
		}
	}
	return file
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}
