package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/internal/setting"
	"github.com/merlon-web/merlon/mailbox"
	"github.com/merlon-web/merlon/outbound/file"
	"github.com/merlon-web/merlon/secret"
)

// settingsName is the owner's file, in the folder in which the program is started. Nothing in it is secret: passwords are in
// files of their own, which it may name.
const settingsName = "merlon.toml"

// settings are what the file holds. Each key may come by the environment instead, which wins: site.hosts is
// MERLON_SITE_HOSTS, several values with a comma between.
type settings struct {
	Site    siteSettings  `toml:"site"`
	Serve   serveSettings `toml:"serve"`
	TLS     tlsSettings   `toml:"tls"`
	Mail    mailTable     `toml:"mail"`
	DB      dbTable       `toml:"db"`
	Valkey  valkeyTable   `toml:"valkey"`
	Uploads uploadsTable  `toml:"uploads"`
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
	Listen   string   `toml:"listen"`    // :443 with TLS of its own, 127.0.0.1:8080 behind a proxy
	Redirect string   `toml:"redirect"`  // :80 with TLS of its own; "off": no redirect
	Health   string   `toml:"health"`    // 127.0.0.1:8081: /healthz and /readyz; "off": none
	Access   string   `toml:"access"`    // "off": no line in the log for each request
	PreDrain period   `toml:"pre_drain"` // how long /readyz is down before the site stops taking visitors: "5s"
	Memory   string   `toml:"memory"`    // "off": no limit is taken from the control group
	Skip     []string `toml:"skip"`      // findings of check that do not stop the start: "ID=reason"
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
	URL                string   `toml:"url"`                  // postgres://site@db.example.org:5432/site?sslmode=verify-full; empty: a file in the data folder
	Reader             string   `toml:"reader"`               // the role that only reads; empty: the one of url with _reader behind it
	Replicas           []string `toml:"replicas"`             // postgres://db2.example.org:5432/site?sslmode=verify-full: standbys that pages are read from
	PasswordFile       string   `toml:"password_file"`        // or the credential db-password of systemd
	ReaderPasswordFile string   `toml:"reader_password_file"` // or the credential db-reader-password
}

type valkeyTable struct {
	URL          string `toml:"url"`           // valkeys://site@cache.example.org:6379/0: sessions and counted attempts; empty: they are in the database
	Prefix       string `toml:"prefix"`        // what its keys begin with; empty: merlon
	Mode         string `toml:"mode"`          // cluster
	Roots        string `toml:"roots"`         // who vouches for an authority of one's own: a PEM file
	PasswordFile string `toml:"password_file"` // or the credential valkey-password of systemd
}

type uploadsTable struct {
	User     size `toml:"user"`     // what each user may keep: "1GB"
	Visitors size `toml:"visitors"` // what all visitors without a session may keep together
	Free     size `toml:"free"`     // what uploads leave free on the disk
}

// A size is a number of bytes of the file, with its unit: "500MB".
type size int64

