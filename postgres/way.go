package postgres

import (
	"context"
	"crypto/tls"
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/internal/pool"
)

// A role is as whom a connection was made.
type role uint8

const (
	owner role = iota
	reader
	migrator // the owner, without the limits of time that statements of a site have
)

// way is how the server is reached, proven to be a safe one.
type way struct {
	owner, reader *pgconn.Config
	replicas      []*pgconn.Config // as the reader
	schema        string
	loose         looseEnds
}

// way reads the addresses. Their text stands in no error: it holds passwords.
func (c Config) way(schema string) (*way, error) {
	w := &way{schema: schema, replicas: make([]*pgconn.Config, len(c.Replicas))}
	type address struct {
		field, url string
		to         **pgconn.Config
	}
	all := []address{{"URL", c.URL, &w.owner}, {"Reader", c.Reader, &w.reader}}
	for i, url := range c.Replicas {
		all = append(all, address{"Replicas", url, &w.replicas[i]})
	}
	for _, one := range all {
		if !strings.HasPrefix(one.url, "postgres://") && !strings.HasPrefix(one.url, "postgresql://") {
			return nil, fmt.Errorf("postgres: Config.%s is no address of a database; write it like postgres://ROLE:PASSWORD@HOST:5432/DATABASE?sslmode=verify-full", one.field)
		}
		parsed, err := pgconn.ParseConfig(one.url)
		if err != nil {
			return nil, fmt.Errorf("postgres: Config.%s cannot be read; write it like postgres://ROLE:PASSWORD@HOST:5432/DATABASE?sslmode=verify-full, with %%-escapes for what is no letter or digit", one.field)
		}
		if what := openWay(parsed); what != "" {
			return nil, db.RuleServerTLS.Finding("", fmt.Sprintf("postgres: Config.%s: %s", one.field, what), "add sslmode=verify-full, and sslrootcert=FILE if the server's certificate is from an authority of your own")
		}
		*one.to = parsed
	}
	if w.owner.Database != w.reader.Database || w.owner.Host != w.reader.Host || w.owner.Port != w.reader.Port {
		return nil, fmt.Errorf("postgres: Config.URL and Config.Reader name two databases; name the same one as two roles")
	}
	if w.owner.User == w.reader.User {
		return nil, db.RuleReaderRole.Finding("", "postgres: Config.URL and Config.Reader name the same role", "give Reader a role that only reads: postgres.Setup prints what makes one")
	}
	return w, w.distinct()
}

// distinct refuses replicas that are named twice, that are the server itself, and other roles and databases than the reader's.
func (w *way) distinct() error {
	seen := map[string]bool{serverName(w.owner): true}
	for _, one := range w.replicas {
		name := serverName(one)
		switch {
		case name == serverName(w.owner):
			return db.RuleReplica.Finding("", "postgres: the replica "+name+" is the server of Config.URL itself", "name a standby that follows it, or none")
		case seen[name]:
			return db.RuleReplica.Finding("", "postgres: the replica "+name+" is named twice", "name it once: readers are spread over all that are named")
		case one.User != w.reader.User:
			return db.RuleReaderRole.Finding("", fmt.Sprintf("postgres: the replica %s is to be asked as %q", name, one.User), fmt.Sprintf("give it the role of Config.Reader, %q, which a standby has too", w.reader.User))
		case one.Database != w.reader.Database:
			return db.RuleReplica.Finding("", fmt.Sprintf("postgres: the replica %s is of the database %q", name, one.Database), fmt.Sprintf("name the one of Config.URL, %q", w.reader.Database))
		}
		seen[name] = true
	}
	return nil
}

// serverName is what a server is called.
func serverName(c *pgconn.Config) string { return net.JoinHostPort(c.Host, strconv.Itoa(int(c.Port))) }

// in returns the way to another database of the server, as the same roles. Through is a folder with the socket of a relay, ""
// for none: then the relay knows the passwords and speaks TLS.
func (w *way) in(database, through string) *way {
	other := *w
	other.replicas = slices.Clone(w.replicas)
	if through != "" {
		other.replicas = nil
	}
	all := []**pgconn.Config{&other.owner, &other.reader}
	for i := range other.replicas {
		all = append(all, &other.replicas[i])
	}
	for _, one := range all {
		c := (*one).Copy()
		c.Database = database
		if through != "" {
			c.Host, c.Port, c.TLSConfig, c.Fallbacks, c.Password = through, relayPort, nil, nil, ""
		}
		*one = c
	}
	return &other
}

// openWay says what is wrong with the way to a server, "" if nothing is: off loopback its name must be proven by TLS, also
// on every other way that would be tried.
func openWay(c *pgconn.Config) string {
	ways := []*pgconn.FallbackConfig{{Host: c.Host, Port: c.Port, TLSConfig: c.TLSConfig}}
	for _, w := range append(ways, c.Fallbacks...) {
		if near(w.Host) || proven(w.TLSConfig) {
			continue
		}
		return "the server " + net.JoinHostPort(w.Host, strconv.Itoa(int(w.Port))) + " is on another machine, and who answers there is not proven by TLS"
	}
	return ""
}

func proven(c *tls.Config) bool { return c != nil && !c.InsecureSkipVerify }

