package event_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/merlon-web/merlon/event"
	"github.com/merlon-web/merlon/secret"
)

type logCase struct {
	ID, Title, Kind string
	Input           any
	Secret          bool
	Repeat          *struct {
		Append string
		Times  int
	}
	Expect struct {
		Lines          int
		DecodesTo      *string  `json:"decodes_to"`
		RawNotContains []string `json:"raw_not_contains"`
		MaxBytes       int      `json:"max_bytes"`
	}
}

func TestLogVectors(t *testing.T) {
	b, err := os.ReadFile("testdata/cells-headers-lines.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []logCase
	if err := json.Unmarshal(b, &cases); err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, c := range cases {
		if c.Kind != "log" {
			continue
		}
		n++
		t.Run(c.ID, func(t *testing.T) {
			input := c.Input.(string)
			if c.Repeat != nil {
				input += strings.Repeat(c.Repeat.Append, c.Repeat.Times)
			}
			var value any = input
			if c.Secret {
				value = secret.New(input)
			}
			for _, form := range []struct {
				name string
				json bool
			}{{"json", true}, {"text", false}} {
				var out bytes.Buffer
				event.NewLog(&out, form.json, nil).Info("visitor said", "value", value)
				raw := out.String()
				if c.Expect.Lines > 0 && (strings.Count(raw, "\n") != c.Expect.Lines || !strings.HasSuffix(raw, "\n")) {
					t.Errorf("%s: %s: %s: %q, want %d line", c.ID, c.Title, form.name, raw, c.Expect.Lines)
				}
				for _, s := range c.Expect.RawNotContains {
					if strings.Contains(raw, s) {
						t.Errorf("%s: %s: %s: %q contains %q", c.ID, c.Title, form.name, raw, s)
					}
				}
				if c.Expect.MaxBytes > 0 && len(raw) > c.Expect.MaxBytes {
					t.Errorf("%s: %s: %s: %d bytes, want at most %d", c.ID, c.Title, form.name, len(raw), c.Expect.MaxBytes)
				}
				if c.Repeat != nil && !strings.Contains(raw, "…") {
					t.Errorf("%s: %s: the cut has no mark", c.ID, form.name)
				}
				if form.json && c.Expect.DecodesTo != nil {
					var line struct{ Value string }
					if err := json.Unmarshal(out.Bytes(), &line); err != nil || line.Value != *c.Expect.DecodesTo {
						t.Errorf("%s: %s: decodes to %q, %v, want %q", c.ID, c.Title, line.Value, err, *c.Expect.DecodesTo)
					}
				}
			}
		})
	}
	if n < 11 {
		t.Errorf("%d log cases, want at least 11", n)
	}
}

// hostile is a text with everything that can end, overwrite or reorder a line.
const hostile = "a\nb\rc\x1b[2Jd\x7fe\u009bf\u0085g\u2028h\u2029i\u202ej\u2066k\u061cl\u200em\x00n"

// oneLine reports what of a log line could act on a terminal or make a second line.
func oneLine(raw string) error {
	body, ended := strings.CutSuffix(raw, "\n")
	if !ended {
		return errors.New("no line end")
	}
	for i, r := range body {
		if r < 0x20 || r >= 0x7f && r <= 0x9f || strings.ContainsRune("\u2028\u2029\u202e\u2066\u061c\u200e", r) || r == utf8.RuneError && body[i] != '\xef' {
			return fmt.Errorf("character %U at %d", r, i)
		}
	}
	return nil
}

type stringer string

func (s stringer) String() string { return string(s) }

type panics struct{}

func (*panics) Error() string { panic("no") }

type lazy struct{ v slog.Value }

func (l lazy) LogValue() slog.Value { return l.v }

func TestNoPlaceOfALineIsForged(t *testing.T) {
	for title, log := range map[string]func(*slog.Logger){
		"message":           func(l *slog.Logger) { l.Info(hostile) },
		"value":             func(l *slog.Logger) { l.Info("x", "k", hostile) },
		"key":               func(l *slog.Logger) { l.Info("x", hostile, "v") },
		"error":             func(l *slog.Logger) { l.Info("x", "k", errors.New(hostile)) },
		"stringer":          func(l *slog.Logger) { l.Info("x", "k", stringer(hostile)) },
		"bytes":             func(l *slog.Logger) { l.Info("x", "k", []byte(hostile)) },
		"list":              func(l *slog.Logger) { l.Info("x", "k", []string{hostile}) },
		"map":               func(l *slog.Logger) { l.Info("x", "k", map[string]any{hostile: hostile}) },
		"struct":            func(l *slog.Logger) { l.Info("x", "k", struct{ A string }{hostile}) },
		"raw JSON":          func(l *slog.Logger) { l.Info("x", "k", json.RawMessage("\"\x9b31m\u009b\"")) },
		"group":             func(l *slog.Logger) { l.Info("x", slog.Group(hostile, "k", hostile)) },
		"open group":        func(l *slog.Logger) { l.WithGroup(hostile).With(hostile, hostile).Info("x", "k", hostile) },
		"log valuer":        func(l *slog.Logger) { l.Info("x", "k", lazy{slog.StringValue(hostile)}) },
		"group valuer":      func(l *slog.Logger) { l.Info("x", "k", lazy{slog.GroupValue(slog.String(hostile, hostile))}) },
		"invalid UTF-8":     func(l *slog.Logger) { l.Info("x\x9b", "k\x9b", "v\x9b31m\xff") },
		"error that panics": func(l *slog.Logger) { l.Info("x", "k", (*panics)(nil)) },
		"nil error":         func(l *slog.Logger) { l.Info("x", "k", error(nil)) },
	} {
		for _, asJSON := range []bool{true, false} {
			var out bytes.Buffer
			log(event.NewLog(&out, asJSON, nil))
			if err := oneLine(out.String()); err != nil {
				t.Errorf("%s, JSON %v: %v: %q", title, asJSON, err, out.String())
			}
			if asJSON && !json.Valid(out.Bytes()) {
				t.Errorf("%s: no JSON: %s", title, &out)
			}
		}
	}
	// the attack works without the guard
	var out bytes.Buffer
	slog.New(slog.NewJSONHandler(&out, nil)).Info(hostile)
	if oneLine(out.String()) == nil {
		t.Error("the hostile text is harmless to slog itself")
	}
}

func TestNoValueIsLong(t *testing.T) {
	long := strings.Repeat("xé", 500_000)
	for title, log := range map[string]func(*slog.Logger){
		"message":     func(l *slog.Logger) { l.Info(long) },
		"value":       func(l *slog.Logger) { l.Info("x", "k", long) },
		"key":         func(l *slog.Logger) { l.Info("x", long, "v") },
		"error":       func(l *slog.Logger) { l.Info("x", "k", errors.New(long)) },
		"stringer":    func(l *slog.Logger) { l.Info("x", "k", stringer(long)) },
		"bytes":       func(l *slog.Logger) { l.Info("x", "k", []byte(long)) },
		"list":        func(l *slog.Logger) { l.Info("x", "k", strings.Split(strings.Repeat("a,", 100_000), ",")) },
		"struct":      func(l *slog.Logger) { l.Info("x", "k", struct{ A string }{long}) },
		"map":         func(l *slog.Logger) { l.Info("x", "k", map[string]string{long: long}) },
		"with":        func(l *slog.Logger) { l.With("k", long).Info("x") },
		"group":       func(l *slog.Logger) { l.WithGroup(long).Info("x", "k", "v") },
		"group value": func(l *slog.Logger) { l.Info("x", slog.Group("g", "k", long)) },
	} {
		for _, asJSON := range []bool{true, false} {
			var out bytes.Buffer
			log(event.NewLog(&out, asJSON, nil))
			if out.Len() > 8192 || !utf8.Valid(out.Bytes()) {
				t.Errorf("%s, JSON %v: %d bytes, valid %v", title, asJSON, out.Len(), utf8.Valid(out.Bytes()))
			}
		}
	}
	var out bytes.Buffer
	event.NewLog(&out, true, nil).Info("x", "list", []int{1, 2}, "map", map[string]int{"a": 1}, "addr", struct{ A int }{7})
	if !strings.Contains(out.String(), `"list":[1,2],"map":{"a":1},"addr":{"A":7}`) {
		t.Errorf("short values keep their form: %s", &out)
	}
}

func TestNoSecretHidesInAValue(t *testing.T) {
	type account struct {
		Name string
		Pass secret.String
		key  secret.Bytes
	}
	held := account{"ann", secret.New("hunter2-canary"), secret.NewBytes([]byte("hunter2-canary"))}
	for title, v := range map[string]any{"value": held.Pass, "pointer": &held.Pass, "struct": held, "pointer to struct": &held, "list": []secret.String{held.Pass}, "map": map[string]any{"a": held.key}, "nil": (*secret.String)(nil)} {
		for _, asJSON := range []bool{true, false} {
			var out bytes.Buffer
			event.NewLog(&out, asJSON, nil).Info("x", "k", v, slog.Group("g", "k", v))
			if s := out.String(); strings.Contains(s, "canary") || strings.Contains(s, fmt.Sprintf("%x", "canary")) || strings.Contains(s, "Y2FuYXJ5") || oneLine(s) != nil {
				t.Errorf("%s, JSON %v: %s", title, asJSON, s)
			}
		}
	}
}

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"hello": "hello", "héllo": "héllo", "": "", "a\nb": `a\u000ab`, "a\u202eb": `a\u202eb`, "\x1b[2J": `\u001b[2J`, "a\xffb": "a\ufffdb", "a\x9bb": "a\ufffdb",
		strings.Repeat("x", 5000): strings.Repeat("x", 4096) + "…",
	} {
		if got := event.Clean(in); got != want {
			t.Errorf("Clean(%.40q) = %.60q, want %.60q", in, got, want)
		}
	}
}

