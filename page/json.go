package page

import (
	"bytes"
	"encoding"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"text/template/parse"
	"unicode/utf8"
	"unsafe"

	"github.com/merlon-web/merlon/check"
)

// encode appends a value as JSON that is safe in a script element: "<", ">", "&", U+2028 and U+2029 are escaped, so that it
// holds neither </script nor <!--. depth counts how deep the value is.
type encode func(dst []byte, p unsafe.Pointer, depth int) []byte

// maxJSON is how deep a value may be: one that points to itself has no end.
const maxJSON = 200

var textMarshalerType = reflect.TypeFor[encoding.TextMarshaler]()

// encoders makes the encoders of the types that one {{data}} reaches.
type encoders struct {
	c     *compiler
	made  map[reflect.Type]*encode
	src   string
	where string
	pos   parse.Pos
	bad   bool
}

// encoder makes the encoder of a type, nil if it was refused. What it writes is what encoding/json writes.
func (c *compiler) encoder(t reflect.Type, src string, pos parse.Pos) encode {
	if !c.allowed(t, src, int(pos)) {
		return nil
	}
	e := &encoders{c: c, made: map[reflect.Type]*encode{}, src: src, where: position(c.file, int(pos)), pos: pos}
	enc := e.of(t)
	if e.bad {
		return nil
	}
	return enc
}

func (e *encoders) fault(r check.Rule, what, do string) encode {
	if !e.bad {
		e.c.fault(r, e.pos, what, do)
	}
	e.bad = true
	return nil
}

// of returns the encoder of a type. One that is being made is called through its place, since types may contain themselves.
func (e *encoders) of(t reflect.Type) encode {
	if p, ok := e.made[t]; ok {
		return func(dst []byte, at unsafe.Pointer, depth int) []byte { return (*p)(dst, at, depth) }
	}
	p := new(encode)
	e.made[t] = p
	enc := e.build(t)
	*p = func(dst []byte, at unsafe.Pointer, depth int) []byte {
		if depth > maxJSON {
			panic(failure{e.where, fmt.Sprintf("data %s is more than %d deep; does it point to itself?", e.src, maxJSON)})
		}
		return enc(dst, at, depth+1)
	}
	return *p
}

func (e *encoders) build(t reflect.Type) encode {
	if t == htmlType {
		return e.fault(RuleData, fmt.Sprintf("data %s holds raw HTML", e.src), "give the page a string for it: scripts that write markup from text are blocked")
	}
	if isForm(t) {
		return e.fault(RuleData, fmt.Sprintf("data %s holds a form", e.src), "give the page a struct of what the script needs")
	}
	// Types with a way of their own take it; a pointer's own way is taken where encoding/json could, which here is always.
	if t.Kind() != reflect.Pointer && (t.Implements(marshalerType) || reflect.PointerTo(t).Implements(marshalerType) ||
		t.Implements(textMarshalerType) || reflect.PointerTo(t).Implements(textMarshalerType)) {
		return e.marshal(t)
	}
	if load := integer(t); load != nil {
		return func(dst []byte, p unsafe.Pointer, _ int) []byte { return strconv.AppendInt(dst, load(p), 10) }
	}
	if load := unsigned(t); load != nil {
		return func(dst []byte, p unsafe.Pointer, _ int) []byte { return strconv.AppendUint(dst, load(p), 10) }
	}
	if load, bits := floating(t); load != nil {
		where, src := e.where, e.src
		return func(dst []byte, p unsafe.Pointer, _ int) []byte {
			v := load(p)
			if math.IsNaN(v) || math.IsInf(v, 0) {
				panic(failure{where, fmt.Sprintf("data %s holds %v, which JSON cannot say", src, v)})
			}
			return appendJSONFloat(dst, v, bits)
		}
	}
	switch t.Kind() {
	case reflect.Bool:
		return func(dst []byte, p unsafe.Pointer, _ int) []byte { return strconv.AppendBool(dst, *(*bool)(p)) }
	case reflect.String:
		return func(dst []byte, p unsafe.Pointer, _ int) []byte { return appendJSONString(dst, *(*string)(p)) }
	case reflect.Pointer:
		enc := e.of(t.Elem())
		return func(dst []byte, p unsafe.Pointer, depth int) []byte {
			if p = pointerAt(p); p == nil {
				return append(dst, "null"...)
			}
			return enc(dst, p, depth)
		}
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 && !reflect.PointerTo(t.Elem()).Implements(marshalerType) && !reflect.PointerTo(t.Elem()).Implements(textMarshalerType) {
			return func(dst []byte, p unsafe.Pointer, _ int) []byte {
				b := *(*[]byte)(p)
				if b == nil {
					return append(dst, "null"...)
				}
				dst = append(dst, '"')
				dst = base64.StdEncoding.AppendEncode(dst, b)
				return append(dst, '"')
			}
		}
		return e.list(t)
	case reflect.Array:
		return e.list(t)
	case reflect.Map:
		return e.mapping(t)
	case reflect.Struct:
		return e.structure(t)
	}
	return e.fault(RuleData, fmt.Sprintf("data %s holds %s, which JSON cannot say", e.src, aType(t)), "leave the field out: `json:\"-\"`")
}

