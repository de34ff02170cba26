package postgres

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/internal/steps"
)

// A migration is tried in a schema of its own (see Scratch), which holds only as long as it names no other. Two looks keep
// it in: its text may name no schema and nothing that belongs to the whole server, and when it is tried its transaction may
// hold no lock on a table elsewhere, which finds names that are put together while it runs.

// inside refuses a migration whose text reaches out of its schema.
func (c *conn) inside(ctx context.Context, schema *db.Schema, file, text string) error {
	rows, err := c.rows(ctx, "SELECT nspname FROM pg_namespace WHERE nspname NOT IN ('pg_catalog', 'information_schema')")
	if err != nil {
		return err
	}
	schemas := []string{"public", "pg_temp"}
	for _, row := range rows {
		schemas = append(schemas, row[0])
	}
	if what := reaches(text, schemas); what != "" {
		return db.RuleOutside.Finding(schema.Where(), fmt.Sprintf("postgres: schema %q: %s says %s", schema.Name(), file, what), "leave the schema out: names mean the site's own tables; what belongs to the server is for its administrator")
	}
	return nil
}

// reaches returns the words by which a text of SQL reaches out of its schema, "" if there are none.
func reaches(text string, schemas []string) string {
	tokens := lex(nil, text, 0)
	for i, t := range tokens {
		next := func(n int) token {
			if i+n < len(tokens) {
				return tokens[i+n]
			}
			return token{}
		}
		switch {
		case t.word == "search_path":
			return t.word
		case t.word == "":
		case next(1).mark == '.' && next(2).word != "" && slices.Contains(schemas, t.word):
			return t.word + "." + next(2).word
		case next(1).word == "schema" && !next(1).quoted && !t.quoted && slices.Contains([]string{"create", "alter", "drop", "set", "in", "on", "foreign"}, t.word):
			return t.word + " schema"
		case !t.quoted && !next(1).quoted && slices.Contains([]string{"create", "alter", "drop"}, t.word) && (i == 0 || begins(tokens[i-1])) && slices.Contains(serverWide, next(1).word):
			return t.word + " " + next(1).word
		}
	}
	return ""
}

// serverWide are the words after CREATE, ALTER and DROP that mean more than one schema.
var serverWide = []string{"role", "user", "group", "database", "tablespace", "system", "publication", "subscription"}

// begins reports whether a statement may begin behind a token.
func begins(t token) bool {
	return t.mark == ';' || !t.quoted && slices.Contains([]string{"begin", "then", "loop", "else"}, t.word)
}

// token is a word or a mark of SQL. Words that are not quoted are in small letters, as the server takes them.
type token struct {
	word   string
	quoted bool
	mark   byte
}

// lex appends the tokens of a text. The text of a dollar quote is code of a function, so it is read too, with the strings in
// it, which EXECUTE may run; strings elsewhere are values.
func lex(to []token, s string, depth int) []token {
	for s != "" {
		switch c := s[0]; {
		case strings.HasPrefix(s, "--"):
			_, s, _ = strings.Cut(s, "\n")
		case strings.HasPrefix(s, "/*"):
			s = afterComment(s)
		case c == '\'':
			body, rest := quoted(s[1:], '\'', false)
			if depth > 0 && depth < 4 {
				to = lex(append(to, token{mark: c}), body, depth+1)
			}
			to, s = append(to, token{mark: c}), rest
		case (c == 'e' || c == 'E') && strings.HasPrefix(s[1:], "'"):
			body, rest := quoted(s[2:], '\'', true)
			if depth > 0 && depth < 4 {
				to = lex(append(to, token{mark: '\''}), body, depth+1)
			}
			to, s = append(to, token{mark: '\''}), rest
		case c == '"':
			body, rest := quoted(s[1:], '"', false)
			to, s = append(to, token{word: body, quoted: true}), rest
		case c == '$':
			body, rest, ok := dollar(s)
			if !ok {
				s = s[1:]
				continue
			}
			if depth < 4 {
				to = lex(append(to, token{mark: ';'}), body, depth+1)
			}
			to, s = append(to, token{mark: '$'}), rest
		case letter(c):
			n := 1
			for n < len(s) && (letter(s[n]) || s[n] >= '0' && s[n] <= '9' || s[n] == '$') {
				n++
			}
			to, s = append(to, token{word: strings.ToLower(s[:n])}), s[n:]
		case c == ' ', c == '\t', c == '\n', c == '\r', c == '\f':
			s = s[1:]
		default:
			to, s = append(to, token{mark: c}), s[1:]
		}
	}
	return to
}

func letter(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c >= 0x80
}

// afterComment returns what follows a comment, which may hold others.
func afterComment(s string) string {
	for depth := 0; s != ""; {
		switch {
		case strings.HasPrefix(s, "/*"):
			depth, s = depth+1, s[2:]
		case strings.HasPrefix(s, "*/"):
			if depth, s = depth-1, s[2:]; depth == 0 {
				return s
			}
		default:
			s = s[1:]
		}
	}
	return ""
}

// quoted returns what stands up to the closing mark, of which two are one, and the rest behind it.
func quoted(s string, mark byte, backslash bool) (body, rest string) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case backslash && s[i] == '\\' && i+1 < len(s):
			i++
		case s[i] == mark && i+1 < len(s) && s[i+1] == mark:
			i++
		case s[i] == mark:
			return b.String(), s[i+1:]
		}
		b.WriteByte(s[i])
	}
	return b.String(), ""
}

// dollar returns the text between $tag$ and $tag$.
func dollar(s string) (body, rest string, ok bool) {
	end := strings.IndexByte(s[1:], '$')
	if end < 0 {
		return "", "", false
	}
	tag := s[:end+2]
	for i := 1; i < len(tag)-1; i++ {
		if !letter(tag[i]) && (i == 1 || tag[i] < '0' || tag[i] > '9') {
			return "", "", false
		}
	}
	body, rest, _ = strings.Cut(s[len(tag):], tag)
	return body, rest, true
}

// locked refuses a migration that was tried and holds locks on tables of other schemas. It is asked within its transaction,
// so that nothing of it is kept.
func (c *conn) locked(ctx context.Context, on steps.Tx) error {
	if !strings.HasPrefix(c.schema, scratchPrefix) {
		return nil
	}
	rows, err := on.QueryContext(ctx, `SELECT DISTINCT n.nspname || '.' || c.relname FROM pg_locks l JOIN pg_class c ON c.oid = l.relation JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE l.pid = pg_backend_pid() AND l.locktype = 'relation' AND l.mode <> 'AccessShareLock'
		AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND n.nspname <> $1 AND n.nspname !~ '^pg_' ORDER BY 1 LIMIT 5`, c.schema)
	if err != nil {
		return err
	}
	defer rows.Close()
	var names []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return err
		}
		names = append(names, name)
	}
	if len(names) > 0 {
		return &outsideError{strings.Join(names, ", ")}
	}
	return rows.Err()
}

// outsideError says which tables a migration that was tried has reached.
type outsideError struct{ names string }

func (e *outsideError) Error() string {
	return "it reaches " + e.names + ", also when it is only tried; nothing of it was kept"
}
