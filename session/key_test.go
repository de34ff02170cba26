package session_test

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	msecret "github.com/merlon-web/merlon/secret"
	"github.com/merlon-web/merlon/session"
)

type basket struct {
	Items map[string]int
	Paid  bool
	When  time.Time
}

var (
	keyBool   = session.NewKey[bool]("test.bool")
	keyInt    = session.NewKey[int]("test.int")
	keyInt32  = session.NewKey[int32]("test.int32")
	keyUint   = session.NewKey[uint64]("test.uint")
	keyFloat  = session.NewKey[float64]("test.float")
	keyBytes  = session.NewKey[[]byte]("test.bytes")
	keyTime   = session.NewKey[time.Time]("test.time")
	keyBasket = session.NewKey[basket]("test.basket")
	keyIDs    = session.NewKey[[]int64]("test.ids")
	keyPtr    = session.NewKey[*basket]("test.pointer")
	keyFlash  = session.NewKey[flash]("test.flash")
)

type flash string

func round[T any](t *testing.T, k session.Key[T], values ...T) {
	t.Helper()
	h := newHouse(t)
	b := h.browser()
	for _, v := range values {
		if err := b.post(func(w *session.Writer) error { k.Set(w, v); return nil }); err != nil {
			t.Errorf("%s: %v", k.Name(), err)
			continue
		}
		if got, ok := k.Get(b.load().Reader()); !ok || !reflect.DeepEqual(got, v) {
			t.Errorf("%s: got %v, %v; want %v", k.Name(), got, ok, v)
		}
	}
}

func TestKeysRoundTrip(t *testing.T) {
	round(t, keyBool, true, false)
	round(t, keyInt, 0, -1, math.MaxInt, math.MinInt)
	round(t, keyInt32, math.MaxInt32, math.MinInt32)
	round(t, number, math.MaxInt64, math.MinInt64)
	round(t, keyUint, 0, math.MaxUint64)
	round(t, keyFloat, 0, -1.5, math.Inf(1), math.MaxFloat64)
	round(t, note, "", "x", "naïve\x00\xff", strings.Repeat("long", 10000))
	round(t, keyBytes, []byte{}, []byte{0, 255})
	round(t, keyTime, time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC))
	round(t, keyBasket, basket{}, basket{map[string]int{"egg": 12}, true, time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)})
	round(t, keyIDs, nil, []int64{1, -2})
	round(t, keyPtr, nil, &basket{Paid: true})
	round(t, keyFlash, "saved")
}

