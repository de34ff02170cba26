package postgres

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/internal/pool"
)

// serverError is the server's error without the parts that may hold a visitor's value.
type serverError struct {
	code, message string
	position      int32
}

// Error returns the server's words and its code.
func (e *serverError) Error() string { return fmt.Sprintf("%s (SQLSTATE %s)", e.message, e.code) }

// words keeps the server's words where they name what a statement names. The class 22 quotes the value that did not fit, and
// RAISE, of the class P0 or another one, says what the function wants.
func words(e *pgconn.PgError) *serverError {
	s := &serverError{code: e.Code, message: e.Message, position: e.Position}
	switch {
	case strings.HasPrefix(e.Code, "22"):
		s.message = "a value does not fit where it was to go"
	case strings.HasPrefix(e.Code, "P0"), e.Routine == "exec_stmt_raise":
		s.message = "a function of the database refuses it in words of its own"
	}
	return s
}

// away is the error of a server that has left or cannot be reached: the next try may find it again.
func away(err error) error { return fmt.Errorf("%w: %w", db.ErrAway, err) }

// unreached is the error of a connection that could not be made, with what to do about it. A server that answers and refuses is not
// away, unless it says that it ends or begins; to a visitor it is as a busy one.
func unreached(what string, as role, err error) error {
	var server *pgconn.PgError
	if !errors.As(err, &server) || departs(server.Code) {
		return fmt.Errorf("%w: postgres: %s: %w: see that it runs, and that the settings name its host and port (db.url, db.replicas)", db.ErrAway, what, connecting(err))
	}
	name, password := "db.url", "db.password_file"
	if as == reader {
		name, password = "db.reader", "db.reader_password_file"
	}
	do := ""
	switch server.Code {
	case "28P01", "28000":
		do = fmt.Sprintf(": the server does not let the role in: make it (CREATE ROLE), or correct %s, or give its password (%s)", name, password)
	case "3D000":
		do = ": make the database (CREATE DATABASE) and run what the command migrate setup prints, or correct db.url"
	case "42501":
		do = ": the role may not come into the database: run what the command migrate setup prints"
	case "53300":
		do = ": other programs have all connections: end some, or raise max_connections"
	}
	return &unable{fmt.Sprintf("postgres: %s: %v%s", what, connecting(err), do), connecting(err)}
}

// unable is the error of a server that answers and gives no connection. It is a [db.ErrBusy].
type unable struct {
	text string
	err  error
}

func (u *unable) Error() string        { return u.text }
func (u *unable) Unwrap() error        { return u.err }
func (u *unable) Is(target error) bool { return target == db.ErrBusy }

// departs reports whether a code says that the server ends, or is not up yet.
func departs(code string) bool { return code == "57P01" || code == "57P02" || code == "57P03" }

// connecting returns why there is no connection, without the address that was tried.
func connecting(err error) error {
	var server *pgconn.PgError
	var timeout net.Error
	switch {
	case errors.As(err, &server):
		return words(server)
	case errors.As(err, &timeout) && timeout.Timeout(), errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		return errors.New("nothing answers in time")
	}
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Err
	}
	return errors.New("the server cannot be reached, or its certificate is not for its name")
}

// explain turns the server's errors into those of db.
func (c *conn) explain(e *pgconn.PgError) error {
	said := words(e)
	switch {
	case len(e.Code) == 5 && e.Code[:2] == "23":
		return constraint(e, said)
	case e.Code == "57014" && c.ctx != nil && c.ctx.Err() != nil:
		return pool.Stopped(c.ctx)
	case departs(e.Code):
		return away(said)
	case e.Code == "57014", e.Code == "55P03", e.Code == "40001", e.Code == "40P01", e.Code == "53300":
		return fmt.Errorf("%w: %w", db.ErrBusy, said)
	case e.Code == "53100":
		return fmt.Errorf("%w: %w", db.ErrDiskFull, said)
	case !c.writing && (e.Code == "42501" || e.Code == "25006" || e.Code == "25001"):
		do := "run what writes with the Writer of a POST, a job or a command"
		if e.Code == "42501" && e.Routine == "aclcheck_error" {
			do += "; if the statement only reads, the readers' role has lost its right to (SELECT): start any process of the site anew, which gives it again"
		}
		return &refusal{db.RuleReadOnly.Finding("", "postgres: "+said.Error(), do), said}
	case e.Code == "0A000":
		c.broken = true // a plan of before a migration of another process
	}
	return said
}

// refusal is a finding that still answers for the engine's own error.
type refusal struct {
	check.Finding
	err error
}

func (r *refusal) Unwrap() []error { return []error{r.Finding, r.err} }

// constraint tells the sorts of constraints apart. The server's details, which hold the values, are left out.
func constraint(e *pgconn.PgError, said error) error {
	c := &db.ConstraintError{Err: said, Name: e.ConstraintName}
	if c.Name == "" && e.ColumnName != "" {
		c.Name = e.TableName + "." + e.ColumnName
	}
	switch e.Code {
	case "23505":
		c.Kind = db.ConstraintUnique
	case "23503":
		c.Kind = db.ConstraintForeignKey
	case "23502":
		c.Kind = db.ConstraintNotNull
	case "23514":
		c.Kind = db.ConstraintCheck
	}
	return c
}