// near reports whether a host is this machine: a socket in a folder, or a loopback address.
func near(host string) bool {
	if strings.HasPrefix(host, "/") || host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// connect opens a connection. What is set here are the defaults that a rolled-back transaction falls back to.
func (w *way) connect(ctx context.Context, as role, schemas []*db.Schema) (*conn, error) {
	if as == reader {
		return w.connectTo(ctx, w.reader, as, schemas)
	}
	return w.connectTo(ctx, w.owner, as, schemas)
}

// connectTo is connect to any of the servers.
func (w *way) connectTo(ctx context.Context, server *pgconn.Config, as role, schemas []*db.Schema) (*conn, error) {
	cfg := server.Copy()
	ms := func(d interface{ Milliseconds() int64 }) string { return strconv.FormatInt(d.Milliseconds(), 10) }
	cfg.ConnectTimeout = dialTimeout
	cfg.DialFunc = (&net.Dialer{Timeout: dialTimeout, KeepAlive: keepAlive}).DialContext
	cfg.LookupFunc = (&net.Resolver{}).LookupHost // not the program's, which a drill has refuse everything
	cfg.MaxProtocolMessageBodyLen = maxMessage
	set := map[string]string{"search_path": quoteName(w.schema), "TimeZone": "UTC", "DateStyle": "ISO", "client_encoding": "UTF8", "standard_conforming_strings": "on",
		"application_name": "merlon", "extra_float_digits": "1", "bytea_output": "hex", "IntervalStyle": "postgres"}
	switch as {
	case reader:
		set["default_transaction_read_only"] = "on"
		set["statement_timeout"], set["lock_timeout"], set["idle_in_transaction_session_timeout"] = ms(readTimeout), ms(readTimeout), ms(idleTimeout)
	case owner:
		set["statement_timeout"], set["lock_timeout"], set["idle_in_transaction_session_timeout"] = ms(writeTimeout), ms(waitTimeout), ms(writeTimeout)
	case migrator:
		maps.Copy(set, noLimits)
	}
	cfg.RuntimeParams = set // of the address nothing is taken over but where, who and TLS
	pg, err := pgconn.ConnectConfig(ctx, cfg)
	if err != nil {
		if ctx.Err() != nil {
			return nil, pool.Stopped(ctx)
		}
		return nil, unreached(fmt.Sprintf("no connection to the database %q on %s as %q", cfg.Database, cfg.Host, cfg.User), as, err)
	}
	c := &conn{pg: pg, f: pg.Frontend(), writing: as != reader, status: 'I', patience: w.patience(as)}
	c.session = db.NewSession(c, schemas...)
	if c.major() < 14 {
		c.close()
		return nil, fmt.Errorf("postgres: the server is of version %s; version 14 or later is needed", pg.ParameterStatus("server_version"))
	}
	if got := pg.ParameterStatus("server_encoding"); got != "UTF8" && as != migrator { // which also looks at other databases
		c.close()
		return nil, fmt.Errorf("postgres: the database is encoded in %s; make it anew in UTF8", got)
	}
	c.schema, c.loose = w.schema, w.loose
	if as == migrator {
		if err := c.own(ctx, laterLimits(c.major())); err != nil {
			c.close()
			return nil, err
		}
	}
	if err := c.between(ctx, set, cfg.User); err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

// noLimits are the limits of time of a connection that migrates, dumps or restores, whatever the database or the role has as its own:
// such work takes as long as it takes.
var noLimits = map[string]string{"statement_timeout": "0", "lock_timeout": "0", "idle_in_transaction_session_timeout": "0"}

// laterLimits takes off those that not every server knows.
func laterLimits(major int) string {
	text := "SET idle_session_timeout = 0"
	if major >= 17 {
		text += "; SET transaction_timeout = 0"
	}
	return text
}

// major is the server's version, without what follows the first point: "17beta1" is 17.
func (c *conn) major() int { return majorOf(c.pg.ParameterStatus("server_version")) }

func majorOf(version string) int {
	digits := 0
	for digits < len(version) && version[digits] >= '0' && version[digits] <= '9' {
		digits++
	}
	n, _ := strconv.Atoi(version[:digits])
	return n
}

// patience is how long a connection waits for one answer. The server's own limits come first; this one is for a server, or a
// network, that says nothing any more. Migrations take as long as they take: of a dead server the TCP connection tells.
func (w *way) patience(as role) time.Duration {
	switch {
	case w.loose.patience > 0:
		return w.loose.patience
	case as == reader:
		return readTimeout + slack
	case as == owner:
		return writeTimeout + slack
	}
	return 0
}

// between refuses a connection that is another than was asked for: a pooler drops settings that it does not know, and hands
// out other connections than the one that they were set for.
func (c *conn) between(ctx context.Context, set map[string]string, user string) error {
	refuse := func(what string) error {
		return db.RulePooler.Finding("", "postgres: "+what, "give the address of the server itself; the site pools its connections")
	}
	rows, err := c.rows(ctx, "SELECT pg_backend_pid(), current_user, session_user")
	switch {
	case err != nil:
		return err
	case rows[0][0] != strconv.FormatUint(uint64(c.pg.PID()), 10):
		return refuse("the process that answers is another than the one that the connection was made to")
	case rows[0][1] != user || rows[0][2] != user:
		return refuse(fmt.Sprintf("the connection was asked for as %q and is one of %q", user, rows[0][1]))
	}
	names := slices.Sorted(maps.Keys(set))
	rows, err = c.rows(ctx, "SELECT name, setting FROM pg_settings WHERE name = ANY (string_to_array($1, ','))", strings.Join(names, ","))
	if err != nil {
		return err
	}
	is := map[string]string{}
	for _, row := range rows {
		is[row[0]] = row[1]
	}
	for _, name := range names {
		if got, ok := is[name]; !ok || !same(got, set[name]) {
			return refuse(fmt.Sprintf("the connection was asked for with %s = %s and has %q", name, set[name], got))
		}
	}
	return nil
}

// same reports whether a setting is as it was asked for: the server completes some ("ISO, MDY").
func same(got, want string) bool {
	return got == want || strings.HasPrefix(got, want+", ")
}