// A value that is changed after it was got does not change what other requests get.
func TestValuesAreNotShared(t *testing.T) {
	h := newHouse(t)
	b := h.browser()
	if err := b.post(func(w *session.Writer) error {
		keyBytes.Set(w, []byte("kept"))
		keyBasket.Set(w, basket{Items: map[string]int{"egg": 1}})
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	raw, _ := keyBytes.Get(b.load().Reader())
	raw[0] = 'X'
	items, _ := keyBasket.Get(b.load().Reader())
	items.Items["egg"] = 99
	if again, _ := keyBytes.Get(b.load().Reader()); string(again) != "kept" {
		t.Errorf("another request gets %q", again)
	}
	if again, _ := keyBasket.Get(b.load().Reader()); again.Items["egg"] != 1 {
		t.Errorf("another request gets %v", again)
	}
}

func panics(f func()) (text string) {
	defer func() {
		if p := recover(); p != nil {
			text = fmt.Sprint(p)
		}
	}()
	f()
	return ""
}

func TestKeysThatCannotBe(t *testing.T) {
	for name, c := range map[string]struct {
		declare func()
		says    string
	}{
		"upper case":     {func() { session.NewKey[int]("Theme") }, "a-z"},
		"empty":          {func() { session.NewKey[int]("") }, "a-z"},
		"long":           {func() { session.NewKey[int]("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa") }, "64"},
		"declared twice": {func() { session.NewKey[int]("test.note") }, "declared before"},
		"an interface":   {func() { session.NewKey[any]("test.any") }, "interface"},
		"a function":     {func() { session.NewKey[func()]("test.func") }, "cannot be kept"},
		"a channel":      {func() { session.NewKey[struct{ C chan int }]("test.chan") }, "cannot be kept"},
		"a secret":       {func() { session.NewKey[struct{ Pass msecret.String }]("test.secret") }, "cannot be kept"},
	} {
		text := panics(c.declare)
		if !strings.Contains(text, c.says) || !strings.Contains(text, session.RuleKey.ID) || !strings.Contains(text, "key_test.go:") {
			t.Errorf("%s: got %q, want a panic that says %q, the rule and the place", name, text, c.says)
		}
	}
	var zero session.Key[int]
	h := newHouse(t)
	b := h.browser()
	if err := b.post(func(w *session.Writer) error { zero.Set(w, 1); return nil }); err == nil {
		t.Error("the zero Key kept a value")
	}
	if err := b.post(func(w *session.Writer) error { zero.Delete(w); return nil }); err == nil {
		t.Error("the zero Key deleted a value")
	}
	if _, ok := zero.Get(b.load().Reader()); ok {
		t.Error("the zero Key reads a value")
	}
}

// The program was changed: a key's type is another, or what it kept cannot be read any more. The value is absent, an event
// tells, nothing is misread.
func TestChangedType(t *testing.T) {
	h := newHouse(t)
	b := h.browser()
	if err := b.post(func(w *session.Writer) error {
		number.Set(w, 65)
		note.Set(w, "text")
		keyBasket.Set(w, basket{Paid: true})
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	r := b.load().Reader()
	if v, ok := session.Renamed[string](number).Get(r); ok || v != "" {
		t.Errorf("a number is read as text %q", v)
	}
	if v, ok := session.Renamed[int64](note).Get(r); ok || v != 0 {
		t.Errorf("a text is read as number %d", v)
	}
	if v, ok := session.Renamed[[]string](keyBasket).Get(r); ok || v != nil {
		t.Errorf("a basket is read as %v", v)
	}
	if v, ok := session.Renamed[int32](number).Get(r); !ok || v != 65 {
		t.Errorf("a number is not read as a smaller one: %d, %v", v, ok)
	}
	if n := h.events.count(session.RuleValue); n != 3 {
		t.Errorf("%d events, want 3", n)
	}
	if v, ok := number.Get(r); !ok || v != 65 {
		t.Error("the right key does not read it any more")
	}
}

func TestTooBig(t *testing.T) {
	h := newHouse(t, func(c *session.Config) { c.MaxBytes = 2048 })
	b := h.browser()
	fits := strings.Repeat("x", 1500)
	if err := b.post(func(w *session.Writer) error { note.Set(w, fits); return nil }); err != nil {
		t.Fatal(err)
	}
	err := b.post(func(w *session.Writer) error { keyBytes.Set(w, make([]byte, 1500)); return nil })
	if !errors.Is(err, session.ErrTooBig) || !strings.Contains(err.Error(), "limit is 2048") {
		t.Errorf("got %v, want ErrTooBig with the numbers", err)
	}
	if v, _ := note.Get(b.load().Reader()); v != fits {
		t.Error("the refused write left something behind")
	}
	if h.events.count(session.RuleSize) != 1 {
		t.Error("no event")
	}
	// What is too big and taken out again before Save is not too big.
	if err := b.post(func(w *session.Writer) error { keyBytes.Set(w, make([]byte, 1500)); keyBytes.Delete(w); return nil }); err != nil {
		t.Error(err)
	}
}

func TestSealOfKeys(t *testing.T) {
	session.Unseal(t)
	session.Seal()
	if text := panics(func() { session.NewKey[int]("test.late") }); !strings.Contains(text, "after the site started") {
		t.Errorf("got %q", text)
	}
	declare := func() { session.NewKey[int]("test.same") }
	session.UnsealNow()
	declare()
	session.Seal()
	if text := panics(declare); text != "" {
		t.Errorf("the same declaration again, by a test that runs twice: %s", text)
	}
}

func TestMacIsHMAC(t *testing.T) {
	for n := range 65 {
		var key [32]byte
		_, _ = rand.Read(key[:])
		message := make([]byte, n)
		_, _ = rand.Read(message)
		h := hmac.New(sha256.New, key[:])
		h.Write(message)
		if got := session.Mac(&key, message); !hmac.Equal(got[:], h.Sum(nil)) {
			t.Fatalf("%d bytes: not HMAC-SHA-256", n)
		}
	}
}
