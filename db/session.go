package db

import "slices"

// maxPrepared bounds the statements that stay prepared on one connection.
const maxPrepared = 512

// A Session is a connection with the statements prepared on it, and the schemas whose statements it takes. An engine
// keeps one for each of its connections; a reader or writer holds it for its lifetime. It is for writers of engines.
type Session struct {
	conn     Conn
	schemas  []*Schema
	prepared map[*Text]*prepared
}

// prepared is a text prepared on one connection.
type prepared struct {
	text   *Text
	stmt   Stmt
	fields []*field // of column 0, 1 …
	json   bool     // one of them takes JSON
	busy   bool     // between start and finish
	kept   bool     // in the session's map
}

// NewSession returns the session of a connection.
func NewSession(conn Conn, schemas ...*Schema) *Session {
	return &Session{conn: conn, schemas: schemas, prepared: map[*Text]*prepared{}}
}

// Conn returns the connection.
func (s *Session) Conn() Conn { return s.conn }

// Forget closes all prepared statements: before the connection is closed, and after a migration. No transaction may be
// open.
func (s *Session) Forget() {
	for _, p := range s.prepared {
		p.stmt.Close()
	}
	clear(s.prepared)
}

// prepare returns the prepared statement of a text. One that is still running (a loop over Each that runs the same query
// again) gets a second one that is closed after use.
func (s *Session) prepare(t *Text) (*prepared, error) {
	if p := s.prepared[t]; p != nil && !p.busy {
		return p, nil
	}
	d := t.from
	if !slices.Contains(s.schemas, d.schema) {
		return nil, RuleForeign.Finding(d.where, "the statement belongs to the schema "+quote(d.schema.Name())+", which this engine was not opened with",
			"give the schema to the site (Config.Schema) or to the part (Part.Schema) that uses it")
	}
	if len(d.problems) > 0 {
		p := d.problems[0]
		return nil, p.rule.Finding(d.where, p.what, p.do)
	}
	stmt, err := s.conn.Prepare(t)
	if err != nil {
		return nil, err
	}
	p := &prepared{text: t, stmt: stmt}
	if err := p.match(stmt.Columns()); err != nil {
		stmt.Close()
		return nil, err
	}
	if s.prepared[t] != nil {
		return p, nil
	}
	if len(s.prepared) >= maxPrepared {
		for t, old := range s.prepared {
			if !old.busy {
				old.stmt.Close()
				delete(s.prepared, t)
				break
			}
		}
	}
	p.kept = true
	s.prepared[t] = p
	return p, nil
}

// match finds the field of each column.
func (p *prepared) match(columns []string) error {
	d := p.text.from
	if problems := d.mismatch(columns); len(problems) > 0 {
		return problems[0].rule.Finding(d.where, problems[0].what, problems[0].do)
	}
	if d.kind == KindExec {
		return nil
	}
	p.fields = d.plan.match(columns)
	for _, f := range p.fields {
		p.json = p.json || f.kind == fieldJSON
	}
	return nil
}

func quote(s string) string { return `"` + s + `"` }
