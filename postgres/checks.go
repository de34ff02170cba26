package postgres

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/db"
)

// Checks implements [db.Checker]: what the server says of the way to it and of the two roles.
func (e *engine) Checks() []check.Check {
	live := func(rule check.Rule, look func(context.Context, *opened) ([]string, error), do string) check.Check {
		return check.Check{Rule: rule, Live: true, Run: func(ctx context.Context) (found []check.Finding) {
			on := e.on.Load()
			if on == nil {
				return nil // the site is not started, and says so itself
			}
			told, err := look(ctx, on)
			if err != nil {
				told = append(told, "the server does not tell: "+err.Error())
			}
			for _, what := range told {
				found = append(found, rule.Finding(e.Name(), what, do))
			}
			return found
		}}
	}
	return []check.Check{
		live(db.RuleServerTLS, tlsOff, "add sslmode=verify-full to the addresses"),
		live(db.RuleReaderRole, readerWrites, "take the right away; postgres.Setup prints what a reader needs"),
		live(db.RuleReaderReach, readerReaches, "run what postgres.Setup prints, as a superuser, in this database"),
		live(db.RuleOwnerRole, ownerRules, "ALTER ROLE … NOSUPERUSER, and let it own this database alone"),
		live(db.RuleClock, clockOf, "keep the clocks of all machines right by NTP (timedatectl set-ntp true)"),
		live(db.RuleReplica, e.replicasWhere(func(r db.Replica) bool { return r.Foreign }), "name standbys of the server of db.url, or take the address out"),
		live(db.RuleReplicaAway, e.replicasWhere(func(r db.Replica) bool { return r.Fault != "" && !r.Foreign }), "start it, or look why it does not follow; take it out of db.replicas if it is no more"),
	}
}

// replicasWhere tells of replicas as they were at the last look, a second ago.
func (e *engine) replicasWhere(is func(db.Replica) bool) func(context.Context, *opened) ([]string, error) {
	return func(context.Context, *opened) (found []string, _ error) {
		for _, r := range e.Replicas() {
			if is(r) {
				found = append(found, "the replica "+r.Name+": "+strings.TrimPrefix(r.Fault, "postgres: "))
			}
		}
		return found, nil
	}
}

