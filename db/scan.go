package db

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/merlon-web/merlon/check"
)

// pieceKind says what a piece of a statement's text is.
type pieceKind uint8

const (
	pieceText   pieceKind = iota // SQL as written
	pieceParam                   // $n
	pieceList                    // $n... within IN ( )
	pieceChoice                  // {n}
)

// A piece is a part of a statement's text between the places where something is put in.
type piece struct {
	kind pieceKind
	n    int // of $n (from 1), of {n} (from 0)
	text string
}

// A problem is a fault of a statement's text that can be seen without an engine.
type problem struct {
	rule     check.Rule
	what, do string
}

// scanned is what the scanner knows of a text.
type scanned struct {
	pieces   []piece
	problems []problem
	first    string   // the first word, upper case
	words    []string // every bare word outside strings and comments, as written
	limit    bool     // has LIMIT outside all parentheses
	closed   bool     // can stand within a statement: no comment, no semicolon, and its parentheses match
}

// maxPlaces bounds the choices and the lists of one statement, so that the number of its texts stays bounded.
const maxPlaces = 4

// scan cuts a text into pieces. It knows just enough of SQL to tell what lies in strings, quoted names and comments. What
// SQLite and PostgreSQL read differently (dollar quotes, backslash strings, nested comments, brackets) is a problem, so
// that the two and this function always agree on what is a parameter; engines check the number of parameters again.
func scan(sql string) *scanned {
	s := &scanner{sql: sql, out: &scanned{}}
	if strings.IndexByte(sql, 0) >= 0 {
		s.fault(RuleOneStatement, "the text holds a NUL byte", "take it out: engines read no further")
	}
	s.run()
	s.out.closed = !s.ended && !s.open && s.depth == 0
	return s.out
}

type scanner struct {
	sql   string
	at    int // next byte
	from  int // where the current text piece began
	depth int
	last  [2]string // the last two tokens: words in upper case, else the byte
	ended bool      // a semicolon came
	open  bool      // a comment came, or a parenthesis closed one that is not in the text
	out   *scanned
}

func (s *scanner) fault(rule check.Rule, what, do string) {
	s.out.problems = append(s.out.problems, problem{rule, what, do})
}

func (s *scanner) token(t string) { s.last[0], s.last[1] = s.last[1], t }

// cut ends the current text piece at the byte before now and begins the next one at next.
func (s *scanner) cut(now, next int) {
	if now > s.from {
		s.out.pieces = append(s.out.pieces, piece{kind: pieceText, text: s.sql[s.from:now]})
	}
	s.from = next
}

func identByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '$' || c >= 0x80
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

func (s *scanner) peek(i int) byte {
	if s.at+i < len(s.sql) {
		return s.sql[s.at+i]
	}
	return 0
}

func (s *scanner) run() {
	for s.at < len(s.sql) {
		c := s.sql[s.at]
		blank := c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f'
		comment := c == '-' && s.peek(1) == '-' || c == '/' && s.peek(1) == '*'
		if s.ended && !blank && !comment {
			if c != ';' {
				s.fault(RuleOneStatement, "text follows the semicolon", "declare each statement by itself")
			}
			break
		}
		switch {
		case blank:
			s.at++
		case comment:
			s.open = true
			s.comment()
		case c == '\'' || c == '"':
			s.quoted(c)
		case c == '$':
			s.param()
		case c == '{':
			s.choice()
		case c == ';':
			s.cut(s.at, len(s.sql))
			s.ended = true
			s.at++
		case c == ':' && s.peek(1) == ':': // PostgreSQL's cast
			s.at += 2
			s.token(":")
		case (c == ':' || c == '@' || c == '#') && identByte(s.peek(1)), c == '?',
			(c == '@' || c == '#') && s.peek(1) == ':' && s.peek(2) == ':': // a name of Tcl's, to SQLite
			s.fault(RuleParams, fmt.Sprintf("%q stands for a parameter", s.sql[s.at:min(len(s.sql), s.at+8)]), "write parameters as $1, $2 …")
			s.at++
			s.token(string(c))
		case c == '`' || c == '[' || c == '}' || c < ' ' || c == 0x7f:
			s.fault(RulePrepare, fmt.Sprintf("the byte %q", string(c)), "write names that need quotes in double quotes, and nothing else outside of strings")
			s.at++
		case identByte(c):
			s.word()
		default:
			switch c {
			case '(':
				s.depth++
			case ')':
				s.depth--
				s.open = s.open || s.depth < 0
			}
			s.at++
			s.token(string(c))
		}
	}
	if !s.ended {
		s.cut(len(s.sql), len(s.sql))
	}
}

func (s *scanner) word() {
	from := s.at
	for s.at < len(s.sql) && identByte(s.sql[s.at]) {
		s.at++
	}
	word := s.sql[from:s.at]
	if s.peek(0) == '\'' && word != "x" && word != "X" {
		s.fault(RulePrepare, fmt.Sprintf("a string with the prefix %q", word), "write it as a plain string '…' or as an argument")
	}
	upper := strings.ToUpper(word)
	if s.out.first == "" {
		s.out.first = upper
	}
	if upper == "LIMIT" && s.depth == 0 {
		s.out.limit = true
	}
	s.out.words = append(s.out.words, word)
	s.token(upper)
}

