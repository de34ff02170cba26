package session

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"path/filepath"
	"reflect"
	"runtime"
	"strconv"
	"sync"
	"time"

	"github.com/merlon-web/merlon/event"
)

// A Key is the name of one value of a session, and its type. Declare keys as package variables with [NewKey]; the zero Key
// reads nothing and writes an error.
type Key[T any] struct {
	name string
	life time.Duration // 0: as long as the session
}

// declared are the keys of the program. Like all declarations they are closed when the site starts: see [Seal].
var declared = struct {
	sync.Mutex
	sealed bool
	keys   map[string]declaration
}{keys: map[string]declaration{}}

type declaration struct {
	typ   reflect.Type
	where string
}

// NewKey declares a value that sessions may hold. Small values are meant: a number, a text, a few fields; what is larger has
// a row of its own, and its id here. Booleans, numbers, texts, bytes and times are kept as such, other types as JSON.
//
// It panics, at the start of the program, for a name other than [a-z0-9._-]{1,64}, for a name declared in two places, for a
// type that cannot be kept (interfaces, functions, channels, secrets), and once the site has started.
func NewKey[T any](name constant) Key[T] { return declare[T](name, 0, caller()) }

// NewKeyFor is [NewKey] for a value that must not rest for as long as the session: a secret on its way to its owner. When its
// time is over it is absent, and the next POST of the visitor takes it out of the row. It panics for a time below a second.
func NewKeyFor[T any](name constant, life time.Duration) Key[T] {
	where := caller()
	if life < time.Second {
		panic(RuleKey.Finding(where, fmt.Sprintf("session: key %q: a value for %v", string(name), life), "give it a second or more").Error())
	}
	return declare[T](name, life, where)
}

func declare[T any](name constant, life time.Duration, where string) Key[T] {
	typ := reflect.TypeFor[T]()
	fail := func(what, do string) {
		panic(RuleKey.Finding(where, fmt.Sprintf("session: key %q: %s", string(name), what), do).Error())
	}
	if !validKeyName(string(name)) {
		fail("no name for a key", "use 1 to 64 of a-z, 0-9, '.', '_' and '-'")
	}
	if typ.Kind() == reflect.Interface {
		fail("type "+typ.String()+" is an interface", "declare the type that is kept")
	}
	var zero T
	if _, err := encode(zero); err != nil {
		fail("type "+typ.String()+" cannot be kept: "+err.Error(), "declare a struct of plain fields; a secret belongs into no session")
	}
	declared.Lock()
	defer declared.Unlock()
	was, there := declared.keys[string(name)]
	switch {
	case there && was.where == where && was.typ == typ:
		return Key[T]{string(name), life} // a test that runs twice
	case there:
		fail(fmt.Sprintf("declared before, at %s with type %s", was.where, was.typ), "give one of them another name: they would overwrite each other")
	case declared.sealed:
		fail("declared after the site started", "declare keys as package variables")
	}
	declared.keys[string(name)] = declaration{typ, where}
	return Key[T]{string(name), life}
}

// Seal closes the list of keys: a later [NewKey] panics. The site calls it when it has started.
func Seal() {
	declared.Lock()
	defer declared.Unlock()
	declared.sealed = true
}

// Name returns the key's name.
func (k Key[T]) Name() string { return k.name }

// Get returns the value. It is absent if it was never set, if its time is over ([NewKeyFor]), and also if what is there is not of the key's type any more,
// because the program has changed: then an event is recorded, and the visitor begins anew.
func (k Key[T]) Get(from Values) (T, bool) {
	var v T
	b, ok := from.value(k.name)
	if !ok {
		return v, false
	}
	if b, ok = inTime(b, from.now()); !ok {
		return v, false
	}
	if err := decode(b, &v); err != nil {
		event.Record(from.context(), RuleValue, event.Failed, slog.String("key", k.name), slog.String("type", reflect.TypeFor[T]().String()))
		var none T
		return none, false
	}
	return v, true
}

// Set sets the value, in the request's transaction. An error (the value cannot be encoded, the writer is not open) comes
// from [Writer.Save].
func (k Key[T]) Set(on *Writer, v T) {
	if k.name == "" {
		on.set("", nil, errZeroKey)
		return
	}
	b, err := encode(v)
	if err != nil {
		err = fmt.Errorf("session: key %q: %w", k.name, err)
	}
	if k.life > 0 {
		b = append(binary.BigEndian.AppendUint64([]byte{kindUntil}, uint64(on.now()+k.life.Microseconds())), b...)
	}
	on.set(k.name, b, err)
}

