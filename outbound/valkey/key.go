package valkey

import (
	"fmt"
	"strings"

	"github.com/merlon-web/merlon/internal/place"
)

// constant is a type that only constants of the program have.
type constant string

// A Key is a pattern of keys with places for values: "shop:cart:{}", "shop:cart:{}:item:{}". A value is escaped and stands in
// braces, so that no value is read as another's, as a further part or as a pattern, whatever it is. It is safe for concurrent use.
//
// A cluster keeps keys whose first value is the same on one server (Valkey, Cluster specification, hash tags): what one command
// or script is to change together has the same first value.
type Key struct {
	parts []string // what stands around the places
	text  string
	where string
}

// NewKey declares a pattern, as a package variable: lower case letters, digits and ":._-" in the order of the source, "{}" where a
// value stands. It panics, when the program starts, on another text, and when it is called after a site has started.
//
//go:noinline
func NewKey(pattern constant) *Key {
	k := &Key{strings.Split(string(pattern), "{}"), string(pattern), place.Caller(1).At}
	if place.Sealed() {
		panic(RuleSealed.Finding(k.where, "a key is declared after the site started", "declare keys as package variables").Error())
	}
	if first := k.parts[0]; first == "" || first[0] < 'a' || first[0] > 'z' || strings.ContainsFunc(strings.Join(k.parts, ""), func(r rune) bool { return !isLiteral(r) }) {
		panic(RuleKey.Finding(k.where, fmt.Sprintf("%q is no pattern of keys", k.text), `begin with a name of its own, and write only lower case letters, digits, ":._-" and {} where a value stands: "shop:cart:{}"`).Error())
	}
	return k
}

func isLiteral(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || strings.ContainsRune(":._-", r)
}

// A Name is a key with values in its places, made by [Key.Of] alone. The zero value names nothing and is refused.
type Name struct {
	key  *Key
	text string
	tag  string // what a cluster places it by
	err  error
}

// maxPart bounds a value in a key, in bytes.
const maxPart = 1024

// Of returns the key with values in its places, in their order. Values that cannot be one (a wrong number of them, an empty
// one, one of more than 1,024 bytes) are told by whatever is asked with the name.
func (k *Key) Of(values ...string) Name {
	if len(values) != len(k.parts)-1 {
		return Name{err: RuleValue.Finding(k.where, fmt.Sprintf("the key %s has %d places and gets %d values", k.text, len(k.parts)-1, len(values)), "give one value for each {}")}
	}
	var b strings.Builder
	b.WriteString(k.parts[0])
	tag := k.text
	for i, v := range values {
		// A cluster takes {} for no tag at all.
		if v == "" || len(v) > maxPart {
			return Name{err: RuleValue.Finding(k.where, fmt.Sprintf("value %d of the key %s is empty or longer than %d bytes", i+1, k.text, maxPart), "refuse it where it comes in")}
		}
		e := escape(v)
		if i == 0 {
			tag = e
		}
		b.WriteString("{" + e + "}" + k.parts[i+1])
	}
	return Name{key: k, text: b.String(), tag: tag}
}

// String returns the pattern: the values do not belong into logs.
func (n Name) String() string {
	if n.key == nil {
		return "no key"
	}
	return n.key.text
}

// Format implements [fmt.Formatter]: every verb prints what String returns.
func (n Name) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(n.String())) }

const hexDigits = "0123456789ABCDEF"

// escape writes every byte but letters, digits and "-._~" as %XX (RFC 3986, 2.1): one text for each value, and none that has a
// brace, a colon, a space, a line break, or a letter of the patterns of KEYS and SCAN.
func escape(v string) string {
	var b strings.Builder
	for i := range len(v) {
		switch c := v[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '.', c == '_', c == '~':
			b.WriteByte(c)
		default:
			b.Write([]byte{'%', hexDigits[c>>4], hexDigits[c&15]})
		}
	}
	return b.String()
}
