package event

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"unicode/utf8"
)

// maxValue bounds one logged value, in bytes: a visitor must not fill the disk with one line.
const maxValue = 4096

// NewLog returns a logger whose lines cannot be forged: control characters of every kind are escaped in both forms, and a
// value is cut at 4,096 bytes. JSON is for machines, the other form for people at a terminal.
//
// It does not recognise secrets by their look; give them the types of room secret.
func NewLog(w io.Writer, json bool, level slog.Leveler) *slog.Logger {
	return slog.New(&clean{NewHandler(w, json, level)})
}

// NewHandler is the handler below [NewLog].
func NewHandler(w io.Writer, json bool, level slog.Leveler) slog.Handler {
	o := &slog.HandlerOptions{Level: level}
	if json {
		return slog.NewJSONHandler(escaping{w}, o)
	}
	return slog.NewTextHandler(escaping{w}, o)
}

// escaping is the last step before the writer: what the handlers of slog leave raw (DEL, C1, the Unicode line separators,
// bidi controls) is written as \uXXXX, which both forms decode to the original.
type escaping struct{ w io.Writer }

func (e escaping) Write(line []byte) (int, error) {
	if !needsEscape(line) {
		return e.w.Write(line)
	}
	out := make([]byte, 0, len(line)+32)
	for i := 0; i < len(line); {
		r, size := utf8.DecodeRune(line[i:])
		switch {
		case r == '\n' && i == len(line)-1:
			out = append(out, '\n')
		case r == utf8.RuneError && size == 1: // an 8-bit terminal takes 0x9b for CSI
			out = append(out, "\ufffd"...)
		case unsafeInLine(r):
			out = fmt.Appendf(out, `\u%04x`, r)
		default:
			out = append(out, line[i:i+size]...)
		}
		i += size
	}
	if _, err := e.w.Write(out); err != nil {
		return 0, err
	}
	return len(line), nil
}

func needsEscape(line []byte) bool {
	for i, c := range line {
		if c < 0x20 && !(c == '\n' && i == len(line)-1) || c >= 0x7f {
			return true
		}
	}
	return false
}

// unsafeInLine reports the characters that can end, overwrite or reorder a line on a terminal or in a viewer: C0, DEL, C1
// (U+0085 among them), U+2028, U+2029, and the bidi controls (Trojan Source, CVE-2021-42574).
func unsafeInLine(r rune) bool {
	switch {
	case r < 0x20, r >= 0x7f && r <= 0x9f, r == 0x2028, r == 0x2029,
		r == 0x200e, r == 0x200f, r == 0x061c, r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069:
		return true
	}
	return false
}

// Clean returns s as it may stand in a line of plain text: unsafe characters as \uXXXX, invalid bytes as U+FFFD, cut at
// 4,096 bytes.
func Clean(s string) string {
	s = cut(s)
	ok := utf8.ValidString(s)
	for _, r := range s {
		if unsafeInLine(r) {
			ok = false
			break
		}
	}
	if ok {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if unsafeInLine(r) {
			fmt.Fprintf(&b, `\u%04x`, r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

func cut(s string) string {
	if len(s) <= maxValue {
		return s
	}
	s = s[:maxValue]
	for len(s) > 0 && !utf8.RuneStart(s[len(s)-1]) {
		s = s[:len(s)-1]
	}
	if len(s) > 0 && s[len(s)-1] >= utf8.RuneSelf {
		s = s[:len(s)-1]
	}
	return s + "…"
}

// clean bounds every value before the handler sees it.
type clean struct{ next slog.Handler }

func (c *clean) Enabled(ctx context.Context, l slog.Level) bool { return c.next.Enabled(ctx, l) }

func (c *clean) Handle(ctx context.Context, r slog.Record) error {
	out := slog.NewRecord(r.Time, r.Level, cut(r.Message), r.PC)
	r.Attrs(func(a slog.Attr) bool {
		out.AddAttrs(bound(a))
		return true
	})
	return c.next.Handle(ctx, out)
}

func (c *clean) WithAttrs(attrs []slog.Attr) slog.Handler {
	b := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		b[i] = bound(a)
	}
	return &clean{c.next.WithAttrs(b)}
}

func (c *clean) WithGroup(name string) slog.Handler { return &clean{c.next.WithGroup(cut(name))} }

func bound(a slog.Attr) slog.Attr {
	v := a.Value.Resolve()
	a.Key = cut(a.Key)
	switch v.Kind() {
	case slog.KindString:
		v = slog.StringValue(cut(v.String()))
	case slog.KindGroup:
		group := v.Group()
		b := make([]slog.Attr, len(group))
		for i, g := range group {
			b[i] = bound(g)
		}
		v = slog.GroupValue(b...)
	case slog.KindAny:
		v = boundAny(v.Any())
	}
	return slog.Attr{Key: a.Key, Value: v}
}

// boundAny makes a value of any type one that is short in both forms: what is no text becomes JSON, since a struct's
// unexported fields and a long list would be printed whole. A value that panics or cannot be encoded, as one with a secret,
// is logged as that: a log line must not fail the request that it tells of.
func boundAny(x any) (v slog.Value) {
	defer func() {
		if p := recover(); p != nil {
			v = slog.StringValue(cut(fmt.Sprintf("!PANIC: %v", p)))
		}
	}()
	switch x := x.(type) {
	case nil:
		return slog.AnyValue(nil)
	case error:
		return slog.StringValue(cut(x.Error()))
	case fmt.Stringer:
		return slog.StringValue(cut(x.String()))
	case []byte:
		return slog.StringValue(cut(string(x)))
	}
	b, err := json.Marshal(x)
	switch {
	case err != nil:
		return slog.StringValue(cut("!ERROR: " + err.Error()))
	case len(b) > maxValue:
		return slog.StringValue(cut(string(b)))
	}
	return slog.AnyValue(json.RawMessage(b))
}
