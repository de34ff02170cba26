package valkey_test

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/outbound/valkey"
)

var (
	note    = valkey.NewKey("shop:note:{}")
	item    = valkey.NewKey("shop:note:{}:item:{}")
	pair    = valkey.NewKey("shop:note:{}{}")
	counter = valkey.NewKey("shop:note:1")
)

func refused(t *testing.T, err error, rule check.Rule) {
	t.Helper()
	if found, ok := errors.AsType[check.Finding](err); !ok || found.ID != rule.ID {
		t.Errorf("not refused by %s: %v", rule.ID, err)
	}
}

func TestKeys(t *testing.T) {
	for _, c := range []struct {
		name valkey.Name
		want string
	}{
		{counter.Of(), "shop:note:1"},
		{note.Of("ann"), "shop:note:{ann}"},
		{item.Of("ann", "7"), "shop:note:{ann}:item:{7}"},
		{note.Of("ann}:item:{7"), "shop:note:{ann%7D%3Aitem%3A%7B7}"},
		{note.Of("a\r\nFLUSHALL\r\n"), "shop:note:{a%0D%0AFLUSHALL%0D%0A}"},
		{note.Of("*[a-z]?"), "shop:note:{%2A%5Ba-z%5D%3F}"},
		{note.Of("%2A"), "shop:note:{%252A}"},
		{note.Of("é\x00\xff"), "shop:note:{%C3%A9%00%FF}"},
		{note.Of("A-Z.0_9~"), "shop:note:{A-Z.0_9~}"},
	} {
		if got, err := c.name.Text(); err != nil || got != c.want {
			t.Errorf("got %q, %v; want %q", got, err, c.want)
		}
	}
	for _, n := range []valkey.Name{note.Of(), note.Of(""), note.Of("a", "b"), item.Of("a", ""), counter.Of("1"), note.Of(strings.Repeat("a", 1025))} {
		_, err := n.Text()
		refused(t, err, valkey.RuleValue)
	}
	if said := fmt.Sprintf("%v %s %q %+v %#v", note.Of("canary"), note.Of("canary"), note.Of("canary"), valkey.Text("canary"), valkey.Text("canary")); strings.Contains(said, "canary") {
		t.Errorf("a value is printed: %s", said)
	}
}

func declaring(t *testing.T, rule check.Rule, declare func()) {
	t.Helper()
	defer func() {
		t.Helper()
		if said, _ := recover().(string); !strings.Contains(said, rule.ID) || !strings.Contains(said, "_test.go:") {
			t.Errorf("the panic says %q, want %s and a place", said, rule.ID)
		}
	}()
	declare()
}

func TestPatternsThatAreNone(t *testing.T) {
	declaring(t, valkey.RuleKey, func() { valkey.NewKey("") })
	declaring(t, valkey.RuleKey, func() { valkey.NewKey("{}") })
	declaring(t, valkey.RuleKey, func() { valkey.NewKey("{}:cart") })
	declaring(t, valkey.RuleKey, func() { valkey.NewKey("1:{}") })
	declaring(t, valkey.RuleKey, func() { valkey.NewKey("shop:{ann}") })
	declaring(t, valkey.RuleKey, func() { valkey.NewKey("shop:{") })
	declaring(t, valkey.RuleKey, func() { valkey.NewKey("shop:%41") })
	declaring(t, valkey.RuleKey, func() { valkey.NewKey("shop:*") })
	declaring(t, valkey.RuleKey, func() { valkey.NewKey("shop cart") })
	declaring(t, valkey.RuleKey, func() { valkey.NewKey("Shop") })
}

// Whatever the values, two lists of them name two keys, of this pattern and of no other, and a cluster places a key by its first
// value alone.
func FuzzKeys(f *testing.F) {
	for _, s := range [][4]string{{"a", "b", "a", "c"}, {"a}:item:{b", "c", "a", "b}:item:{c"}, {"%41", "A", "A", "%41"}, {"a\r\n", "*", "a", "?"}, {"}{", "{}", "{", "}{}"}} {
		f.Add(s[0], s[1], s[2], s[3])
	}
	whole := regexp.MustCompile(`^shop:note:\{[A-Za-z0-9._~%-]+\}(:item:)?(\{[A-Za-z0-9._~%-]+\})?$`)
	f.Fuzz(func(t *testing.T, a, b, c, d string) {
		seen := map[string]string{"shop:note:1": "the pattern without a place"}
		for what, n := range map[string]valkey.Name{fmt.Sprintf("note %q", a): note.Of(a), fmt.Sprintf("note %q", c): note.Of(c), fmt.Sprintf("item %q %q", a, b): item.Of(a, b),
			fmt.Sprintf("item %q %q", c, d): item.Of(c, d), fmt.Sprintf("pair %q %q", a, b): pair.Of(a, b), fmt.Sprintf("pair %q %q", c, d): pair.Of(c, d)} {
			text, err := n.Text()
			if err != nil {
				continue
			}
			if !whole.MatchString(text) {
				t.Fatalf("%s is %q, which is not of its pattern", what, text)
			}
			if other, taken := seen[text]; taken {
				t.Fatalf("%s and %s are both %q", what, other, text)
			}
			seen[text] = what
		}
		one, err := note.Of(a).Text()
		two, err2 := item.Of(a, b).Text()
		if err == nil && err2 == nil && tag(one) != tag(two) {
			t.Fatalf("%q and %q are placed apart", one, two)
		}
	})
}

// tag is what a cluster places a key by, as its specification says: what stands between the first { and the next }, if anything.
func tag(key string) string {
	if _, rest, ok := strings.Cut(key, "{"); ok {
		if in, _, ok := strings.Cut(rest, "}"); ok && in != "" {
			return in
		}
	}
	return key
}
