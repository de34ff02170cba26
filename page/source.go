package page

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"text/template/parse"
	"unicode/utf8"

	"github.com/merlon-web/merlon/check"
)

// siteAlias stands for $site while text/template/parse reads a page: the parser knows no variable that it has not seen
// declared, and takes this, which has as many bytes, for a function.
const siteAlias = "ſite"

// source is one parsed file: its trees by name, with the text that positions point into.
type source struct {
	file  *file
	trees map[string]*parse.Tree
}

// parseFile parses one file. The tree of the file itself has the file's name.
func parseFile(f *file) (*source, check.Faults) {
	if at, what := badText(f.text); at >= 0 {
		return nil, check.Faults{RuleSource.Finding(position(f, at), what, "save the file as UTF-8 without byte order mark")}
	}
	s := &source{f, map[string]*parse.Tree{}}
	t := parse.New(f.name)
	t.Mode = parse.SkipFuncCheck // functions are looked up, with types, by the compiler
	if _, err := t.Parse(hideSite(f.text), "{{", "}}", s.trees); err != nil {
		return nil, check.Faults{parseFault(f, err)}
	}
	if s.trees[f.name] == nil {
		s.trees[f.name] = t
	}
	return s, nil
}

// badText finds what readers of the file might read differently.
func badText(text string) (at int, what string) {
	if strings.HasPrefix(text, "\ufeff") {
		return 0, "the file begins with a byte order mark"
	}
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRuneInString(text[i:])
		switch {
		case r == 0:
			return i, "a NUL byte"
		case r == utf8.RuneError && n == 1:
			return i, fmt.Sprintf("byte 0x%02x, which is no UTF-8", text[i])
		}
		i += n
	}
	return -1, ""
}

var parseMessage = regexp.MustCompile(`(?s)^template: .*?:(\d+): (.*)$`)

// parseFault turns an error of text/template/parse, which knows the line alone, into a finding.
func parseFault(f *file, err error) check.Finding {
	line, what := 1, err.Error()
	if m := parseMessage.FindStringSubmatch(what); m != nil {
		line, _ = strconv.Atoi(m[1])
		what = m[2]
	}
	what = strings.ReplaceAll(strings.TrimPrefix(what, "template: "), siteAlias, "$site")
	where := fmt.Sprintf("%s:%d:%d", f.path, line, parseColumn(f.text, line))
	if strings.Contains(what, "multiple definition of template") {
		return RuleRedefined.Finding(where, what, "give one of them another name")
	}
	do := "correct the action; the syntax is text/template's"
	switch {
	case strings.Contains(what, "unexpected EOF"):
		do = "end each if, range, with, block and define with {{end}}"
		if at, open := stillOpen(f); open != "" {
			where, what = position(f, at), what+": "+open
		}
	case strings.Contains(what, "undefined variable"):
		do = "declare it before: {{$x := …}}; variables end with their {{end}}"
	}
	return RuleParse.Finding(where, what, do)
}

// parseColumn is the column of the first action of a line: the parser tells no column.
func parseColumn(text string, line int) int {
	for ; line > 1; line-- {
		i := strings.IndexByte(text, '\n')
		if i < 0 {
			return 1
		}
		text = text[i+1:]
	}
	if i := strings.IndexByte(text, '\n'); i >= 0 {
		text = text[:i]
	}
	return 1 + max(0, strings.Index(text, "{{"))
}

// position is file:line:column of a byte of a file; columns count bytes from 1.
func position(f *file, offset int) string {
	before := f.text[:min(max(offset, 0), len(f.text))]
	return fmt.Sprintf("%s:%d:%d", f.path, 1+strings.Count(before, "\n"), len(before)-strings.LastIndexByte(before, '\n'))
}

// hideSite writes siteAlias for each $site of an action, leaving texts, strings and comments alone. Every byte keeps its
// place.
func hideSite(text string) string {
	if !strings.Contains(text, "$site") {
		return text
	}
	var b strings.Builder
	for {
		i := strings.Index(text, "{{")
		if i < 0 {
			b.WriteString(text)
			return b.String()
		}
		b.WriteString(text[:i])
		n := actionEnd(text[i:])
		action := text[i : i+n]
		if !isComment(action) {
			action = hideInAction(action)
		}
		b.WriteString(action)
		text = text[i+n:]
	}
}

// isComment reports whether an action is {{/* … */}}, with or without trim marker.
func isComment(action string) bool {
	body := strings.TrimPrefix(action, "{{")
	if len(body) > 2 && body[0] == '-' && strings.ContainsRune(" \t\r\n", rune(body[1])) {
		body = body[2:]
	}
	return strings.HasPrefix(body, "/*")
}

// actionEnd returns the length of the action that text begins with, as the lexer of text/template/parse would end it.
func actionEnd(text string) int {
	if isComment(text) {
		if i := strings.Index(text, "*/"); i >= 0 {
			if j := strings.Index(text[i:], "}}"); j >= 0 {
				return i + j + 2
			}
		}
		return len(text)
	}
	for i := 2; i < len(text); {
		switch {
		case strings.HasPrefix(text[i:], "}}"):
			return i + 2
		case strings.IndexByte("\"'`", text[i]) >= 0:
			i = quotedEnd(text, i)
		default:
			i++
		}
	}
	return len(text)
}

// quotedEnd returns the index behind the quoted constant that begins at i.
func quotedEnd(text string, i int) int {
	q := text[i]
	for i++; i < len(text); i++ {
		switch {
		case text[i] == q:
			return i + 1
		case text[i] == '\\' && q != '`':
			i++
		}
	}
	return len(text)
}

func hideInAction(action string) string {
	var b strings.Builder
	for i := 0; i < len(action); {
		switch {
		case strings.IndexByte("\"'`", action[i]) >= 0:
			end := quotedEnd(action, i)
			b.WriteString(action[i:end])
			i = end
		case strings.HasPrefix(action[i:], "$site") && !letter(action[i+len("$site"):]):
			b.WriteString(siteAlias)
			i += len("$site")
		default:
			b.WriteByte(action[i])
			i++
		}
	}
	return b.String()
}

// letter reports whether s begins with what could continue a name.
func letter(s string) bool {
	if s == "" {
		return false
	}
	c := s[0]
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= utf8.RuneSelf
}
