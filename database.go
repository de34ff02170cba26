package merlon

import (
	"errors"
	"fmt"
	"net/url"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/internal/setting"
	"github.com/merlon-web/merlon/secret"
)

// DatabaseSettings say on which server the site's rows are. They are the settings db.url, db.reader and so on of merlon.toml.
type DatabaseSettings struct {
	// URL is "postgres://ROLE@HOST:5432/DATABASE?sslmode=verify-full", of the role that owns the tables. It holds no password.
	URL string
	// Reader is the name of the role that only reads; empty: that of the owner with _reader behind it.
	Reader string
	// Replicas are the addresses of standbys of that server, "postgres://HOST:5432/DATABASE?sslmode=verify-full": pages read there. They
	// are asked as the role that only reads, with its password, and hold neither.
	Replicas []string
	// Password is the owner's and ReaderPassword the reader's, or the files have them as their one line; none: the server asks
	// for none, or knows the machine's user.
	Password, ReaderPassword         secret.String
	PasswordFile, ReaderPasswordFile string
}

// Addresses returns the addresses of both roles, with their passwords: they are for an engine alone, never for a text that
// somebody reads. No error holds a password.
func (d DatabaseSettings) Addresses() (owner, reader secret.String, err error) {
	none := secret.String{}
	u, err := url.Parse(d.URL)
	if err != nil || u.Host == "" || u.Opaque != "" || len(u.Path) < 2 {
		return none, none, errors.New("it is no address of a database: write it like postgres://site@db.example.org:5432/site?sslmode=verify-full")
	}
	name := u.User.Username()
	if name == "" {
		return none, none, errors.New("it names no role: write it like postgres://site@db.example.org:5432/site, with the role that owns the tables")
	}
	_, inside := u.User.Password()
	if q := u.Query(); inside || q.Has("password") || q.Has("sslpassword") {
		return none, none, errors.New("a password stands in the address, which is printed and copied: take it out and change it, and name a file with it: db.password_file")
	}
	readerName := d.Reader
	if readerName == "" {
		readerName = name + "_reader"
	}
	if owner, err = withRole(u, name, "owner", d.Password, d.PasswordFile); err != nil {
		return none, none, err
	}
	reader, err = withRole(u, readerName, "reader", d.ReaderPassword, d.ReaderPasswordFile)
	return owner, reader, err
}

// withRole returns an address with a role and its password.
func withRole(u *url.URL, role, what string, given secret.String, file string) (_ secret.String, err error) {
	if file != "" {
		if !given.Empty() {
			return secret.String{}, fmt.Errorf("the %s has two passwords, one of them in a file: set one", what)
		}
		if given, err = readPassword(file); err != nil {
			return secret.String{}, fmt.Errorf("the file with the password of the %s cannot be read: %w: write the password alone into a file that the site may read", what, err)
		}
	}
	one := *u
	one.User = url.User(role)
	if !given.Empty() {
		one.User = url.UserPassword(role, given.Reveal())
	}
	return secret.New(one.String()), nil
}

// ReplicaAddresses returns the addresses of Replicas for the role that only reads, with its password, as [DatabaseSettings.Addresses]
// does.
func (d DatabaseSettings) ReplicaAddresses() (all []secret.String, err error) {
	u, err := url.Parse(d.URL)
	if err != nil {
		return nil, errors.New("db.url cannot be read")
	}
	role := d.Reader
	if role == "" {
		role = u.User.Username() + "_reader"
	}
	for i, text := range d.Replicas {
		one, err := url.Parse(text)
		if err != nil || one.Scheme != u.Scheme || one.Host == "" || one.Path != u.Path {
			return nil, fmt.Errorf("number %d is no address of a standby: write it as db.url, with the same database: postgres://db2.example.org:5432/site?sslmode=verify-full", i+1)
		}
		if q := one.Query(); one.User != nil || q.Has("user") || q.Has("password") || q.Has("sslpassword") {
			return nil, fmt.Errorf("number %d names a role or a password: take them out; the role that only reads is asked there too, with the same password", i+1)
		}
		address, err := withRole(one, role, "reader", d.ReaderPassword, d.ReaderPasswordFile)
		if err != nil {
			return nil, err
		}
		all = append(all, address)
	}
	return all, nil
}

// judgeDatabase refuses settings that name a server and are not to be understood, or that the program's engine does not take:
// the site would write to a new file, and its visitors would find nothing. It reports whether the engine can be asked.
func (s *Site) judgeDatabase() bool {
	set := s.env.Settings.Database
	if set.URL == "" {
		if set.Reader != "" || len(set.Replicas) > 0 || !set.Password.Empty() || !set.ReaderPassword.Empty() || set.PasswordFile != "" || set.ReaderPasswordFile != "" {
			s.fault(RuleDatabase.Finding(setting.DatabaseURL.String(), "there is a role, a password or a replica of a database, and no server", "set db.url too, or take the others out"))
			return false
		}
		return true
	}
	if _, _, err := set.Addresses(); err != nil {
		s.fault(RuleDatabase.Finding(setting.DatabaseURL.String(), err.Error(), "correct the setting"))
		return false
	}
	if _, err := set.ReplicaAddresses(); err != nil {
		s.fault(RuleDatabase.Finding(setting.DatabaseReplicas.String(), err.Error(), "correct the setting"))
		return false
	}
	if placed, ok := s.cfg.Engine.(db.Placed); !ok || !placed.At(set.URL) {
		s.fault(RuleDatabase.Finding(setting.DatabaseURL.String(), "a database is named, and this program keeps its rows elsewhere", `have it ask: Engine: postgres.Or(env, sqlite.Engine("shop.db")), with the import github.com/merlon-web/merlon/postgres; or take the setting out`))
		return false
	}
	return true
}

// DatabaseSetup returns the statements that an administrator of the database server runs once for this site, "" where there
// is no server.
func (s *Site) DatabaseSetup() (string, error) {
	if e, ok := s.cfg.Engine.(db.Placed); ok {
		return e.Setup()
	}
	return "", nil
}

// RuleDatabase is about the settings of the database.
var RuleDatabase = check.Rule{ID: "MRL-SITE-023", Property: check.Availability, Severity: check.High,
	Title:  "the setting that names the database is not heeded",
	Why:    "a site that takes a new file for its database is empty, and what its visitors write is lost with it",
	Attack: "None: the owner names the server with the members, and the program opens a file without any; the first visitor\nwho signs up is the administrator.",
	Wrong:  "db.url = \"postgres://…\" beside Engine: sqlite.Engine(\"shop.db\")",
	Right:  "Engine: postgres.Or(env, sqlite.Engine(\"shop.db\"))",
	Source: "OWASP ASVS 5.0 13.1.1, 13.3.1 (secrets in settings); CWE-1188"}
