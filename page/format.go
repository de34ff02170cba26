package page

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"text/template/parse"
	"unsafe"
)

// printing compiles print and println, which are fmt.Sprint and fmt.Sprintln of the values as they are.
func (c *compiler) printing(args []*expr, line bool, pos parse.Pos) *expr {
	var parts []func(f *frame)
	for i, e := range args {
		// Sprint puts a space between two operands when neither is a text; Sprintln always.
		if i > 0 && (line || !isString(e.typ) && !isString(args[i-1].typ)) {
			parts = append(parts, literal(" "))
		}
		p := c.operandText(e, pos)
		if p == nil {
			return nil
		}
		parts = append(parts, p)
	}
	if line {
		parts = append(parts, literal("\n"))
	}
	return c.joined(parts, "print …")
}

// joined is the text that parts append to env.tmp, one after the other.
func (c *compiler) joined(parts []func(f *frame), src string) *expr {
	return c.computedString(func(f *frame) string {
		n := len(f.env.tmp)
		for _, p := range parts {
			p(f)
		}
		return view(f.env.tmp[n:])
	}, src)
}

func literal(s string) func(f *frame) {
	return func(f *frame) { f.env.tmp = append(f.env.tmp, s...) }
}

// operandText compiles an argument of print or of a plain %v: what fmt.Sprint makes of the value, which, unlike printing it,
// does not follow pointers.
func (c *compiler) operandText(e *expr, pos parse.Pos) func(f *frame) {
	if e.typ == nil && e.alts == nil {
		return literal(nilWord)
	}
	if e.alts != nil {
		c.fault(RuleArguments, pos, fmt.Sprintf("%s has no one type", e.src), "print it by itself, or compare it with if")
		return nil
	}
	if e.typ.Kind() == reflect.Pointer && !printsItself(e.typ) {
		c.fault(RulePrint, pos, fmt.Sprintf("%s, %s: its address would be printed", e.src, aType(e.typ)), "print what it points to: a field of it")
		return nil
	}
	text := c.textOf(e, pos)
	if text == nil {
		return nil
	}
	if e.absent {
		at := e.addr()
		return func(f *frame) {
			if at(f) == nil {
				f.env.tmp = append(f.env.tmp, nilWord...)
				return
			}
			appendText(f, text)
		}
	}
	return func(f *frame) { appendText(f, text) }
}

// appendText appends a text to env.tmp, where it may have been made already.
func appendText(f *frame, text func(f *frame) string) {
	n := len(f.env.tmp)
	s := text(f)
	// Appending a part of tmp's own array to tmp is a copy within it, which append does right.
	f.env.tmp = append(f.env.tmp[:n], s...)
}

// verb is one verb of a format.
type verb struct {
	text  string // as written: "%-5s"
	flags string
	width string
	prec  string
	char  byte
}

// parseFormat splits a format into texts and verbs. What formats may hold: flags, width and precision in digits.
func parseFormat(s string) (parts []any, fault string) {
	lit := ""
	for i := 0; i < len(s); {
		if s[i] != '%' {
			lit += s[i : i+1]
			i++
			continue
		}
		start := i
		i++
		take := func(set string) string {
			j := i
			for i < len(s) && strings.IndexByte(set, s[i]) >= 0 {
				i++
			}
			return s[j:i]
		}
		v := verb{flags: take("+-# 0"), width: take("0123456789")}
		if i < len(s) && s[i] == '.' {
			i++
			v.prec = "." + take("0123456789")
		}
		if i >= len(s) {
			return nil, "the format ends in a verb"
		}
		v.char = s[i]
		i++
		v.text = s[start:i]
		if len(v.width) > 4 || len(v.prec) > 4 {
			return nil, fmt.Sprintf("%s: a width of more than 9,999", v.text)
		}
		if v.char == '%' {
			if v.text != "%%" {
				return nil, v.text
			}
			lit += "%"
			continue
		}
		if lit != "" {
			parts = append(parts, lit)
			lit = ""
		}
		parts = append(parts, v)
	}
	if lit != "" {
		parts = append(parts, lit)
	}
	return parts, ""
}

// verbs are what package fmt can do with each class of values.
var verbs = map[class]string{boolClass: "vt", intClass: "vdboOxXcqU", uintClass: "vdboOxXcqU", floatClass: "veEfFgGbxX", stringClass: "vsqxX"}