// marshal encodes by the type's own MarshalJSON or MarshalText, through encoding/json, which checks what they write.
func (e *encoders) marshal(t reflect.Type) encode {
	where, src := e.where, e.src
	return func(dst []byte, p unsafe.Pointer, _ int) []byte {
		b, err := json.Marshal(reflect.NewAt(t, p).Interface())
		if err != nil {
			panic(failure{where, fmt.Sprintf("data %s: %v", src, err)})
		}
		return appendSafeJSON(dst, b)
	}
}

// appendSafeJSON appends JSON with what could end its element escaped. encoding/json has done so already; this is the second
// lock.
func appendSafeJSON(dst, b []byte) []byte {
	if !bytes.ContainsAny(b, "<>&\u2028\u2029") {
		return append(dst, b...)
	}
	var buf bytes.Buffer
	json.HTMLEscape(&buf, b)
	return append(dst, buf.Bytes()...)
}

func (e *encoders) list(t reflect.Type) encode {
	enc, size := e.of(t.Elem()), t.Elem().Size()
	fixed := t.Kind() == reflect.Array
	n := 0
	if fixed {
		n = t.Len()
	}
	return func(dst []byte, p unsafe.Pointer, depth int) []byte {
		length := n
		if !fixed {
			s := (*slice)(p)
			if s.data == nil {
				return append(dst, "null"...)
			}
			p, length = s.data, s.len
		}
		dst = append(dst, '[')
		for i := range length {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = enc(dst, unsafe.Add(p, uintptr(i)*size), depth)
		}
		return append(dst, ']')
	}
}

// mapping encodes a map in the order of its keys.
func (e *encoders) mapping(t reflect.Type) encode {
	key := t.Key()
	if k := classOf(key); k != stringClass && k != intClass && k != uintClass || key.Implements(textMarshalerType) {
		return e.fault(RuleData, fmt.Sprintf("data %s holds a map with keys of type %s", e.src, typeName(key)), "use texts or whole numbers as keys")
	}
	enc := e.of(t.Elem())
	text := appenderOf(key)
	type entry struct {
		key string
		val reflect.Value
	}
	return func(dst []byte, p unsafe.Pointer, depth int) []byte {
		m := reflect.NewAt(t, p).Elem()
		if m.IsNil() {
			return append(dst, "null"...)
		}
		entries := make([]entry, 0, m.Len())
		for it := m.MapRange(); it.Next(); {
			k := reflect.New(key)
			k.Elem().Set(it.Key())
			name := ""
			if text != nil {
				name = string(text(nil, k.UnsafePointer()))
			} else {
				name = it.Key().String()
			}
			v := reflect.New(t.Elem())
			v.Elem().Set(it.Value())
			entries = append(entries, entry{name, v})
		}
		slices.SortFunc(entries, func(a, b entry) int { return strings.Compare(a.key, b.key) })
		dst = append(dst, '{')
		for i, en := range entries {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(appendJSONString(dst, en.key), ':')
			dst = enc(dst, en.val.UnsafePointer(), depth)
		}
		return append(dst, '}')
	}
}