var units = []struct {
	name  string
	bytes int64
}{{"kB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"TB", 1e12}}

// UnmarshalText implements [encoding.TextUnmarshaler].
func (s *size) UnmarshalText(text []byte) error {
	for _, u := range units {
		number, ok := strings.CutSuffix(string(text), u.name)
		if n, err := strconv.ParseInt(strings.TrimSpace(number), 10, 64); ok && err == nil && n > 0 && n <= 1e15/u.bytes {
			*s = size(n * u.bytes)
			return nil
		}
	}
	return fmt.Errorf(`is %q: it takes a whole number above 0 with its unit, kB, MB, GB or TB, as "500MB"`, text)
}

// String writes the size as the file has it.
func (s size) String() string {
	for _, u := range slices.Backward(units) {
		if n := int64(s); n%u.bytes == 0 {
			return strconv.FormatInt(n/u.bytes, 10) + u.name
		}
	}
	return "" // no file has such a one
}

// A period is a time of the file, with its unit: "5s". A bare number is refused, since only its writer knows of what.
type period time.Duration

const noPeriod = "it takes a time with its unit"

// UnmarshalText implements [encoding.TextUnmarshaler].
func (p *period) UnmarshalText(text []byte) error {
	d, err := time.ParseDuration(string(text))
	if err != nil || d < 0 {
		return fmt.Errorf(`is %q: %s, as "5s"`, text, noPeriod)
	}
	*p = period(d)
	return nil
}

// mailCredential is the name of the mail server's password among systemd's credentials (LoadCredential=).
const mailCredential = "mail-password"

// passwords are the variables that no key of the file stands for: a secret stands in no file that is not for it alone.
var passwords = []string{setting.MailPassword, setting.DatabasePassword, setting.DatabaseReaderPassword, setting.ValkeyPassword}

// readSettings reads the file, if it is there, and the environment, and completes what follows from them. The error has all
// that is wrong.
func readSettings(path string, environ []string) (settings, error) {
	t, err := typedSettings(path, environ)
	if err != nil {
		return settings{}, err
	}
	t.judge()
	return t.settings, t.err()
}

// judge completes what follows from other keys, and finds what does not fit together.
func (s *typed) judge() {
	bad := func(key, what, do string) {
		s.fault(key, "%s: %s %s: %s", s.where(key), key, what, do)
	}
	if strings.Contains(s.Site.Host, "/") {
		bad("site.host", fmt.Sprintf("is %q, an address", s.Site.Host), "write the name alone: example.org")
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
	s.judgeTLS(bad)
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
			bad("site.owner", fmt.Sprintf("is %q, no mail address", s.Site.Owner), "write ann@example.org")
		}
	}
	for _, one := range [][2]string{{"serve.access", s.Serve.Access}, {"serve.memory", s.Serve.Memory}} {
		if key, value := one[0], one[1]; value != "" && value != "on" && value != "off" {
			bad(key, fmt.Sprintf("is %q", value), "write on or off")
		}
	}
	for _, skip := range s.Serve.Skip {
		if _, reason, _ := strings.Cut(skip, "="); strings.TrimSpace(reason) == "" {
			bad("serve.skip", fmt.Sprintf("has %q without a reason", skip), `write "ID=reason"`)
		}
	}
}

// judgeTLS finds what does not fit the mode. Of a mode that is none nothing follows.
func (s *typed) judgeTLS(bad func(key, what, do string)) {
	switch s.TLS.Mode {
	case "", "acme", "files", "proxy":
	default:
		bad("tls.mode", fmt.Sprintf("is %q", s.TLS.Mode), "write acme, files or proxy")
	}
	if s.wrong("tls.mode") {
		return
	}
	certFile, keyFile := s.pair()
	if s.TLS.Mode == "files" && (certFile == "" && !s.wrong("tls.cert") || keyFile == "" && !s.wrong("tls.key")) {
		bad("tls.mode", "is files, and tls.cert or tls.key is empty", "name the two PEM files")
	}
	if s.TLS.Mode != "files" && (s.TLS.Cert != "" || s.TLS.Key != "") {
		key := "tls.cert"
		if s.TLS.Cert == "" {
			key = "tls.key"
		}
		bad(key, "is set, and tls.mode is not files", `write mode = "files", or take the files out`)
	}
	if s.TLS.Mode == "proxy" && (len(s.Site.TrustedProxies) == 0 || s.Site.ClientHeader == "") && !s.wrong("site.trusted_proxies") && !s.wrong("site.client_header") {
		bad("tls.mode", "is proxy, and no proxy is trusted", `name it: site.trusted_proxies = ["127.0.0.1"], site.client_header = "X-Forwarded-For"; it must also write X-Forwarded-Proto`)
	}
}

// site are the settings as the site takes them. The password of the mail server is a file's, a credential's or, last, the
// environment's.
func (s *settings) site() merlon.Settings {
	m := merlon.MailSettings{Address: s.Mail.Address, From: s.Mail.From, PasswordFile: s.Mail.PasswordFile, Password: secret.New(os.Getenv(setting.MailPassword))}
	m.PasswordFile = orCredential(m.PasswordFile, mailCredential)
	return merlon.Settings{Origin: s.Site.Origin, Hosts: s.Site.Hosts, Proxies: s.Site.TrustedProxies, ClientHeader: s.Site.ClientHeader, Mail: m,
		Owner: s.Site.Owner, AccessLog: s.Serve.Access != "off",
		Uploads: file.Limits{User: int64(s.Uploads.User), Visitors: int64(s.Uploads.Visitors), Free: int64(s.Uploads.Free)}}
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
