package page_test

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// shapes has a method of each shape that pages call as it is, and of some that go through package reflect.
type shapes struct {
	pad string
	N   int
	inner
	*outer
}

type inner struct{ V string }

func (i inner) FromInner() string { return "inner " + i.V }

type outer struct{ W string }

func (o *outer) FromOuter() string     { return "outer " + o.W }
func (o outer) FromOuterValue() string { return "value " + o.W }

func (s shapes) Bool() bool       { return s.N > 0 }
func (s shapes) Int() int         { return s.N }
func (s shapes) Int8() int8       { return -8 }
func (s shapes) Int16() int16     { return -16 }
func (s shapes) Int32() int32     { return -32 }
func (s shapes) Int64() int64     { return -64 }
func (s shapes) Uint() uint       { return 1 }
func (s shapes) Uint8() uint8     { return 8 }
func (s shapes) Uint16() uint16   { return 16 }
func (s shapes) Uint32() uint32   { return 32 }
func (s shapes) Uint64() uint64   { return 1 << 63 }
func (s shapes) F32() float32     { return 0.5 }
func (s shapes) F64() float64     { return 2.25 }
func (s shapes) Str() string      { return strings.Repeat("<s>", 3) + s.pad }
func (s shapes) Ptr() *Person     { return &Person{Name: "ptr"} }
func (s shapes) Slice() []string  { return []string{"a", s.pad} }
func (s shapes) Time() time.Time  { return time.Unix(1e9, 0).UTC() }
func (s shapes) Struct() Person   { return Person{Name: "struct", Age: 9} }
func (s shapes) Array() [2]string { return [2]string{"x", "y"} }
func (s shapes) Map() map[string]int {
	return map[string]int{"k": 7}
}
func (s shapes) Level() Level { return 5 }
func (s shapes) Kind() Kind   { return "<k>" }
func (s shapes) Name() names  { return "named" }

func (s shapes) BoolErr() (bool, error)      { return true, nil }
func (s shapes) IntErr() (int, error)        { return 11, nil }
func (s shapes) StrErr() (string, error)     { return "fine", nil }
func (s shapes) F32Err() (float32, error)    { return 1.5, nil }
func (s shapes) PtrErr() (*Person, error)    { return &Person{Name: "perr"}, nil }
func (s shapes) SliceErr() ([]int, error)    { return []int{1, 2}, nil }
func (s shapes) TimeErr() (time.Time, error) { return time.Unix(0, 0).UTC(), nil }
func (s shapes) One(a string) string         { return a + s.pad }
func (s shapes) OneInt(a int) string         { return strings.Repeat("i", a) }
func (s shapes) OneErr(a string) (string, error) {
	if a == "" {
		return "", errors.New("empty")
	}
	return a, nil
}
func (s shapes) OneIntErr(a int) (string, error) { return strings.Repeat("e", a), nil }
func (s shapes) OneBool(a string) bool           { return a == s.pad }
func (s shapes) OneInt8(a int8) string           { return strings.Repeat("8", int(a)) }
func (s shapes) OneKind(a Kind) string           { return "kind " + string(a) }
func (s shapes) OneFloat(a float64) string       { return strings.Repeat("f", int(a)) }
func (s shapes) Two(a, b string) string          { return a + b }
func (s shapes) Many(a string, more ...string) string {
	return a + strings.Join(more, "+")
}
func (s shapes) ManyInts(more ...int) int { return len(more) }
func (s shapes) ManyBool(a string, more ...bool) bool {
	return len(more) > 0 && more[0]
}
func (s shapes) OnePerson(p Person) string   { return p.Name }
func (s shapes) OnePointer(p *Person) string { return p.Name }

type names string

func (n names) Upper() string { return strings.ToUpper(string(n)) }

type list []string

func (l list) First() string { return l[0] }
func (l list) Len() int      { return len(l) }

type table map[string]string

func (t table) Count() int { return len(t) }

type number int64

func (n number) Twice() number { return n * 2 }

type methodsPage struct {
	S  shapes
	P  *shapes
	L  []shapes
	NL list
	T  table
	N  number
	NM names
	M  map[string]shapes
	W  Person
}

func TestMethodShapes(t *testing.T) {
	s := shapes{pad: "<pad>", N: 3, inner: inner{"v"}, outer: &outer{"w"}}
	data := methodsPage{S: s, P: &s, L: []shapes{s}, NL: list{"first", "x"}, T: table{"a": "b"}, N: 21, NM: "nm", M: map[string]shapes{"k": s}, W: Person{Name: "W"}}
	calls := []string{
		".Bool", ".Int", ".Int8", ".Int16", ".Int32", ".Int64", ".Uint", ".Uint8", ".Uint16", ".Uint32", ".Uint64", ".F32", ".F64", ".Str", ".Ptr.Name", ".Slice", ".Time", ".Time.Year",
		".Struct.Name", ".Struct.Age", ".Array", ".Map.k", ".Level", ".Kind", ".Name", ".Name.Upper", ".BoolErr", ".IntErr", ".StrErr", ".F32Err", ".PtrErr.Name", ".SliceErr", ".TimeErr", `.One "a<"`, ".OneInt 3", `.OneErr "q"`, ".OneIntErr 2",
		`.OneBool "<pad>"`, ".OneInt8 2", `.OneKind "k"`, ".OneFloat 2", `.Two "a" "b"`, `.Many "a"`, `.Many "a" "b" "c"`, ".ManyInts", ".ManyInts 1 2", `.ManyBool "x"`, `.ManyBool "x" true`, ".FromInner", ".FromOuter", ".FromOuterValue", ".OnePerson $.W", ".OnePointer .Ptr",
	}
	var b strings.Builder
	for _, c := range calls {
		b.WriteString("{{$.S" + c + "}}|{{$.P" + c + "}}|{{with $.S}}{{" + c + "}}{{end}}|{{range $.L}}{{" + c + "}}{{end}}|{{(index $.M \"k\")" + c + "}}\n")
	}
	b.WriteString(`{{.NL.First}}{{.NL.Len}}{{.T.Count}}{{.N.Twice}}{{.N.Twice.Twice}}{{.NM.Upper}}{{range .L}}{{$a := .Str}}{{$b := .One "z"}}{{$a}}{{$b}}{{end}}{{if .S.Bool}}b{{end}}{{if eq .S.Int .P.Int}}e{{end}}{{eq (.S.One "1") (.S.One "1")}}{{print .S.Int .S.Str .P.Str}}`)
	before, behind := around("body")
	source := strings.ReplaceAll(before+b.String()+behind, ".OnePointer .Ptr", ".OnePointer $.P.Ptr")
	for range 20 {
		sameAsTemplate(t, source, data)
	}
}
