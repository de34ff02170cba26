package csrf_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/merlon-web/merlon/csrf"
)

var (
	key     = bytes.Repeat([]byte{7}, 32)
	binding = []byte("session binding of 32 bytes ....")
)

const route = "POST /notes/{id}"

func token(key, binding []byte, route string) string {
	return string(csrf.AppendToken(nil, key, binding, route, nil))
}

func TestToken(t *testing.T) {
	a, b := token(key, binding, route), token(key, binding, route)
	if len(a) != csrf.TokenLength {
		t.Fatalf("got %d characters, want %d", len(a), csrf.TokenLength)
	}
	if a == b {
		t.Error("two tokens of one session and route are equal: nothing is masked")
	}
	pad, ok := csrf.VerifyToken(key, binding, route, a)
	again, _ := csrf.VerifyToken(key, binding, route, a)
	other, ok2 := csrf.VerifyToken(key, binding, route, b)
	if !ok || !ok2 {
		t.Fatal("own token refused")
	}
	if pad != again || pad == other {
		t.Error("the pad is not the id of its token")
	}
	for _, c := range []struct {
		name  string
		key   []byte
		bind  []byte
		route string
		token string
	}{
		{"another session (M14)", key, []byte("another session's binding"), route, a},
		{"another route (M15)", key, binding, "POST /account/{id}", a},
		{"another key", bytes.Repeat([]byte{8}, 32), binding, route, a},
		{"no binding", key, nil, route, a},
		{"short key", key[:31], binding, route, a},
		{"empty", key, binding, route, ""},
		{"shorter", key, binding, route, a[:85]},
		{"longer", key, binding, route, a + "A"},
		{"padded", key, binding, route, a + "=="},
		{"in standard base64", key, binding, route, strings.NewReplacer("-", "+", "_", "/").Replace(a)[:85] + "+"},
		{"a line break for a character", key, binding, route, "\n" + a[1:]},
		{"a line break and one fewer", key, binding, route, a[:40] + "\r" + a[40:85]},
		{"a space", key, binding, route, " " + a[1:]},
		{"zeros", key, binding, route, strings.Repeat("A", 86)},
		{"pad of one, MAC of another", key, binding, route, mix(t, a, b)},
	} {
		if _, ok := csrf.VerifyToken(c.key, c.bind, c.route, c.token); ok {
			t.Errorf("%s: got accepted, want refused", c.name)
		}
	}
	// The last character carries four bits that must be zero: each of the other fifteen spellings is refused.
	accepted := 0
	for _, c := range "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_" {
		if _, ok := csrf.VerifyToken(key, binding, route, a[:85]+string(c)); ok {
			accepted++
		}
	}
	if accepted != 1 {
		t.Errorf("%d spellings of one token accepted, want 1", accepted)
	}
}

// TestLineBreaks: base64 skips line breaks, so a token that ends in a zero byte would have a second spelling.
func TestLineBreaks(t *testing.T) {
	a := token(key, binding, route)
	for decode(t, a)[63] != 0 {
		a = token(key, binding, route)
	}
	for _, other := range []string{"\n\n" + a[:84], a[:84] + "\r\n", a[:40] + "\n\n" + a[40:84]} {
		if _, ok := csrf.VerifyToken(key, binding, route, other); ok {
			t.Errorf("second spelling %q accepted", other)
		}
	}
}

// TestRemasked states what masking does not give: the holder of a token can put another pad on its MAC. The token stays
// good for the same session and route only, and has another id.
func TestRemasked(t *testing.T) {
	a := token(key, binding, route)
	pad, _ := csrf.VerifyToken(key, binding, route, a)
	other, ok := csrf.VerifyToken(key, binding, route, swap(t, a))
	if !ok || other == pad {
		t.Errorf("got %v, want the halves swapped to be a token with another id: mend the comment of VerifyToken", ok)
	}
	if _, ok := csrf.VerifyToken(key, []byte("another"), route, swap(t, a)); ok {
		t.Error("a remasked token is good for another session")
	}
}

func decode(t *testing.T, token string) []byte {
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func swap(t *testing.T, token string) string {
	raw := decode(t, token)
	return base64.RawURLEncoding.EncodeToString(append(raw[32:64:64], raw[:32]...))
}

func mix(t *testing.T, a, b string) string {
	return base64.RawURLEncoding.EncodeToString(append(decode(t, a)[:32:32], decode(t, b)[32:]...))
}

// TestFraming: what is moved from the binding to the route makes another token.
func TestFraming(t *testing.T) {
	if _, ok := csrf.VerifyToken(key, []byte("ab"), "c", token(key, []byte("a"), "bc")); ok {
		t.Error("binding a and route bc are good for binding ab and route c")
	}
}

// TestSum holds the MAC against crypto/hmac, for keys shorter and longer than a block and texts that leave the stack.
func TestSum(t *testing.T) {
	for _, n := range []int{32, 63, 64, 65, 200} {
		for _, m := range []int{1, 32, 300, 2000} {
			k, bind := make([]byte, n), make([]byte, m)
			_, _ = rand.Read(k)
			_, _ = rand.Read(bind)
			r := strings.Repeat("r", m%700)
			raw := decode(t, token(k, bind, r))
			if !bytes.Equal(masked(k, bind, r, raw[:32]), raw) {
				t.Errorf("key of %d, binding of %d bytes: not HMAC-SHA-256", n, m)
			}
		}
	}
}

// masked makes the bytes of a token by crypto/hmac.
func masked(key, binding []byte, route string, pad []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(binding))))
	h.Write(binding)
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(route))))
	h.Write([]byte(route + "v1"))
	mac := h.Sum(nil)
	for i := range mac {
		mac[i] ^= pad[i]
	}
	return append(pad[:32:32], mac...)
}

