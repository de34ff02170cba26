// Package setting is the one table of what the owner of a site sets, by the names that an owner writes: keys of merlon.toml and
// variables of the environment. What reads settings and what finds fault with them name them by it.
package setting

import "strings"

// A Key is the name of a setting in merlon.toml.
type Key string

// The settings that findings speak of.
const (
	Host             Key = "site.host" // stands for origin and one of hosts
	Hosts            Key = "site.hosts"
	Origin           Key = "site.origin"
	Proxies          Key = "site.trusted_proxies"
	ClientHeader     Key = "site.client_header"
	Owner            Key = "site.owner"
	MailAddress      Key = "mail.address"
	MailFrom         Key = "mail.from"
	MailPasswordFile Key = "mail.password_file"
	DatabaseURL      Key = "db.url"
	DatabaseReplicas Key = "db.replicas"
	ValkeyURL        Key = "valkey.url"
)

// The variables that no key stands for: a secret stands in no file that is not for it alone.
const (
	MailPassword           = "MERLON_MAIL_PASSWORD"
	DatabasePassword       = "MERLON_DB_PASSWORD"
	DatabaseReaderPassword = "MERLON_DB_READER_PASSWORD"
	ValkeyPassword         = "MERLON_VALKEY_PASSWORD"
)

// Fields are the same settings in merlon.Env, for programs that read no file.
var Fields = map[Key]string{
	Host:             "Settings.Origin",
	Hosts:            "Settings.Hosts",
	Origin:           "Settings.Origin",
	Proxies:          "Settings.Proxies",
	ClientHeader:     "Settings.ClientHeader",
	Owner:            "Settings.Owner",
	MailAddress:      "Settings.Mail.Address",
	MailFrom:         "Settings.Mail.From",
	MailPasswordFile: "Settings.Mail.PasswordFile",
	DatabaseURL:      "Settings.Database.URL",
	DatabaseReplicas: "Settings.Database.Replicas",
	ValkeyURL:        "Settings.Valkey.URL",
}

// Variable returns the variable of the environment that stands for the key: MERLON_SITE_HOST. The mail server's has a short
// name.
func (k Key) Variable() string {
	if k == MailAddress {
		return "MERLON_MAIL"
	}
	return k.Long()
}

// Long returns the variable by its whole name, which every key has.
func (k Key) Long() string {
	return "MERLON_" + strings.ToUpper(strings.ReplaceAll(string(k), ".", "_"))
}

// String returns the setting as a finding names it: site.origin (MERLON_SITE_ORIGIN; Settings.Origin).
func (k Key) String() string {
	in := k.Variable()
	if field := Fields[k]; field != "" {
		in += "; " + field
	}
	return string(k) + " (" + in + ")"
}
