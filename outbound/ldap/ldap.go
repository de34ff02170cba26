// Package ldap asks a directory (LDAP) with data as values of declared filters and names, and never as a part of their syntax
// (CWE-90; OWASP, LDAP Injection Prevention). It speaks over TLS, or to a server on this machine.
package ldap

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-ldap/ldap/v3"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/internal/place"
	"github.com/merlon-web/merlon/secret"
	"github.com/merlon-web/merlon/throttle"
)

// constant is a type that only constants of the program have.
type constant string

// A Filter is a search filter with places for values (RFC 4515): "(&(objectClass=person)(uid={}))". It is safe for concurrent use.
type Filter struct {
	parts []string
	where string
}

// NewFilter declares a filter, as a package variable. It panics, when the program starts, on a text that is no filter, and when it is called
// after a site has started.
func NewFilter(text constant) *Filter {
	f := &Filter{strings.Split(string(text), "{}"), place.Caller(1).At}
	if place.Sealed() {
		panic(RuleSealed.Finding(f.where, "a filter is declared after the site started", "declare filters as package variables").Error())
	}
	if misplaced(f.parts, "()") {
		panic(RuleFilter.Finding(f.where, fmt.Sprintf("in %q a place is no value: data there would be an attribute or an operator", string(text)), "write {} behind the = of a comparison: (uid={})").Error())
	}
	if _, err := ldap.CompileFilter(strings.Join(f.parts, "x")); err != nil {
		panic(RuleFilter.Finding(f.where, fmt.Sprintf("%q is no filter: %v", string(text), err), "write it as RFC 4515 has it, with {} where a value stands").Error())
	}
	return f
}

// with returns the filter's text with values in its places.
func (f *Filter) with(values []string) (string, error) {
	return fill(f.parts, values, f.where, ldap.EscapeFilter)
}

// A Name is a distinguished name with places for values (RFC 4514): "uid={},ou=people,dc=example,dc=org". It is safe for concurrent use.
type Name struct {
	parts []string
	where string
}

// NewName declares a name, as [NewFilter] does a filter.
func NewName(text constant) *Name {
	n := &Name{strings.Split(string(text), "{}"), place.Caller(1).At}
	if place.Sealed() {
		panic(RuleSealed.Finding(n.where, "a name is declared after the site started", "declare names as package variables").Error())
	}
	if misplaced(n.parts, ",+;") {
		panic(RuleFilter.Finding(n.where, fmt.Sprintf("in %q a place is no value: data there would be an attribute", string(text)), "write {} behind the = of a part: uid={}").Error())
	}
	if _, err := ldap.ParseDN(strings.Join(n.parts, "x")); err != nil || string(text) == "" {
		panic(RuleFilter.Finding(n.where, fmt.Sprintf("%q is no distinguished name: %v", string(text), err), "write it as RFC 4514 has it, with {} where a value stands").Error())
	}
	return n
}

var escapedEnd = regexp.MustCompile(`\\[,+;=]`)

// misplaced reports whether a place stands elsewhere than in a value: before it an = must have come since what ends values,
// which a backslash takes its meaning from.
func misplaced(parts []string, ends string) bool {
	before := ""
	for _, p := range parts[:len(parts)-1] {
		before += p
		clean := escapedEnd.ReplaceAllString(before, "  ")
		if strings.LastIndexByte(clean, '=') <= strings.LastIndexAny(clean, ends) {
			return true
		}
	}
	return false
}

func (n *Name) with(values []string) (string, error) {
	return fill(n.parts, values, n.where, func(v string) string { return strings.ReplaceAll(ldap.EscapeDN(v), "=", `\=`) })
}

// maxValue bounds a value, in bytes.
const maxValue = 1024

func fill(parts, values []string, where string, escape func(string) string) (string, error) {
	if len(values) != len(parts)-1 {
		return "", RuleValue.Finding(where, fmt.Sprintf("it has %d places and gets %d values", len(parts)-1, len(values)), "give one value for each {}")
	}
	var b strings.Builder
	b.WriteString(parts[0])
	for i, v := range values {
		// Servers differ in what an empty value finds: nothing, or everything.
		if v == "" || len(v) > maxValue || !utf8.ValidString(v) {
			return "", RuleValue.Finding(where, fmt.Sprintf("value %d is empty, longer than %d bytes, or no UTF-8", i+1, maxValue), "refuse it where it comes in")
		}
		b.WriteString(escape(v))
		b.WriteString(parts[i+1])
	}
	return b.String(), nil
}