// format compiles printf: the format is constant, and each verb fits the type of its argument.
func (c *compiler) format(args []*expr, pos parse.Pos) *expr {
	if args[0].word == nil {
		c.fault(RuleArguments, pos, "printf with a format that is no constant", `write it in the page: {{printf "%.2f" .Price}}`)
		return nil
	}
	parts, fault := parseFormat(*args[0].word)
	if fault != "" {
		c.fault(RuleArguments, pos, "printf: "+fault, "write flags, width and precision in digits, and a verb: %5.2f")
		return nil
	}
	args = args[1:]
	var out []func(f *frame)
	n := 0
	for _, p := range parts {
		v, ok := p.(verb)
		if !ok {
			out = append(out, literal(p.(string)))
			continue
		}
		if n >= len(args) {
			n++
			continue
		}
		one := c.formatted(v, args[n], pos)
		if one == nil {
			return nil
		}
		out = append(out, one)
		n++
	}
	if n != len(args) {
		c.fault(RuleArguments, pos, fmt.Sprintf("printf: the format has %d verbs, and there are %d arguments", n, len(args)), "give each verb its argument")
		return nil
	}
	return c.joined(out, "printf …")
}

// formatted compiles one verb with its argument.
func (c *compiler) formatted(v verb, e *expr, pos parse.Pos) func(f *frame) {
	plain := v.flags == "" && v.width == "" && v.prec == ""
	if plain && v.char == 'v' {
		return c.operandText(e, pos)
	}
	bad := func() func(f *frame) {
		c.fault(RuleArguments, pos, fmt.Sprintf("printf: %s of %s, %s", v.text, e.src, aType(e.typ)), "use %s for texts, %d for whole numbers, %.2f for floats, %v for any")
		return nil
	}
	if e.typ == nil || e.alts != nil || e.typ.Implements(formatterType) {
		return bad()
	}
	k := classOf(e.typ)
	self := printsItself(e.typ)
	switch {
	case strings.IndexByte(verbs[k], v.char) >= 0:
	case self && strings.IndexByte("vsqxX", v.char) >= 0:
	default:
		return bad()
	}
	asText := self && strings.IndexByte("vsqxX", v.char) >= 0
	e = c.required(e, "printf", pos)
	if asText || k == stringClass {
		text := c.textOf(e, pos)
		if text == nil {
			return nil
		}
		if plain && v.char == 's' {
			return func(f *frame) { appendText(f, text) }
		}
		return func(f *frame) {
			n := len(f.env.tmp)
			s := strings.Clone(text(f))
			f.env.tmp = fmt.Appendf(f.env.tmp[:n], v.text, s)
		}
	}
	at, t := e.addr(), e.typ
	switch {
	case plain && v.char == 'd' && k == intClass:
		load := integer(t)
		return func(f *frame) { f.env.tmp = strconv.AppendInt(f.env.tmp, load(at(f)), 10) }
	case v.char == 'f' && k == floatClass && v.flags == "" && v.width == "" && len(v.prec) > 1:
		load, bits := floating(t)
		prec, _ := strconv.Atoi(v.prec[1:])
		return func(f *frame) { f.env.tmp = strconv.AppendFloat(f.env.tmp, load(at(f)), 'f', prec, bits) }
	}
	box := boxer(t)
	return func(f *frame) { f.env.tmp = fmt.Appendf(f.env.tmp, v.text, box(at(f))) }
}

// boxer returns how to hand a basic value to package fmt without the methods of its type: a verb for numbers asks for the
// number.
func boxer(t reflect.Type) func(p unsafe.Pointer) any {
	if load := integer(t); load != nil {
		return func(p unsafe.Pointer) any { return load(p) }
	}
	if load := unsigned(t); load != nil {
		if t.Kind() == reflect.Uint8 { // %x of a byte
			return func(p unsafe.Pointer) any { return *(*uint8)(p) }
		}
		return func(p unsafe.Pointer) any { return load(p) }
	}
	if load, bits := floating(t); load != nil {
		if bits == 32 {
			return func(p unsafe.Pointer) any { return *(*float32)(p) }
		}
		return func(p unsafe.Pointer) any { return load(p) }
	}
	return func(p unsafe.Pointer) any { return *(*bool)(p) }
}

