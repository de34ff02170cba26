package postgres

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/merlon-web/merlon/db"
)

// Loosen switches off measures of the reader's recipe, by name.
func Loosen(e db.Engine, names ...string) {
	for _, name := range names {
		*map[string]*bool{"query first": &e.(*engine).loose.noQueryFirst, "rollback": &e.(*engine).loose.noRollback,
			"role": &e.(*engine).loose.noRole, "judge": &e.(*engine).loose.noJudge}[name] = true
	}
}

// Impatient has connections wait for an answer no longer than the time.
func Impatient(e db.Engine, wait time.Duration) { e.(*engine).loose.patience = wait }

// Reaches is what a migration's text is judged by.
func Reaches(text string) string { return reaches(text, []string{"public", "other"}) }

// MaxBound is how many bytes one statement may write.
const MaxBound = maxBound

// RawRead runs texts through a reader's connection, below everything that db and Prepare check: each by the extended
// protocol as it is.
func RawRead(ctx context.Context, e db.Engine, texts ...string) (failed []error, err error) {
	r, err := e.(*engine).Begin(ctx)
	if err != nil {
		return nil, err
	}
	defer e.(*engine).End(r)
	c := r.Conn().(*conn)
	for _, text := range texts {
		c.f.SendParse(&pgproto3.Parse{Query: text})
		c.f.SendBind(&pgproto3.Bind{})
		c.f.SendExecute(&pgproto3.Execute{})
		c.f.SendSync(&pgproto3.Sync{})
		err := c.exchange(ctx, 1, nil)
		if err != nil {
			c.recover()
		}
		failed = append(failed, err)
	}
	return failed, nil
}

// ReaderState is a sum of what a reader's connection keeps from one transaction to the next.
func ReaderState(ctx context.Context, e db.Engine) (string, error) {
	r, err := e.(*engine).Begin(ctx)
	if err != nil {
		return "", err
	}
	defer e.(*engine).End(r)
	rows, err := r.Conn().(*conn).rows(ctx, "SELECT name || '=' || setting FROM pg_settings WHERE name NOT LIKE 'transaction\\_%' UNION ALL SELECT 'role=' || current_user || session_user"+
		" UNION ALL SELECT 'listens ' || pg_listening_channels() UNION ALL SELECT 'cursor ' || name FROM pg_cursors ORDER BY 1")
	var b strings.Builder
	for _, row := range rows {
		b.WriteString(row[0] + "\n")
	}
	return fmt.Sprintf("%x", sha256.Sum256([]byte(b.String()))), err
}

// Equals is what the condition of an index holds against values.
func Equals(cond, alias string) map[string]bool { return equals(cond, alias) }

// Relay lends the way to a database to whom a listener lets in.
func Relay(c Config, l net.Listener) (stop func(), err error) {
	w, err := c.way("public")
	if err != nil {
		return nil, err
	}
	return w.relay(l).close, nil
}

// Apart judges a server's clock.
var Apart = apart