func TestLevelIsKept(t *testing.T) {
	var out bytes.Buffer
	l := event.NewLog(&out, true, slog.LevelWarn)
	if l.Info("x"); out.Len() != 0 {
		t.Errorf("got %s", &out)
	}
	if l.Warn("x"); out.Len() == 0 {
		t.Error("a warning is lost")
	}
}

// FuzzLog: whatever a visitor says is one line, and the JSON form gives it back if it was text.
func FuzzLog(f *testing.F) {
	f.Add("hello", "key", "value")
	f.Add(hostile, hostile, hostile)
	f.Add("\xff\x9b", "a=b", `"}`)
	f.Fuzz(func(t *testing.T, message, key, value string) {
		for _, asJSON := range []bool{true, false} {
			var out bytes.Buffer
			event.NewLog(&out, asJSON, nil).Info(message, slog.String("a", value), slog.Any(key, []byte(value)))
			if err := oneLine(out.String()); err != nil {
				t.Fatalf("JSON %v: %v: %q", asJSON, err, out.String())
			}
			if !asJSON {
				continue
			}
			var line map[string]any
			if err := json.Unmarshal(out.Bytes(), &line); err != nil {
				t.Fatalf("%v: %s", err, &out)
			}
			if utf8.ValidString(value) && len(value) <= 4096 && key != "a" && line["a"] != value {
				t.Fatalf("%q came back as %q", value, line["a"])
			}
		}
		if s := event.Clean(value); strings.ContainsFunc(s, func(r rune) bool { return r < 0x20 || r == 0x7f || r == 0x202e }) || !utf8.ValidString(s) {
			t.Fatalf("Clean(%q) = %q", value, s)
		}
	})
}

func BenchmarkLog(b *testing.B) {
	b.ReportAllocs()
	l := event.NewLog(discard{}, true, nil)
	for b.Loop() {
		l.Info("refused", "id", "MRL-CSRF-003", "route", "POST /notes", "client", "198.51.100.7")
	}
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
