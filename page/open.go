package page

import (
	"fmt"
	"slices"
	"strings"
)

// opened is an action that wants an {{end}}.
type opened struct {
	at   int // byte of the file
	text string
}

// stillOpen finds the innermost action that is open at the end of a file, and tells in words which it is, and what the last
// {{end}} ended: the parser tells the file's end alone. "" if all are closed.
func stillOpen(f *file) (at int, what string) {
	var stack []opened
	last := ""
	for i := 0; ; {
		n := strings.Index(f.text[i:], "{{")
		if n < 0 {
			break
		}
		i += n
		end := i + actionEnd(f.text[i:])
		action := f.text[i:end]
		switch keyword(action) {
		case "if", "range", "with", "block", "define":
			stack = append(stack, opened{i, strings.Join(strings.Fields(action), " ")})
		case "end":
			if len(stack) > 0 {
				closed := stack[len(stack)-1]
				stack = stack[:len(stack)-1]
				last = fmt.Sprintf("; the last {{end}}, of line %d, ended %s of line %d", lineOf(f, i), closed.text, lineOf(f, closed.at))
			}
		}
		i = end
	}
	if len(stack) == 0 {
		return 0, ""
	}
	open := stack[len(stack)-1]
	return open.at, fmt.Sprintf("%s of line %d is open at the end of the file%s", open.text, lineOf(f, open.at), last)
}

// keyword is the first word of an action, "" of a comment.
func keyword(action string) string {
	if isComment(action) {
		return ""
	}
	body := strings.TrimPrefix(strings.TrimPrefix(action, "{{"), "-")
	words := strings.FieldsFunc(body, func(r rune) bool { return !(r >= 'a' && r <= 'z') })
	if trimmed := strings.TrimLeft(body, " \t\r\n"); len(words) == 0 || !strings.HasPrefix(trimmed, words[0]) {
		return ""
	}
	if slices.Contains([]string{"if", "range", "with", "block", "define", "end"}, words[0]) {
		return words[0]
	}
	return ""
}

func lineOf(f *file, at int) int { return 1 + strings.Count(f.text[:at], "\n") }