// TestWhatEverybodyCouldMake: a token that is right for an empty binding or a short key is refused all the same.
func TestWhatEverybodyCouldMake(t *testing.T) {
	pad := bytes.Repeat([]byte{9}, 32)
	for _, c := range []struct {
		name         string
		key, binding []byte
		ok           bool
	}{{"no binding", key, nil, false}, {"empty binding", key, []byte{}, false}, {"no key", nil, binding, false}, {"short key", key[:31], binding, false}, {"both right", key, binding, true}} {
		sent := base64.RawURLEncoding.EncodeToString(masked(c.key, c.binding, route, pad))
		if _, ok := csrf.VerifyToken(c.key, c.binding, route, sent); ok != c.ok {
			t.Errorf("%s: got accepted %v, want %v", c.name, ok, c.ok)
		}
	}
}

func TestRandomSource(t *testing.T) {
	pad := bytes.Repeat([]byte("pad."), 8)
	got := decode(t, string(csrf.AppendToken(nil, key, binding, route, iotest.OneByteReader(bytes.NewReader(pad)))))
	if !bytes.Equal(got[:32], pad) {
		t.Errorf("pad %q, want the reader's %q", got[:32], pad)
	}
	if prefix := csrf.AppendToken([]byte("before"), key, binding, route, nil); !bytes.HasPrefix(prefix, []byte("before")) || len(prefix) != 6+csrf.TokenLength {
		t.Errorf("got %q, want the token after what was there", prefix)
	}
	seen := map[string]bool{}
	for range 1000 {
		p := string(decode(t, token(key, binding, route))[:32])
		if seen[p] || strings.Contains(p, "\x00\x00\x00\x00\x00\x00") {
			t.Fatalf("pad %x is repeated or was wiped before its use", p)
		}
		seen[p] = true
	}
}

func TestFaultsOfTheProgramPanic(t *testing.T) {
	for name, f := range map[string]func(){
		"short key":      func() { csrf.AppendToken(nil, key[:16], binding, route, nil) },
		"no binding":     func() { csrf.AppendToken(nil, key, nil, route, nil) },
		"no randomness":  func() { csrf.AppendToken(nil, key, binding, route, bytes.NewReader([]byte("short"))) },
		"handler key":    func() { csrf.Handler(own, nil, nil) },
		"handler origin": func() { csrf.Handler("https://site.test/", key, nil) },
	} {
		func() {
			defer func() {
				if p, ok := recover().(string); !ok || !strings.HasPrefix(p, "csrf: ") {
					t.Errorf("%s: got panic %v, want one that says what to do", name, p)
				}
			}()
			f()
		}()
	}
}

func TestAppendHiddenField(t *testing.T) {
	got := string(csrf.AppendHiddenField(nil, key, binding, route, nil))
	value, ok := strings.CutPrefix(got, `<input type="hidden" name="merlon_token" value="`)
	value, ok2 := strings.CutSuffix(value, `">`)
	if _, valid := csrf.VerifyToken(key, binding, route, value); !ok || !ok2 || !valid {
		t.Errorf("got %q, want a hidden field with a valid token", got)
	}
}

// FuzzVerifyToken: a text that was not made with the key is never accepted, and one that was is accepted in one spelling.
func FuzzVerifyToken(f *testing.F) {
	f.Add(token(key, binding, route), []byte("x"), "POST /")
	f.Add(strings.Repeat("A", 86), []byte{0}, "")
	f.Fuzz(func(t *testing.T, sent string, bind []byte, route string) {
		secret := make([]byte, 32)
		_, _ = rand.Read(secret)
		if _, ok := csrf.VerifyToken(secret, bind, route, sent); ok {
			t.Fatalf("forged token %q accepted", sent)
		}
		if len(bind) == 0 {
			return
		}
		good := token(secret, bind, route)
		if _, ok := csrf.VerifyToken(secret, bind, route, good); !ok {
			t.Fatal("own token refused")
		}
		if sent != good {
			if len(sent) == len(good) { // every single changed character is refused
				for i := range good {
					if sent[i] != good[i] {
						if _, ok := csrf.VerifyToken(secret, bind, route, good[:i]+sent[i:i+1]+good[i+1:]); ok {
							t.Fatalf("token with character %d changed accepted", i)
						}
					}
				}
			}
		}
	})
}

func TestNoAllocations(t *testing.T) {
	dst := make([]byte, 0, 200)
	sent := token(key, binding, route)
	if n := testing.AllocsPerRun(200, func() {
		dst = csrf.AppendHiddenField(dst[:0], key, binding, route, nil)
		if _, ok := csrf.VerifyToken(key, binding, route, sent); !ok {
			t.Fatal("own token refused")
		}
	}); n > 0 {
		t.Errorf("got %v allocations, want none", n)
	}
}

func BenchmarkAppendToken(b *testing.B) {
	dst := make([]byte, 0, 200)
	b.ReportAllocs()
	for b.Loop() {
		dst = csrf.AppendToken(dst[:0], key, binding, route, nil)
	}
}

func BenchmarkVerifyToken(b *testing.B) {
	sent := token(key, binding, route)
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := csrf.VerifyToken(key, binding, route, sent); !ok {
			b.Fatal("refused")
		}
	}
}
