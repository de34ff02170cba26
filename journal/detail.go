package journal

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/merlon-web/merlon/event"
)

// Bounds of an event's details.
const (
	maxDetail = 4 << 10 // bytes of JSON
	maxValue  = 1 << 10 // bytes of one value
	maxDepth  = 4       // of groups
)

// appendDetail appends the details as a JSON object, in the order given: "{}" when there are none. What does not fit is left
// out, and "cut" says so.
func appendDetail(dst []byte, attrs []slog.Attr) []byte {
	dst, _ = appendGroup(dst, attrs, maxDetail, 0)
	return dst
}

// appendGroup appends one object of at most room bytes and reports whether all of it fitted.
func appendGroup(dst []byte, attrs []slog.Attr, room, depth int) ([]byte, bool) {
	start := len(dst)
	dst = append(dst, '{')
	whole := true
	for i, a := range attrs {
		if a.Key == "" {
			a.Key = "_"
		}
		for _, before := range attrs[:i] { // an object has each name once: a later one is numbered
			if before.Key == a.Key {
				a.Key += "#" + strconv.Itoa(i)
				break
			}
		}
		mark := len(dst)
		if len(dst) > start+1 {
			dst = append(dst, ',')
		}
		dst = append(appendString(dst, short(a.Key)), ':')
		dst = appendValue(dst, a.Value, room-(len(dst)-start), depth)
		if len(dst)-start > room-len(`,"cut":true}`) {
			dst, whole = dst[:mark], false
			break
		}
	}
	if !whole {
		if len(dst) > start+1 {
			dst = append(dst, ',')
		}
		dst = append(dst, `"cut":true`...)
	}
	return append(dst, '}'), whole
}

func short(s string) string {
	if len(s) > 64 {
		s = s[:64]
	}
	return s
}

func appendValue(dst []byte, v slog.Value, room, depth int) []byte {
	v = v.Resolve() // a secret answers [redacted] here
	switch v.Kind() {
	case slog.KindString:
		return appendString(dst, v.String())
	case slog.KindInt64:
		return strconv.AppendInt(dst, v.Int64(), 10)
	case slog.KindUint64:
		return strconv.AppendUint(dst, v.Uint64(), 10)
	case slog.KindBool:
		return strconv.AppendBool(dst, v.Bool())
	case slog.KindFloat64:
		if b, err := json.Marshal(v.Float64()); err == nil {
			return append(dst, b...)
		}
		return appendString(dst, strconv.FormatFloat(v.Float64(), 'g', -1, 64)) // NaN, infinities
	case slog.KindDuration:
		return appendString(dst, v.Duration().String())
	case slog.KindTime:
		return appendString(dst, v.Time().UTC().Format(time.RFC3339Nano))
	case slog.KindGroup:
		if depth >= maxDepth {
			return appendString(dst, "(deeper)")
		}
		dst, _ = appendGroup(dst, v.Group(), max(room, 32), depth+1)
		return dst
	}
	switch x := v.Any().(type) {
	case nil:
		return append(dst, "null"...)
	case slog.Value:
		return appendString(dst, "(deeper)")
	case error:
		return appendString(dst, safely(x.Error))
	case fmt.Stringer:
		return appendString(dst, safely(x.String))
	case []string:
		return appendString(dst, strings.Join(x[:min(len(x), 32)], " "))
	default:
		// A struct, map or slice may hold a secret below a level that can be asked: only its type is kept.
		return appendString(dst, fmt.Sprintf("(%T)", x))
	}
}

// safely calls a method of a value that may be a nil pointer.
func safely(call func() string) (s string) {
	defer func() {
		if recover() != nil {
			s = "(panics)"
		}
	}()
	return call()
}

// appendString appends s cleaned and quoted: control characters are gone by then, so only " and \ need escaping.
func appendString(dst []byte, s string) []byte {
	if len(s) > maxValue {
		s = s[:maxValue] + "…"
	}
	s = event.Clean(s)
	dst = append(dst, '"')
	for i := 0; i < len(s); i++ {
		if s[i] == '"' || s[i] == '\\' {
			dst = append(dst, '\\')
		}
		dst = append(dst, s[i])
	}
	return append(dst, '"')
}