// catalogue compiles text: a message of the catalogue in the visitor's language, with {0}, {1} … for the arguments.
func (c *compiler) catalogue(args []*expr, pos parse.Pos) *expr {
	if args[0].word == nil {
		c.fault(RuleText, pos, "text with an id that is no constant", `write it in the page: {{text "notes.empty"}}`)
		return nil
	}
	id := *args[0].word
	var texts []func(f *frame)
	for _, e := range args[1:] {
		t := c.operandText(e, pos)
		if t == nil {
			return nil
		}
		texts = append(texts, t)
	}
	c.facts.Texts = append(c.facts.Texts, id)
	langs := c.opts.languages()
	messages := make([]func(f *frame), len(langs))
	for i, lang := range langs {
		if print, plural := c.plural(lang, id, args, texts, pos); plural {
			if messages[i] = print; print == nil {
				return nil
			}
			continue
		}
		msg, ok := "", false
		if c.opts.Text != nil {
			msg, ok = c.opts.Text(lang, id)
		}
		if !ok {
			var known []string
			if c.opts.TextIDs != nil {
				known = c.opts.TextIDs()
			}
			what := fmt.Sprintf("the catalogue has no text %q", id)
			if lang != "" {
				what += " in language " + lang
			}
			c.fault(RuleText, pos, what, didYouMean(id, known, "add it to the catalogue"))
			return nil
		}
		if messages[i] = c.message(lang, id, msg, texts, pos); messages[i] == nil {
			return nil
		}
	}
	return c.computedString(func(f *frame) string {
		n := len(f.env.tmp)
		messages[f.env.lang](f)
		return view(f.env.tmp[n:])
	}, fmt.Sprintf("text %q", id))
}

// message compiles the words of one language, nil with a fault.
func (c *compiler) message(lang, id, words string, texts []func(f *frame), pos parse.Pos) func(f *frame) {
	parts, fault := messageParts(words, texts)
	if fault != "" {
		c.fault(RuleText, pos, fmt.Sprintf("text %q in language %s: %s", id, lang, fault), fmt.Sprintf("give {{text %q …}} as many values as the message has places", id))
		return nil
	}
	return func(f *frame) {
		for _, p := range parts {
			p(f)
		}
	}
}

// plural compiles a message with plural forms. The second result is false for one without.
func (c *compiler) plural(lang, id string, args []*expr, texts []func(f *frame), pos parse.Pos) (func(f *frame), bool) {
	if c.opts.Plural == nil {
		return nil, false
	}
	words, pick := c.opts.Plural(lang, id)
	if words == nil {
		return nil, false
	}
	if len(args) < 2 || args[1].typ == nil || args[1].absent || args[1].alts != nil || integer(args[1].typ) == nil {
		c.fault(RuleText, pos, fmt.Sprintf("text %q has plural forms, and its first value is no whole number", id), fmt.Sprintf("give it the number first: {{text %q (len .Notes)}}", id))
		return nil, true
	}
	forms := make([]func(f *frame), len(words))
	for i, w := range words {
		if forms[i] = c.message(lang, id, w, texts, pos); forms[i] == nil {
			return nil, true
		}
	}
	load, at := integer(args[1].typ), args[1].addr()
	return func(f *frame) {
		n := load(at(f))
		forms[pick(int(max(min(n, 1<<31-1), -1<<31)))](f)
	}, true
}

// messageParts splits a message at its places {0}, {1} …
func messageParts(msg string, args []func(f *frame)) (parts []func(f *frame), fault string) {
	for {
		i := strings.IndexByte(msg, '{')
		if i < 0 {
			break
		}
		j := strings.IndexByte(msg[i:], '}')
		if j < 0 {
			break
		}
		n, err := strconv.Atoi(msg[i+1 : i+j])
		if err != nil || n < 0 {
			parts = append(parts, literal(msg[:i+1]))
			msg = msg[i+1:]
			continue
		}
		if n >= len(args) {
			return nil, fmt.Sprintf("it has a place {%d}, and there are %d values", n, len(args))
		}
		parts = append(parts, literal(msg[:i]), args[n])
		msg = msg[i+j+1:]
	}
	return append(parts, literal(msg)), ""
}