func (s *scanner) comment() {
	if s.sql[s.at] == '-' {
		if i := strings.IndexByte(s.sql[s.at:], '\n'); i >= 0 {
			s.at += i + 1
		} else {
			s.at = len(s.sql)
		}
		return
	}
	body := s.sql[s.at+2:]
	end := strings.Index(body, "*/")
	if end < 0 || strings.Contains(body[:end], "/*") {
		s.fault(RulePrepare, "a comment that does not end, or one within another", "end it with */")
		s.at = len(s.sql)
		return
	}
	s.at += 2 + end + 2
}

func (s *scanner) quoted(quote byte) {
	from := s.at
	for s.at++; s.at < len(s.sql); s.at++ {
		if s.sql[s.at] == 0 {
			s.fault(RulePrepare, "a zero byte in a string", "give it as an argument")
		}
		if s.sql[s.at] != quote {
			continue
		}
		if s.peek(1) != quote {
			s.at++
			if quote == '"' {
				s.out.words = append(s.out.words, strings.ReplaceAll(s.sql[from+1:s.at-1], `""`, `"`))
			}
			s.token(string(quote))
			return
		}
		s.at++
	}
	s.fault(RulePrepare, "a string that does not end", "end it with "+string(quote))
}

func (s *scanner) param() {
	end := s.at + 1
	for end < len(s.sql) && digit(s.sql[end]) {
		end++
	}
	digits := s.sql[s.at+1 : end]
	n, err := strconv.Atoi(digits)
	if err != nil || digits[0] == '0' || n > maxParams || end < len(s.sql) && identByte(s.sql[end]) {
		s.fault(RuleParams, fmt.Sprintf("%q is no parameter", s.sql[s.at:min(len(s.sql), end+8)]), fmt.Sprintf("write parameters as $1 to $%d, with nothing that belongs to a name after them", maxParams))
		s.at = end
		s.token("$")
		return
	}
	if !strings.HasPrefix(s.sql[end:], "...") {
		s.cut(s.at, end)
		s.out.pieces = append(s.out.pieces, piece{kind: pieceParam, n: n})
		s.at = end
		s.token("$")
		return
	}
	rest := strings.TrimLeft(s.sql[end+3:], " \t\r\n")
	if s.last != [2]string{"IN", "("} || !strings.HasPrefix(rest, ")") {
		s.fault(RuleList, fmt.Sprintf("the list $%d... stands outside of IN ( )", n), fmt.Sprintf("write it as: column IN ($%d...)", n))
	}
	s.cut(s.at, end+3)
	s.out.pieces = append(s.out.pieces, piece{kind: pieceList, n: n})
	s.at = end + 3
	s.token("$")
}

func (s *scanner) choice() {
	end := s.at + 1
	for end < len(s.sql) && digit(s.sql[end]) {
		end++
	}
	n, err := strconv.Atoi(s.sql[s.at+1 : end])
	if err != nil || end > s.at+2 || end >= len(s.sql) || s.sql[end] != '}' || n >= maxPlaces {
		s.fault(RuleChoice, fmt.Sprintf("%q is no place of a choice", s.sql[s.at:min(len(s.sql), end+4)]), fmt.Sprintf("write {0} to {%d}", maxPlaces-1))
		s.at++
		return
	}
	s.cut(s.at, end+1)
	s.out.pieces = append(s.out.pieces, piece{kind: pieceChoice, n: n})
	s.at = end + 1
	s.token("{")
}

// maxParams bounds $n: far more than anyone writes by hand, far less than any engine's limit.
const maxParams = 999

// params returns the parameters of pieces: params[i] says of $i+1 whether it is absent (0), one value (1) or a list (2).
func params(pieces []piece) (list []uint8, problems []problem) {
	for _, p := range pieces {
		if p.kind != pieceParam && p.kind != pieceList {
			continue
		}
		for len(list) < p.n {
			list = append(list, 0)
		}
		as := uint8(1)
		if p.kind == pieceList {
			as = 2
		}
		if was := list[p.n-1]; was != 0 && was != as {
			problems = append(problems, problem{RuleList, fmt.Sprintf("$%d is a list in one place and a single value in another", p.n), "give them two numbers"})
		}
		list[p.n-1] = as
	}
	if i := slices.Index(list, 0); i >= 0 {
		problems = append(problems, problem{RuleParams, fmt.Sprintf("$%d is not used, but $%d is", i+1, len(list)), fmt.Sprintf("use each of $1 to $%d, or number them anew", len(list))})
	}
	lists := 0
	for _, as := range list {
		if as == 2 {
			lists++
		}
	}
	if lists > maxPlaces {
		problems = append(problems, problem{RuleList, fmt.Sprintf("%d lists in one statement", lists), fmt.Sprintf("use at most %d", maxPlaces)})
	}
	return list, problems
}
