// Package export writes tables of data that people open with a spreadsheet, and lets no cell of it become a formula: a
// visitor's name that begins with "=" is run by the program of whoever opens the list (OWASP, CSV Injection; CWE-1236).
package export

import (
	"bytes"
	"encoding"
	"fmt"
	"io"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/internal/place"
)

type constant string

// A CSV writes one table as comma-separated values (RFC 4180): UTF-8, CRLF, text always in quotes, so that no program
// splits it at a semicolon. It is not safe for concurrent use.
type CSV struct {
	w       io.Writer
	columns int
	line    bytes.Buffer
	where   string
}

// NewCSV writes the names of the columns to w, and returns a CSV for the rows. The error is that of w.
func NewCSV(w io.Writer, columns ...constant) (*CSV, error) {
	c := &CSV{w: w, columns: len(columns), where: place.Caller(1).At}
	names := make([]any, len(columns))
	for i, name := range columns {
		names[i] = string(name)
	}
	return c, c.Row(names...)
}

// Row writes one row, whole or not at all: one cell for each column. Texts, and what has a method String, MarshalText or Error,
// are data: one that a spreadsheet would take for a formula gets an apostrophe before it, which spreadsheets show as
// plain text. Numbers, bools and times of the program's own types are none and stand as they are, times as RFC 3339;
// nil is an empty cell. The error wraps a [check.Finding] when a cell cannot stand in a table, and is else that of the writer.
func (c *CSV) Row(cells ...any) error {
	if len(cells) != c.columns {
		return RuleCell.Finding(c.where, fmt.Sprintf("a row has %d cells, and the table has %d columns", len(cells), c.columns), "give one cell for each column")
	}
	c.line.Reset()
	for i, cell := range cells {
		if i > 0 {
			c.line.WriteByte(',')
		}
		text, data, err := written(cell)
		switch {
		case err != nil:
			return RuleCell.Finding(c.where, fmt.Sprintf("column %d: %v", i+1, err), "give text, a number, a bool, a time or nil")
		case !data:
			c.line.WriteString(text)
		case strings.ContainsRune(text, 0):
			return RuleCell.Finding(c.where, fmt.Sprintf("column %d has a NUL, which programs read as the end of the file or leave out", i+1), "take it out, or refuse it where it comes in")
		default:
			c.line.WriteByte('"')
			c.line.WriteString(strings.ReplaceAll(Harmless(strings.ToValidUTF8(text, "\ufffd")), `"`, `""`))
			c.line.WriteByte('"')
		}
	}
	c.line.WriteString("\r\n")
	_, err := c.w.Write(c.line.Bytes())
	return err
}

// written returns a cell's text, and whether it is data (anything that is not a number, bool or time of the program).
func written(cell any) (text string, data bool, err error) {
	if v := reflect.ValueOf(cell); v.Kind() == reflect.Pointer && v.IsNil() {
		return "", false, nil // its methods may be those of what it does not point to
	}
	switch v := cell.(type) {
	case nil:
		return "", false, nil
	case string:
		return v, true, nil
	case time.Time:
		return v.Format(time.RFC3339), false, nil
	case *time.Time:
		return v.Format(time.RFC3339), false, nil
	case encoding.TextMarshaler:
		b, err := v.MarshalText()
		return string(b), true, err
	case fmt.Stringer:
		return v.String(), true, nil
	case error:
		return v.Error(), true, nil
	}
	switch v := reflect.ValueOf(cell); v.Kind() {
	case reflect.String:
		return v.String(), true, nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return strconv.FormatInt(v.Int(), 10), false, nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return strconv.FormatUint(v.Uint(), 10), false, nil
	case reflect.Float32, reflect.Float64:
		return strconv.FormatFloat(v.Float(), 'g', -1, v.Type().Bits()), false, nil
	case reflect.Bool:
		return strconv.FormatBool(v.Bool()), false, nil
	default:
		return "", false, fmt.Errorf("a %T is no cell", cell)
	}
}

// Harmless returns a text that no spreadsheet takes for a formula: with an apostrophe before it if it begins with a tab
// or a line break, or if its first letter behind any space is =, +, -, @ or one of their full-width forms.
func Harmless(text string) string {
	first := strings.TrimLeftFunc(text, func(r rune) bool { return unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) })
	if strings.HasPrefix(text, "\t") || strings.HasPrefix(text, "\r") || strings.HasPrefix(text, "\n") || strings.IndexFunc(first, formula) == 0 {
		return "'" + text
	}
	return text
}

func formula(r rune) bool { return strings.ContainsRune("=+-@＝＋－＠", r) }

// RuleCell is about what cannot stand in a table.
var RuleCell = check.Rule{ID: "MRL-CSV-001", Property: check.Integrity, Severity: check.Medium,
	Title:  "a cell that cannot stand in a table",
	Why:    "programs read it as something else: the end of the file, another column, or nothing",
	Attack: "A visitor's name with a NUL or a surplus cell moves the rest of the row, so that a list of payments says something else.",
	Wrong:  `table.Row(m.Name, m)`, Right: `table.Row(m.Name, m.Email, m.Joined)`,
	Source: "RFC 4180, 2; OWASP, CSV Injection; CWE-1236; OWASP ASVS 1.2.10"}

// Rules lists the rules of the room.
func Rules() []check.Rule { return []check.Rule{RuleCell} }

var _ = check.Known(Rules()...)
