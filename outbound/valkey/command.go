package valkey

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/merlon-web/merlon/internal/place"
)

// An Arg is what stands in a place of a command: a [Name] or a [Value].
type Arg interface{ arg() }

func (Name) arg()  {}
func (Value) arg() {}

// A Value is data, sent with its length before it: nothing in it is read as a command (Redis serialization protocol, bulk strings).
type Value struct{ text string }

// Text returns the value of a text of any bytes, at most 8 MiB.
func Text(s string) Value { return Value{s} }

// Bytes returns the value of bytes, at most 8 MiB.
func Bytes(b []byte) Value { return Value{string(b)} }

// Int returns the value of a number.
func Int(n int64) Value { return Value{strconv.FormatInt(n, 10)} }

// Float returns the value of a number that need not be whole.
func Float(f float64) Value { return Value{strconv.FormatFloat(f, 'g', -1, 64)} }

// String returns the same for every value: what is stored does not belong into logs.
func (Value) String() string { return "valkey.Value" }

// Format implements [fmt.Formatter]: every verb prints what String returns.
func (v Value) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(v.String())) }

// maxValue bounds a value, in bytes: the server takes 512 MB, and a site's requests hold far less.
const maxValue = 8 << 20

// A Command is a command with its options, declared as a package variable; T is its answer. It is safe for concurrent use.
type Command[T Reply] struct {
	d *declared
}

type declared struct {
	name  string
	keys  []*Key
	rest  []string // words and places after the keys
	more  bool     // the last place takes any number
	reads bool
	where string
}

// The places of a command's text.
const (
	keyPlace   = "{key}"
	valuePlace = "{}"
	more       = "..."
)

// NewCommand declares a command: its name in capitals, {key} for each of its keys, which come first, then options and {} for
// values: "SET {key} {} EX {}". A last place may stand for any number, at least one: "{}...", "{key}...". The patterns are those of
// the keys, in order. It panics, when the program starts, on a command that takes code or more than its keys ([RuleCommand]), and
// when it is called after a site has started.
//
//go:noinline
func NewCommand[T Reply](text constant, keys ...*Key) *Command[T] {
	return &Command[T]{declare(string(text), keys, place.Caller(1).At)}
}

func declare(text string, keys []*Key, where string) *declared {
	if place.Sealed() {
		panic(RuleSealed.Finding(where, "a command is declared after the site started", "declare commands as package variables").Error())
	}
	refuse := func(what, do string) { panic(RuleCommand.Finding(where, what, do).Error()) }
	words := strings.Fields(text)
	if len(words) == 0 {
		refuse("a command without a name", `write it as "GET {key}"`)
	}
	d := &declared{name: words[0], keys: keys, where: where}
	s, known := shapes[d.name]
	if !known {
		refuse(fmt.Sprintf("%q is no command that may be declared", d.name), "use one that reads and writes the values of the keys that it names, in capitals, or declare a script")
	}
	d.reads = s.reads
	words = words[1:]
	if last := len(words) - 1; last >= 0 && strings.HasSuffix(words[last], more) {
		d.more, words[last] = true, strings.TrimSuffix(words[last], more)
	}
	n := 0
	for n < len(words) && words[n] == keyPlace {
		n++
	}
	d.rest = words[n:]
	switch {
	case n == 0, s.keys > 0 && n != s.keys, s.keys == 0 && len(d.rest) > 0, slices.Contains(d.rest, keyPlace), d.more && s.keys > 0 && len(d.rest) == 0:
		refuse(fmt.Sprintf("%q has its keys in other places than %s", text, d.name), "write {key} for each of its keys, directly behind its name")
	case n != len(keys) || slices.Contains(keys, nil):
		refuse(fmt.Sprintf("%q has %d keys and is given %d patterns", text, n, len(keys)), "give one pattern for each {key}")
	case d.more && len(d.rest) > 0 && d.rest[len(d.rest)-1] != valuePlace:
		refuse(fmt.Sprintf("%q repeats a word", text), "write ... behind a place only")
	}
	for _, w := range d.rest {
		if w != valuePlace && strings.ContainsAny(w, "{}") {
			refuse(fmt.Sprintf("%q has a place inside a word", text), "write {} as a word of its own")
		}
	}
	return d
}

// Do asks the server, with names and values for the places in their order. It waits no longer than the client's timeout and is
// refused inside a write transaction. The error wraps a finding when it cannot be asked so, is [ErrNone] when there is
// no such value, an [*Error] when the server refused (a [db.ErrBusy] where that is not about the command), and wraps [ErrCannot] when
// it did not answer: then what was to be written may have been.
func (c *Command[T]) Do(ctx context.Context, client *Client, args ...Arg) (reply T, err error) {
	names, values, err := c.d.fill(args)
	if err != nil {
		return reply, err
	}
	m, err := client.do(ctx, c.d.reads, []string{c.d.name}, names, values)
	if err != nil {
		return reply, err
	}
	return decode[T](m, c.d.name)
}

// fill judges what is given for the places.
func (d *declared) fill(args []Arg) (names []Name, values []string, err error) {
	wrong := func(what, do string) ([]Name, []string, error) {
		return nil, nil, RuleValue.Finding(d.where, d.name+" "+what, do)
	}
	places := len(d.keys)
	for _, w := range d.rest {
		if w == valuePlace {
			places++
		}
	}
	if len(args) < places || len(args) > places && !d.more {
		return wrong(fmt.Sprintf("has %d places and gets %d", places, len(args)), "give one name or value for each")
	}
	take := func(at int, key *Key) error {
		switch a := args[at].(type) {
		case Name:
			if key == nil || a.key != key && a.err == nil {
				return RuleValue.Finding(d.where, fmt.Sprintf("%s does not take a key of the pattern %s in place %d", d.name, a, at+1), "give a name made by the pattern that was declared there")
			}
			names = append(names, a)
			return a.err
		case Value:
			if key == nil {
				values = append(values, a.text)
				return judgeValue(d.where, a)
			}
		}
		return RuleValue.Finding(d.where, fmt.Sprintf("%s takes a key in place %d", d.name, at+1), "give a name made by the pattern that was declared there")
	}
	at := 0
	for _, key := range d.keys {
		if err := take(at, key); err != nil {
			return nil, nil, err
		}
		at++
	}
	for _, w := range d.rest {
		if w != valuePlace {
			values = append(values, w)
			continue
		}
		if err := take(at, nil); err != nil {
			return nil, nil, err
		}
		at++
	}
	var last *Key
	if len(d.rest) == 0 {
		last = d.keys[len(d.keys)-1]
	}
	for ; at < len(args); at++ {
		if err := take(at, last); err != nil {
			return nil, nil, err
		}
	}
	return names, values, together(d.where, names)
}

func judgeValue(where string, v Value) error {
	if len(v.text) > maxValue {
		return RuleValue.Finding(where, fmt.Sprintf("a value has more than %d bytes", maxValue), "refuse it where it comes in")
	}
	return nil
}

// together refuses names that a cluster may keep on several servers.
func together(where string, names []Name) error {
	for _, n := range names {
		if n.err != nil {
			return n.err
		}
		if n.key == nil {
			return RuleValue.Finding(where, "a zero Name is given", "make names by Key.Of")
		}
		if n.tag != names[0].tag {
			return RuleSlot.Finding(where, fmt.Sprintf("keys of the patterns %s and %s have different first values", names[0], n), "give keys that are used together the same first value")
		}
	}
	return nil
}