// Config of a [Directory].
type Config struct {
	Address  string         // "ldaps://ldap.example.org", or ldap://, which must become TLS before anything is said (StartTLS)
	User     *Name          // whom searches are made as, without places; nil: nobody
	Password secret.String  // of User
	Roots    *x509.CertPool // who may sign the server's certificate; nil: whom the system trusts
	Timeout  time.Duration  // of connecting and of each question; zero: 10 s
	Entries  int            // how many a search may find; zero: 100
}

// A Directory is a server that is asked. It is safe for concurrent use: each question has a connection of its own.
type Directory struct {
	c     Config
	host  string
	to    string // its name and port
	tls   bool   // from the first byte; else it begins by StartTLS
	plain bool   // a server on this machine
	bind  string
}

// New returns a directory. It does not connect. The error is [check.Faults].
func New(c Config) (*Directory, error) {
	where := place.Caller(1).At
	wrong := func(rule check.Rule, what, do string) (*Directory, error) {
		return nil, check.Faults{rule.Finding(where, what, do)}
	}
	u, err := url.Parse(c.Address)
	if err != nil || u.Scheme != "ldap" && u.Scheme != "ldaps" || u.Hostname() == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" {
		return wrong(RuleServer, "the directory's address cannot be used", "write ldaps://ldap.example.org, without user and path")
	}
	d := &Directory{c: c, host: u.Hostname(), tls: u.Scheme == "ldaps"}
	port := u.Port()
	switch {
	case port != "":
	case d.tls:
		port = ldap.DefaultLdapsPort
	default:
		port = ldap.DefaultLdapPort
	}
	d.to = net.JoinHostPort(d.host, port)
	ip, err := netip.ParseAddr(d.host)
	d.plain = !d.tls && err == nil && ip.IsLoopback()
	if c.User != nil {
		if d.bind, err = c.User.with(nil); err != nil {
			return wrong(RuleServer, "the name that searches are made as has places", "give a name without {}")
		}
		if c.Password.Reveal() == "" {
			return wrong(RuleServer, "the name that searches are made as has no password", "a sign-in without one succeeds as nobody (RFC 4513, 5.1.2): set it")
		}
	}
	if d.c.Timeout == 0 {
		d.c.Timeout = 10 * time.Second
	}
	if d.c.Entries == 0 {
		d.c.Entries = 100
	}
	return d, nil
}

// An Entry is what was found: its name, and the attributes that were asked for.
type Entry struct {
	Name       string
	Attributes map[string][]string
}