// Delete takes the value out, in the request's transaction.
func (k Key[T]) Delete(on *Writer) {
	if k.name == "" {
		on.set("", nil, errZeroKey)
		return
	}
	on.set(k.name, nil, nil)
}

var errZeroKey = errors.New("session: a key that was not declared: it has no name; declare it with session.NewKey")

func validKeyName(name string) bool {
	if len(name) == 0 || len(name) > maxName {
		return false
	}
	for i := 0; i < len(name); i++ {
		if !nameByte(name[i]) {
			return false
		}
	}
	return true
}

// A value begins with the kind it was kept as, so that a program whose key has changed its type does not read a number as
// a text.
const (
	kindBool byte = iota + 1
	kindInt
	kindUint
	kindFloat
	kindString
	kindBytes
	kindTime
	kindJSON
	kindUntil // Unix microseconds in 8 bytes, big-endian; then the value with its own kind
)

// inTime takes the deadline off a value that has one, and reports whether it is still to come.
func inTime(b []byte, now int64) ([]byte, bool) {
	if len(b) == 0 || b[0] != kindUntil {
		return b, true
	}
	if len(b) < 9 || int64(binary.BigEndian.Uint64(b[1:])) <= now {
		return nil, false
	}
	return b[9:], true
}

var errKind = errors.New("session: the value was kept as another type")

func encode(v any) ([]byte, error) {
	switch v := v.(type) {
	case bool:
		if v {
			return []byte{kindBool, 1}, nil
		}
		return []byte{kindBool, 0}, nil
	case int:
		return binary.AppendVarint([]byte{kindInt}, int64(v)), nil
	case int64:
		return binary.AppendVarint([]byte{kindInt}, v), nil
	case int32:
		return binary.AppendVarint([]byte{kindInt}, int64(v)), nil
	case uint64:
		return binary.AppendUvarint([]byte{kindUint}, v), nil
	case float64:
		return binary.BigEndian.AppendUint64([]byte{kindFloat}, math.Float64bits(v)), nil
	case string:
		return append([]byte{kindString}, v...), nil
	case []byte:
		return append([]byte{kindBytes}, v...), nil
	case time.Time:
		b, err := v.MarshalBinary()
		return append([]byte{kindTime}, b...), err
	}
	b, err := json.Marshal(v)
	return append([]byte{kindJSON}, b...), err
}

func decode(b []byte, to any) error {
	if len(b) == 0 {
		return errKind
	}
	kind, b := b[0], b[1:]
	want := func(k byte, ok bool) error {
		if kind != k || !ok {
			return errKind
		}
		return nil
	}
	switch p := to.(type) {
	case *bool:
		*p = len(b) == 1 && b[0] == 1
		return want(kindBool, len(b) == 1 && b[0] <= 1)
	case *int:
		n, used := binary.Varint(b)
		*p = int(n)
		return want(kindInt, used == len(b) && used > 0 && int64(int(n)) == n)
	case *int64:
		n, used := binary.Varint(b)
		*p = n
		return want(kindInt, used == len(b) && used > 0)
	case *int32:
		n, used := binary.Varint(b)
		*p = int32(n)
		return want(kindInt, used == len(b) && used > 0 && int64(int32(n)) == n)
	case *uint64:
		n, used := binary.Uvarint(b)
		*p = n
		return want(kindUint, used == len(b) && used > 0)
	case *float64:
		if len(b) == 8 {
			*p = math.Float64frombits(binary.BigEndian.Uint64(b))
		}
		return want(kindFloat, len(b) == 8)
	case *string:
		*p = string(b)
		return want(kindString, true)
	case *[]byte:
		*p = append([]byte{}, b...)
		return want(kindBytes, true)
	case *time.Time:
		if kind != kindTime {
			return errKind
		}
		return p.UnmarshalBinary(b)
	}
	if kind != kindJSON {
		return errKind
	}
	return json.Unmarshal(b, to)
}

// caller returns folder/file:line of who called NewKey.
func caller() string {
	_, file, line, ok := runtime.Caller(2)
	if !ok {
		return ""
	}
	return filepath.Join(filepath.Base(filepath.Dir(file)), filepath.Base(file)) + ":" + strconv.Itoa(line)
}