// tlsOff looks at connections as they are: an address that asks for TLS may have been answered without.
func tlsOff(ctx context.Context, on *opened) (found []string, err error) {
	err = on.asBoth(ctx, func(c *conn, name string) error {
		host := on.way.owner.Host
		rows, err := c.rows(ctx, "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
		if err == nil && !near(host) && (len(rows) != 1 || rows[0][0] != "t") {
			found = append(found, fmt.Sprintf("the connection of the %s to %s is in the clear", name, host))
		}
		return err
	})
	if err != nil || on.follow == nil {
		return found, err
	}
	for _, r := range on.follow.replicas {
		if r.now.Load().fault != "" || near(r.server.Host) {
			continue
		}
		c, err := r.pool.Get(ctx)
		if err != nil {
			continue // it is told as one that is away
		}
		rows, err := c.rows(ctx, "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
		r.pool.Put(c)
		if err == nil && (len(rows) != 1 || rows[0][0] != "t") {
			found = append(found, fmt.Sprintf("the connection to the replica %s is in the clear", r.name))
		}
	}
	return found, nil
}

// asBoth gives do a connection of each role.
func (on *opened) asBoth(ctx context.Context, do func(c *conn, name string) error) error {
	for _, p := range []*connPool{on.readers, on.writer} {
		c, err := p.Get(ctx)
		if err != nil {
			return err
		}
		err = do(c, p.Name)
		p.Put(c)
		if err != nil {
			return err
		}
	}
	return nil
}

// readerWrites asks for every right of the readers' role that is more than to read. The view pg_settings may be changed by
// everybody, which is what SET does; the end of a reader's transaction undoes it.
func readerWrites(ctx context.Context, on *opened) (found []string, err error) {
	c, err := on.readers.Get(ctx)
	if err != nil {
		return nil, err
	}
	defer on.readers.Put(c)
	bad, err := c.mighty(ctx)
	if err != nil {
		return nil, err
	}
	if bad != "" {
		found = append(found, "the role "+on.way.reader.User+" "+bad)
	}
	rows, err := c.rows(ctx, `SELECT 'may write to the table ' || n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE c.oid <> 'pg_catalog.pg_settings'::regclass AND CASE WHEN c.relkind IN ('r', 'p', 'v', 'm', 'f') THEN has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER') END
		UNION ALL SELECT 'may draw numbers of ' || n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE CASE WHEN c.relkind = 'S' THEN has_sequence_privilege(c.oid, 'USAGE, UPDATE') END
		UNION ALL SELECT 'may make tables in the schema ' || nspname FROM pg_namespace WHERE has_schema_privilege(oid, 'CREATE')
		UNION ALL SELECT 'may make schemas or temporary tables in the database' WHERE has_database_privilege(current_database(), 'CREATE, TEMPORARY')
		ORDER BY 1 LIMIT 20`)
	for _, row := range rows {
		found = append(found, "the role "+on.way.reader.User+" "+row[0])
	}
	return found, err
}

// readerReaches lists the functions that act and that the readers' role may run.
func readerReaches(ctx context.Context, on *opened) (found []string, err error) {
	c, err := on.readers.Get(ctx)
	if err != nil {
		return nil, err
	}
	defer on.readers.Put(c)
	rows, err := c.rows(ctx, "SELECT DISTINCT p.proname FROM pg_proc p WHERE "+riskyFunctions+" AND has_function_privilege(p.oid, 'EXECUTE')"+
		" UNION SELECT p.proname FROM pg_proc p WHERE p.prosecdef AND has_function_privilege(p.oid, 'EXECUTE')"+
		" UNION SELECT 'DO' WHERE has_language_privilege('plpgsql', 'USAGE') ORDER BY 1")
	if len(rows) == 0 {
		return nil, err
	}
	var names []string
	for _, row := range rows[:min(len(rows), 8)] {
		names = append(names, row[0])
	}
	return []string{fmt.Sprintf("the role %s may run %d functions that act: %s", on.way.reader.User, len(rows), strings.Join(names, ", "))}, err
}

// maxApart is how far the clocks of machines may be apart.
const maxApart = 5 * time.Second

// clockOf holds this machine's clock against the server's. Where all processes do they are held against each other.
func clockOf(ctx context.Context, on *opened) ([]string, error) {
	c, err := on.readers.Get(ctx)
	if err != nil {
		return nil, err
	}
	defer on.readers.Put(c)
	before := time.Now()
	rows, err := c.rows(ctx, "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint")
	after := time.Now()
	if err != nil || len(rows) != 1 {
		return nil, err
	}
	ms, err := strconv.ParseInt(rows[0][0], 10, 64)
	if err != nil {
		return nil, err
	}
	return apart(before, time.UnixMilli(ms), after), nil
}

// apart judges a time that was told between two looks at this machine's clock.
func apart(before, told, after time.Time) []string {
	if ahead := before.Sub(told); ahead > maxApart {
		return []string{fmt.Sprintf("this machine's clock is ahead of the database server's by %v", ahead.Round(time.Second))}
	}
	if behind := told.Sub(after); behind > maxApart {
		return []string{fmt.Sprintf("this machine's clock is behind the database server's by %v", behind.Round(time.Second))}
	}
	return nil
}

func ownerRules(ctx context.Context, on *opened) ([]string, error) {
	c, err := on.writer.Get(ctx)
	if err != nil {
		return nil, err
	}
	defer on.writer.Put(c)
	rows, err := c.rows(ctx, "SELECT FROM pg_roles WHERE rolname = current_user AND rolsuper")
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	return []string{"the role " + on.way.owner.User + " is a superuser"}, nil
}