// Search finds the entries below a base that a filter fits, with the attributes named, and follows no referral to another server. It is
// refused inside a write transaction. The error wraps a [check.Finding] when a value cannot be asked for, [ErrTooMany] when more was found
// than may be, and [ErrCannot] when the server did not answer.
func (d *Directory) Search(ctx context.Context, base *Name, filter *Filter, values []string, attributes ...constant) ([]Entry, error) {
	text, err := filter.with(values)
	if err != nil {
		return nil, err
	}
	below, err := base.with(nil)
	if err != nil {
		return nil, err
	}
	conn, done, err := d.connect(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	if d.c.User != nil {
		if err := conn.Bind(d.bind, d.c.Password.Reveal()); err != nil {
			return nil, d.cannot("refused the name that searches are made as", err)
		}
	}
	names := make([]string, len(attributes))
	for i, a := range attributes {
		names[i] = string(a)
	}
	if len(names) == 0 {
		names = []string{"1.1"} // none (RFC 4511, 4.5.1.8); an empty list would mean all
	}
	found, err := conn.Search(ldap.NewSearchRequest(below, ldap.ScopeWholeSubtree, ldap.NeverDerefAliases, d.c.Entries+1, int(d.c.Timeout/time.Second)+1, false, text, names, nil))
	switch {
	case ldap.IsErrorWithCode(err, ldap.LDAPResultSizeLimitExceeded), err == nil && len(found.Entries) > d.c.Entries:
		return nil, fmt.Errorf("%w (%d)", ErrTooMany, d.c.Entries)
	case ldap.IsErrorWithCode(err, ldap.LDAPResultNoSuchObject):
		return nil, nil
	case err != nil:
		return nil, d.cannot("did not answer a search", err)
	}
	all := make([]Entry, len(found.Entries))
	for i, e := range found.Entries {
		all[i] = Entry{Name: e.DN, Attributes: map[string][]string{}}
		for _, a := range e.Attributes {
			all[i].Attributes[a.Name] = a.Values
		}
	}
	return all, nil
}

// Verify reports whether the directory takes a password for a name. It demands a permit for passwords and spends it before it asks; settle
// the permit after the answer. An empty password is refused here: directories take a sign-in without one as nobody's, and
// say yes (RFC 4513, 5.1.2). An error says that the server did not answer: then nothing is known of the password.
func (d *Directory) Verify(ctx context.Context, permit *throttle.Permit, name *Name, values []string, password secret.String) (bool, error) {
	who, err := name.with(values)
	if err != nil {
		return false, err
	}
	if db.InWrite(ctx) {
		return false, inWrite()
	}
	if permit == nil {
		return false, throttle.ErrSpent
	}
	if err := permit.Spend(throttle.ForPassword); err != nil {
		return false, err
	}
	if password.Reveal() == "" {
		return false, nil
	}
	conn, done, err := d.connect(ctx)
	if err != nil {
		return false, err
	}
	defer done()
	err = conn.Bind(who, password.Reveal())
	switch {
	case err == nil:
		return true, nil
	case ldap.IsErrorAnyOf(err, ldap.LDAPResultInvalidCredentials, ldap.LDAPResultNoSuchObject, ldap.LDAPResultInvalidDNSyntax):
		return false, nil
	}
	return false, d.cannot("did not answer a sign-in", err)
}

// connect opens a connection that nobody else can read; done closes it. Timeout bounds it with its TLS, and the end of ctx closes it at
// any moment: a server that is silent in the middle holds nobody.
func (d *Directory) connect(ctx context.Context) (*ldap.Conn, func(), error) {
	if db.InWrite(ctx) {
		return nil, nil, inWrite()
	}
	until := time.Now().Add(d.c.Timeout)
	line, err := (&net.Dialer{Deadline: until}).DialContext(ctx, "tcp", d.to)
	if err != nil {
		return nil, nil, d.cannot("cannot be reached", err)
	}
	stop := context.AfterFunc(ctx, func() { _ = line.Close() })
	err = line.SetDeadline(until)
	safe := &tls.Config{ServerName: d.host, RootCAs: d.c.Roots, MinVersion: tls.VersionTLS12}
	var conn *ldap.Conn
	if d.tls {
		over := tls.Client(line, safe)
		err = errors.Join(err, over.HandshakeContext(ctx))
		conn = ldap.NewConn(over, true)
	} else {
		conn = ldap.NewConn(line, false)
	}
	conn.SetTimeout(d.c.Timeout)
	conn.Start()
	done := func() {
		stop()
		_ = line.Close() // first: the library's Close would wait for what is being written
		_ = conn.Close()
	}
	if err == nil && !d.tls && !d.plain {
		err = conn.StartTLS(safe)
	}
	if err == nil {
		err = line.SetDeadline(time.Now().Add(3 * d.c.Timeout)) // a sign-in and a question, which have their own, and what the library waits to write
	}
	if err != nil {
		done()
		return nil, nil, d.cannot("cannot be spoken to safely", err)
	}
	return conn, done, nil
}

// Why nothing was found.
var (
	ErrTooMany = errors.New("outbound/ldap: a search finds more entries than it may: narrow the filter, or raise Config.Entries")
	ErrCannot  = errors.New("outbound/ldap: the directory did not answer")
)

// cannot keeps the code of an answer and leaves its words out: they repeat names.
func (d *Directory) cannot(what string, err error) error {
	code := "no answer"
	if said, ok := errors.AsType[*ldap.Error](err); ok && said.ResultCode < ldap.ErrorNetwork {
		code = ldap.LDAPResultCodeMap[said.ResultCode]
	}
	return fmt.Errorf("%w: %s %s (%s): see that its address, its certificate and the name that searches are made as are right", ErrCannot, d.host, what, code)
}

func inWrite() error {
	return RuleInWrite.Finding("", "a directory would be asked inside a write transaction", "ask it in PostAfter's before, or in a job")
}
