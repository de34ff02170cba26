package postgres

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/internal/pool"
)

// Prepare implements [db.Conn]. A text of a query is judged first, whoever runs it.
func (c *conn) Prepare(t *db.Text) (db.Stmt, error) {
	ctx := c.ctx
	if ctx == nil {
		ctx = context.Background()
	}
	if ctx.Err() != nil {
		return nil, pool.Stopped(ctx)
	}
	sql, err := c.sql(ctx, t)
	if err != nil {
		return nil, err
	}
	if t.Kind() == db.KindQuery && c.judge != nil && !c.loose.noJudge {
		if err := c.judge(ctx, t); err != nil {
			return nil, err
		}
	}
	s, err := c.prepare(ctx, sql)
	if err != nil {
		return nil, err
	}
	if err := shape(t, s); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// sql returns the text for this engine. What an empty list would hold is asked of the same text with a value in it.
func (c *conn) sql(ctx context.Context, t *db.Text) (string, error) {
	if !t.HasEmpty() {
		return t.SQL('$'), nil
	}
	full, err := c.prepare(ctx, t.Filled().SQL('$'))
	if err != nil {
		return "", err
	}
	full.Close()
	return t.SQLTyped('$', func(at int) string {
		if at < len(full.params) && typeNames[full.params[at]] != "" {
			return "CAST(NULL AS " + typeNames[full.params[at]] + ")"
		}
		return "NULL"
	}), nil
}

// prepare prepares a text by name. It is done by the server's own PREPARE, whose grammar takes SELECT, INSERT, UPDATE,
// DELETE, MERGE, VALUES and WITH, and nothing else: no COMMIT, no SET, no DO, no COPY, no CREATE. PREPARE itself goes by the
// extended protocol, which takes one statement.
func (c *conn) prepare(ctx context.Context, sql string) (*statement, error) {
	c.flushGone()
	marks := 1
	if c.writing && c.dirty { // what cannot be prepared must not take the rows of before with it
		c.f.SendQuery(&pgproto3.Query{String: onward})
		marks++
		c.dirty = false
	}
	c.named++
	s := &statement{c: c, name: "m" + strconv.Itoa(c.named)}
	c.f.SendParse(&pgproto3.Parse{Query: "PREPARE " + s.name + " AS " + sql})
	c.f.SendBind(&pgproto3.Bind{})
	c.f.SendExecute(&pgproto3.Execute{})
	c.f.SendDescribe(&pgproto3.Describe{ObjectType: 'S', Name: s.name})
	c.f.SendSync(&pgproto3.Sync{})
	err := c.exchange(ctx, marks, func(m pgproto3.BackendMessage) {
		switch m := m.(type) {
		case *pgproto3.ParameterDescription:
			s.params = append([]uint32(nil), m.ParameterOIDs...)
		case *pgproto3.RowDescription:
			for _, f := range m.Fields {
				s.columns = append(s.columns, string(f.Name))
				s.oids = append(s.oids, f.DataTypeOID)
				s.formats = append(s.formats, binaryFormat(f.DataTypeOID))
			}
		}
	})
	if err != nil {
		c.recover()
		return nil, err
	}
	s.at = make([][2]int32, len(s.params))
	s.Reset()
	return s, nil
}

// shape refuses what has other parameters than the text, and a query without columns.
func shape(t *db.Text, s *statement) error {
	switch {
	case len(s.params) != t.Values():
		return fmt.Errorf("PostgreSQL sees %d parameters, the text has %d", len(s.params), t.Values())
	case t.Kind() == db.KindQuery && len(s.columns) == 0:
		return db.RuleReadOnly.Finding(t.Where(), "postgres: a query without columns", "declare it with db.Exec")
	}
	return nil
}

// A judge says of texts of queries whether they only read. It asks the server, as the readers' role, for the plan of a
// statement: for that it holds the rights of everything that the plan touches against those of the role, also within WITH
// and in functions, and runs nothing.
type judge struct {
	way *way

	mu       sync.Mutex
	c        *conn
	verdicts map[*db.Text]bool // those that passed
	closed   bool
}

// maxVerdicts bounds what a judge remembers.
const maxVerdicts = 8192

// query returns an error for a text that does more than read.
func (j *judge) query(ctx context.Context, t *db.Text) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		return db.ErrClosed
	}
	if j.verdicts[t] {
		return nil
	}
	if _, err := j.plan(ctx, t, ""); err != nil {
		return err
	}
	if len(j.verdicts) >= maxVerdicts || j.verdicts == nil {
		j.verdicts = map[*db.Text]bool{}
	}
	j.verdicts[t] = true
	return nil
}

// plan returns the plan of a text as the readers' role is shown it. The generic plan, since one for given values may have
// lost what the values do not need. The lock is taken.
func (j *judge) plan(ctx context.Context, t *db.Text, options string) (text string, err error) {
	if j.c == nil || j.c.broken {
		if j.c != nil {
			j.c.close()
		}
		if j.c, err = j.way.connect(ctx, reader, nil); err != nil {
			j.c = nil
			return "", err
		}
	}
	c := j.c
	defer c.end() // also of a transaction that began and could not go on
	if err := c.begin(ctx, beginRead); err != nil {
		return "", err
	}
	if err := c.own(ctx, "SET LOCAL plan_cache_mode = force_generic_plan; SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off"); err != nil {
		return "", err
	}
	sql, err := c.sql(ctx, t)
	if err != nil {
		return "", err
	}
	s, err := c.prepare(ctx, sql)
	if err != nil {
		return "", err
	}
	defer s.Close()
	args := strings.TrimSuffix(strings.Repeat("NULL,", len(s.params)), ",")
	if args != "" {
		args = "(" + args + ")"
	}
	rows, err := c.rows(ctx, "EXPLAIN "+options+" EXECUTE "+s.name+args)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for _, row := range rows {
		b.WriteString(row[0] + "\n")
	}
	return b.String(), nil
}

func (j *judge) close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.closed = true
	if j.c != nil {
		j.c.close()
		j.c = nil
	}
	return nil
}