// structure encodes a struct. Tags are read as encoding/json reads them; embedded structs, whose fields it promotes by rules
// of its own, are left to it whole.
func (e *encoders) structure(t reflect.Type) encode {
	type field struct {
		name string // with quotes and colon
		off  uintptr
		enc  encode
		omit func(p unsafe.Pointer) bool
	}
	var fields []field
	seen := map[string]bool{}
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous {
			return e.marshal(t)
		}
		tag := f.Tag.Get("json")
		if !f.IsExported() || tag == "-" {
			continue
		}
		name, opts, _ := strings.Cut(tag, ",")
		if name == "" {
			name = f.Name
		}
		list := strings.Split(opts, ",")
		if slices.Contains(list, "string") || slices.Contains(list, "omitzero") || seen[name] || strings.ContainsAny(name, `"\`+"`") {
			return e.marshal(t) // rare, and encoding/json knows
		}
		seen[name] = true
		fl := field{name: string(append(appendJSONString(nil, name), ':')), off: f.Offset, enc: e.of(f.Type)}
		if slices.Contains(list, "omitempty") {
			fl.omit = emptyOf(f.Type)
		}
		fields = append(fields, fl)
	}
	return func(dst []byte, p unsafe.Pointer, depth int) []byte {
		dst = append(dst, '{')
		first := true
		for i := range fields {
			f := &fields[i]
			at := unsafe.Add(p, f.off)
			if f.omit != nil && f.omit(at) {
				continue
			}
			if !first {
				dst = append(dst, ',')
			}
			first = false
			dst = append(dst, f.name...)
			dst = f.enc(dst, at, depth)
		}
		return append(dst, '}')
	}
}

// emptyOf is what omitempty leaves out: false, 0, nil and what has no elements; never a struct.
func emptyOf(t reflect.Type) func(p unsafe.Pointer) bool {
	if t.Kind() == reflect.Struct {
		return func(unsafe.Pointer) bool { return false }
	}
	test := truthOf(t)
	return func(p unsafe.Pointer) bool { return !test(p) }
}

// appendJSONFloat writes a float as encoding/json, and so ECMAScript, does.
func appendJSONFloat(dst []byte, v float64, bits int) []byte {
	abs, format := math.Abs(v), byte('f')
	if abs != 0 && (bits == 64 && (abs < 1e-6 || abs >= 1e21) || bits == 32 && (float32(abs) < 1e-6 || float32(abs) >= 1e21)) {
		format = 'e'
	}
	n := len(dst)
	dst = strconv.AppendFloat(dst, v, format, -1, bits)
	if format == 'e' { // e-09 is e-9
		if b := dst[n:]; len(b) >= 4 && b[len(b)-4] == 'e' && b[len(b)-3] == '-' && b[len(b)-2] == '0' {
			dst[len(dst)-2] = dst[len(dst)-1]
			dst = dst[:len(dst)-1]
		}
	}
	return dst
}

func appendJSONString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	from := 0
	for i := 0; i < len(s); {
		b := s[i]
		if b < utf8.RuneSelf {
			if b >= 0x20 && b != '"' && b != '\\' && b != '<' && b != '>' && b != '&' {
				i++
				continue
			}
			dst = append(dst, s[from:i]...)
			switch b {
			case '"', '\\':
				dst = append(dst, '\\', b)
			case '\b':
				dst = append(dst, '\\', 'b')
			case '\f':
				dst = append(dst, '\\', 'f')
			case '\n':
				dst = append(dst, '\\', 'n')
			case '\r':
				dst = append(dst, '\\', 'r')
			case '\t':
				dst = append(dst, '\\', 't')
			default:
				dst = append(dst, '\\', 'u', '0', '0', lowerHex[b>>4], lowerHex[b&15])
			}
			i++
			from = i
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 {
			dst = append(append(dst, s[from:i]...), `\ufffd`...)
			i++
			from = i
			continue
		}
		if r == '\u2028' || r == '\u2029' {
			dst = append(append(dst, s[from:i]...), `\u202`...)
			dst = append(dst, lowerHex[r&15])
			i += n
			from = i
			continue
		}
		i += n
	}
	dst = append(dst, s[from:]...)
	return append(dst, '"')
}
