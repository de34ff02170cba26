package static

import (
	"bytes"
	"fmt"
	"path"
	"slices"
	"strings"
)

// linker rewrites the references of style sheets to the addresses with hash of what they name.
type linker struct {
	state       *state
	raw         map[string][]byte
	dir, prefix string
	open        []string // the sheets that are being linked, outermost first
}

// link links one style sheet and those that it imports before it.
func (l *linker) link(name string) *file {
	if done := l.state.byName[name]; done != nil {
		return done
	}
	if slices.Contains(l.open, name) {
		l.fault(name, 0, RuleReference.Finding("", fmt.Sprintf("style sheets that import each other: %s, %s", strings.Join(l.open, ", "), name), "let one of them import the other"))
		return nil
	}
	l.open = append(l.open, name)
	src := l.raw[name]
	var out bytes.Buffer
	last := 0
	for _, ref := range references(src) {
		target, ok := l.resolve(name, src, ref)
		if !ok {
			continue
		}
		out.Write(src[last:ref.start])
		out.WriteString(target)
		last = ref.end
	}
	out.Write(src[last:])
	l.open = l.open[:len(l.open)-1]
	return l.state.add(l.prefix, name, kindOf(name), bytes.Clone(out.Bytes()))
}

// resolve returns what to write in the place of a reference; false leaves it as it is.
func (l *linker) resolve(name string, src []byte, ref reference) (string, bool) {
	value := string(src[ref.start:ref.end])
	bad := func(what, do string) (string, bool) {
		l.fault(name, 1+bytes.Count(src[:ref.start], []byte{'\n'}), RuleReference.Finding("", fmt.Sprintf("%.80q: %s", value, what), do))
		return "", false
	}
	lower := strings.ToLower(value)
	switch {
	case value == "" || value[0] == '#':
		return "", false
	case strings.HasPrefix(lower, "data:"):
		l.state.inline = append(l.state.inline, told{l.where(name, 1+bytes.Count(src[:ref.start], []byte{'\n'})), fmt.Sprintf("%.40q", value)})
		return "", false
	case strings.ContainsAny(value, "\\%"):
		return bad("a reference with escapes", "write it plainly: names of static files need none")
	case strings.HasPrefix(value, "//") || scheme(lower):
		return bad("a file of another host, which the site's policy blocks", "put the file into this folder")
	case ref.bare:
		return bad("a file named by a string in image-set", "write url(…), so that it can be found")
	}
	value, fragment := cutFragment(value)
	value, _, _ = strings.Cut(value, "?") // font.woff2?v=4: the hash does that
	target := path.Join(path.Dir(name), value)
	if strings.HasPrefix(value, "/") {
		rest, ok := strings.CutPrefix(value, l.prefix)
		if !ok {
			return bad("a path that is not under "+l.prefix, "name a file of this folder")
		}
		target = path.Clean(rest)
	}
	if _, ok := l.raw[target]; !ok {
		do := "put the file there, or name one that is"
		if near := nearest(target, l.raw); near != "" {
			do = fmt.Sprintf("did you mean %s?", near)
		}
		return bad("no such file", do)
	}
	one := l.state.byName[target]
	if one == nil {
		if one = l.link(target); one == nil {
			return "", false
		}
	}
	return one.address + fragment, true
}

func (l *linker) where(name string, line int) string {
	if line == 0 {
		return path.Join(l.dir, name)
	}
	return fmt.Sprintf("%s:%d", path.Join(l.dir, name), line)
}

func scheme(s string) bool {
	i := strings.IndexByte(s, ':')
	return i > 0 && strings.Trim(s[:i], "abcdefghijklmnopqrstuvwxyz0123456789+-.") == ""
}

// reference is the place of an address in a style sheet, without its quotes.
type reference struct {
	start, end int
	bare       bool // a string of image-set
}

// references finds url(…) and the strings of @import and image-set, by the tokens of CSS Syntax 3: not in comments, not in
// other strings, not in @namespace.
func references(src []byte) []reference {
	var refs []reference
	var calls []string // the functions and parentheses that are open
	rule := ""         // the at-rule whose prelude is being read
	for i := 0; i < len(src); {
		switch c := src[i]; {
		case c == '/' && i+1 < len(src) && src[i+1] == '*':
			if end := bytes.Index(src[i+2:], []byte("*/")); end >= 0 {
				i += end + 4
			} else {
				i = len(src)
			}
		case c == '"' || c == '\'':
			start, end, next := quoted(src, i)
			inSet := len(calls) > 0 && strings.HasSuffix(calls[len(calls)-1], "image-set")
			switch {
			case rule == "import" && len(calls) == 0:
				refs = append(refs, reference{start, end, false})
				rule = ""
			case inSet:
				refs = append(refs, reference{start, end, true})
			}
			i = next
		case c == '@':
			end := identEnd(src, i+1)
			rule = strings.ToLower(string(src[i+1 : end]))
			i = max(end, i+1)
		case c == ';' || c == '{' || c == '}':
			rule = ""
			i++
		case c == '(':
			calls = append(calls, "")
			i++
		case c == ')':
			if len(calls) > 0 {
				calls = calls[:len(calls)-1]
			}
			i++
		case c == '\\':
			i += 2
		case identByte(c):
			end := identEnd(src, i)
			word := strings.ToLower(string(src[i:end]))
			i = end
			if i >= len(src) || src[i] != '(' {
				continue
			}
			i++
			if word != "url" {
				calls = append(calls, word)
				continue
			}
			var ref reference
			ref, i = urlToken(src, i)
			if rule != "namespace" {
				refs = append(refs, ref)
			}
			if rule == "import" {
				rule = ""
			}
		default:
			i++
		}
	}
	return refs
}

// urlToken reads behind "url(" to behind its ")".
func urlToken(src []byte, i int) (reference, int) {
	for i < len(src) && space(src[i]) {
		i++
	}
	if i < len(src) && (src[i] == '"' || src[i] == '\'') {
		start, end, next := quoted(src, i)
		for next < len(src) && src[next] != ')' {
			next++
		}
		return reference{start, end, false}, min(next+1, len(src))
	}
	start := i
	for i < len(src) && src[i] != ')' {
		if src[i] == '\\' {
			i++
		}
		i++
	}
	i = min(i, len(src))
	end := i
	for end > start && space(src[end-1]) {
		end--
	}
	return reference{start, end, false}, min(i+1, len(src))
}

// quoted reads the string that begins at i: where its text starts and ends, and where reading goes on.
func quoted(src []byte, i int) (start, end, next int) {
	q := src[i]
	for j := i + 1; j < len(src); j++ {
		switch src[j] {
		case q:
			return i + 1, j, j + 1
		case '\\':
			j++
		case '\n': // a bad string ends with its line
			return i + 1, j, j
		}
	}
	return i + 1, len(src), len(src)
}

func identByte(c byte) bool {
	return c == '-' || c == '_' || c >= 0x80 || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

func identEnd(src []byte, i int) int {
	for i < len(src) && identByte(src[i]) {
		i++
	}
	return i
}

func space(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' }
