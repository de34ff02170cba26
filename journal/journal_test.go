package journal_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/event"
	"github.com/merlon-web/merlon/journal"
	"github.com/merlon-web/merlon/secret"
	"github.com/merlon-web/merlon/sqlite"
)

func TestRules(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range journal.Rules() {
		if err := r.Valid(); err != nil || seen[r.ID] || !strings.HasPrefix(r.ID, "MRL-JOURNAL-") || strings.Count(r.Explain(), "\n") > 40 {
			t.Errorf("%s: %v, or twice, or long", r.ID, err)
		}
		seen[r.ID] = true
	}
}

func TestStatements(t *testing.T) {
	engine, err := sqlite.Engine("x.db").Scratch(t.Context(), journal.Schema())
	if err != nil {
		t.Fatal(err)
	}
	defer engine.Close()
	if err := db.Verify(t.Context(), engine, journal.Schema()).Err(); err != nil {
		t.Error(err)
	}
}

func TestAnEventIsKeptAsItWas(t *testing.T) {
	s := open(t)
	e := event.New(rule, event.Done, slog.String("what", "x"), slog.Int("n", 7), slog.Bool("b", true), slog.Float64("f", 1.5),
		slog.Duration("d", time.Second), slog.Time("t", start), slog.Any("err", errors.New("broke")), slog.Any("nil", nil),
		slog.Group("g", slog.String("in", "y")), slog.Any("list", []string{"a", "b"}), slog.Any("ip", netip.MustParseAddr("192.0.2.1")))
	e.Time, e.Request, e.Method, e.Route, e.User = start, "req-1", "POST", "/notes", 7
	e.Client = netip.MustParseAddr("::ffff:192.0.2.1")
	s.append(e)
	list := s.list(journal.Filter{})
	if len(list) != 1 {
		t.Fatalf("%d entries", len(list))
	}
	got := list[0]
	want := journal.Entry{Seq: 1, Time: start, ID: rule.ID, Property: "integrity", Outcome: "done", Title: rule.Title,
		Request: "req-1", Method: "POST", Route: "/notes", Client: "192.0.2.1", User: 7,
		Detail: json.RawMessage(`{"what":"x","n":7,"b":true,"f":1.5,"d":"1s","t":"2026-03-01T12:00:00Z","err":"broke","nil":null,"g":{"in":"y"},"list":"a b","ip":"192.0.2.1"}`)}
	if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
		t.Errorf("got  %+v %s\nwant %+v %s", got, got.Detail, want, want.Detail)
	}
	for _, bad := range []event.Event{event.New(rule, event.Done), {Time: start}} {
		if err := s.write(func(w *db.Writer) error { return journal.Append(w, bad) }); err == nil {
			t.Errorf("kept %+v, which has no time or no id", bad)
		}
	}
}

func TestAnEventOfAFailedRequestIsNotKept(t *testing.T) {
	s := open(t)
	broken := errors.New("handler failed")
	err := s.write(func(w *db.Writer) error {
		if err := journal.Append(w, some(1)...); err != nil {
			return err
		}
		return broken
	})
	if !errors.Is(err, broken) || len(s.list(journal.Filter{})) != 0 {
		t.Errorf("an event of success outlived its transaction: %v", err)
	}
}

type holder struct {
	Name string
	Pass secret.String
	raw  []byte
}

type hidden struct{ secret.String }

func TestSecretsAreNeverStored(t *testing.T) {
	s := open(t)
	const canary = "hunter2-canary"
	pass := secret.New(canary)
	h := holder{"ann", pass, []byte(canary)}
	e := event.New(rule, event.Refused, slog.Any("pass", pass), slog.Any("key", secret.NewBytes([]byte(canary))), slog.Any("struct", h),
		slog.Any("pointer", &h), slog.Any("map", map[string]string{"p": canary}), slog.Any("bytes", []byte(canary)),
		slog.Any("list", []secret.String{pass}), slog.Any("embedded", hidden{pass}), slog.Group("g", slog.Any("pass", pass), slog.Any("h", h)),
		slog.Any("nested", slog.GroupValue(slog.Any("pass", pass))))
	e.Time = start
	s.append(e)
	detail := string(s.list(journal.Filter{})[0].Detail)
	if strings.Contains(detail, canary) || strings.Contains(detail, "hunter") || !strings.Contains(detail, "[redacted]") {
		t.Errorf("stored %s", detail)
	}
	var copy bytes.Buffer
	snapshot, err := s.engine.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer snapshot.Close()
	if _, err := snapshot.WriteTo(&copy); err != nil || bytes.Contains(copy.Bytes(), []byte(canary)) {
		t.Errorf("the database holds the secret (%v)", err)
	}
}

type loud struct{}

func (*loud) String() string { panic("no") }

func TestDetailsExactly(t *testing.T) {
	for _, c := range []struct {
		attrs []slog.Attr
		want  string
	}{
		{nil, `{}`},
		{[]slog.Attr{slog.String("", "x")}, `{"_":"x"}`},
		{[]slog.Attr{slog.Int("a", 1), slog.Int("a", 2), slog.Int("b", 3), slog.Int("a", 4)}, `{"a":1,"a#1":2,"b":3,"a#3":4}`},
		{[]slog.Attr{slog.Int(strings.Repeat("k", 65), 1)}, `{"` + strings.Repeat("k", 64) + `":1}`},
		{[]slog.Attr{slog.String("a", strings.Repeat("v", 1025))}, `{"a":"` + strings.Repeat("v", 1024) + `…"}`},
		{[]slog.Attr{slog.Any("a", struct{ X int }{7}), slog.Any("b", []int{7}), slog.Any("c", map[string]int{"x": 7})},
			`{"a":"(struct { X int })","b":"([]int)","c":"(map[string]int)"}`},
		{[]slog.Attr{slog.Float64("a", math.NaN()), slog.Float64("b", math.Inf(1)), slog.Uint64("c", math.MaxUint64), slog.Any("d", (*loud)(nil))},
			`{"a":"NaN","b":"+Inf","c":18446744073709551615,"d":"(panics)"}`},
		{[]slog.Attr{slog.Group("1", slog.Group("2", slog.Group("3", slog.Group("4", slog.Group("5", slog.Int("x", 1))))))},
			`{"1":{"2":{"3":{"4":{"5":"(deeper)"}}}}}`},
	} {
		if got := string(journal.Detail(c.attrs...)); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
}

func TestDetailsAreCleanAndBounded(t *testing.T) {
	s := open(t)
	deep := slog.String("x", "y")
	for range 50 {
		deep = slog.Group("deep", deep, slog.String("pad", strings.Repeat("p", 100)))
	}
	many := make([]slog.Attr, 5000)
	for i := range many {
		many[i] = slog.String(fmt.Sprint("key", i), "value")
	}
	for name, attrs := range map[string][]slog.Attr{
		"line break":      {slog.String("a\nb", "x\r\ny"), slog.String("a\nb", "again")},
		"terminal escape": {slog.String("a", "\x1b[2J\u009b\u202e\u2028\x7f\x00")},
		"quotes":          {slog.String(`"}, {"`, `\" "} {`)},
		"no UTF-8":        {slog.String("a\xff", "\xc3\x28")},
		"megabyte":        {slog.String("a", strings.Repeat("x\"", 1<<20)), slog.String("b", "kept")},
		"long key":        {slog.String(strings.Repeat("k", 1<<16), "x")},
		"deep":            {deep},
		"many":            many,
		"panics":          {slog.Any("p", (*loud)(nil))},
		"no key":          {slog.String("", "x")},
	} {
		e := event.New(rule, event.Refused, attrs...)
		e.Time, e.Request, e.Route, e.Method, e.Title = start, strings.Repeat("r\n", 5000), "/\x1b[2J", "G\nET", "t\u202e"
		s.append(e)
		got := s.list(journal.Filter{Limit: 1})[0]
		var m map[string]any
		if err := json.Unmarshal(got.Detail, &m); err != nil || len(m) == 0 {
			t.Errorf("%s: %v: %.200s", name, err, got.Detail)
		}
		if len(got.Detail) > 4<<10 || len(got.Request) > 8<<10 {
			t.Errorf("%s: %d bytes of details", name, len(got.Detail))
		}
		for _, text := range []string{string(got.Detail), got.Request, got.Route, got.Method, got.Title} {
			if strings.ContainsAny(text, "\r\n\x00\x1b\x7f\u009b\u202e\u2028") {
				t.Errorf("%s: raw control character in %q", name, text)
			}
		}
	}
	e := event.New(rule, event.Refused, many...)
	e.Time = start
	s.append(e)
	if d := string(s.list(journal.Filter{Limit: 1})[0].Detail); !strings.HasSuffix(d, `,"cut":true}`) {
		t.Errorf("what was left out is not said: …%s", d[len(d)-40:])
	}
}

func TestFilters(t *testing.T) {
	s := open(t)
	other := check.Rule{ID: "MRL-TEST-002", Property: check.Confidentiality, Title: "other"}
	events := some(10)
	for i := range 3 {
		e := event.New(other, event.Refused)
		e.Time, e.User = start.Add(time.Duration(100+i)*time.Second), 5
		events = append(events, e)
	}
	s.append(events...)
	for _, c := range []struct {
		filter journal.Filter
		want   string // seqs
	}{
		{journal.Filter{Limit: 3}, "13 12 11"},
		{journal.Filter{Before: 4}, "3 2 1"},
		{journal.Filter{ID: other.ID}, "13 12 11"},
		{journal.Filter{ID: other.ID, User: 5, Limit: 1}, "13"},
		{journal.Filter{ID: other.ID, User: 6}, ""},
		{journal.Filter{User: 5}, "13 12 11 6"},
		{journal.Filter{Property: "confidentiality"}, "13 12 11"},
		{journal.Filter{Property: "integrity", Outcome: "done"}, "9 6 3"},
		{journal.Filter{Since: start.Add(8 * time.Second), Until: start.Add(101 * time.Second)}, "11 10 9"},
		{journal.Filter{ID: "MRL-TEST-00_"}, ""},
		{journal.Filter{ID: "' OR 1=1 --"}, ""},
	} {
		var got []string
		for _, e := range s.list(c.filter) {
			got = append(got, fmt.Sprint(e.Seq))
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%+v: %v, want %s", c.filter, got, c.want)
		}
	}
	s.append(some(600)...)
	if n := len(s.list(journal.Filter{Limit: 1 << 30})); n != 500 {
		t.Errorf("a list of %d", n)
	}
}

func TestExport(t *testing.T) {
	s := open(t)
	s.append(some(5)...)
	s.chain()
	r := s.engine.Read(t.Context())
	defer r.Close()
	var out bytes.Buffer
	n, err := journal.Export(r, &out, start.Add(time.Second), start.Add(4*time.Second))
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if err != nil || n != 3 || len(lines) != 3 {
		t.Fatalf("%d, %v: %s", n, err, &out)
	}
	if strings.Contains(lines[0], "null") {
		t.Errorf("empty fields are written: %s", lines[0])
	}
	var e journal.Entry
	if err := json.Unmarshal([]byte(lines[0]), &e); err != nil || e.Seq != 2 || e.Link != 2 || len(e.Hash) != 64 || string(e.Detail) != `{"n":1}` {
		t.Errorf("%v: %s", err, lines[0])
	}
}

func TestExportOfAnEditedRowIsStillJSON(t *testing.T) {
	s := open(t)
	bare := event.New(rule, event.Done)
	bare.Time = start
	s.append(some(2)...)
	s.append(bare)
	s.must(func(w *db.Writer) error { return run(w, spoilDetail) })
	r := s.engine.Read(t.Context())
	defer r.Close()
	var out bytes.Buffer
	if n, err := journal.Export(r, &out, time.Time{}, time.Time{}); n != 3 || err != nil {
		t.Fatalf("%d, %v", n, err)
	}
	for i, line := range strings.Split(strings.TrimSpace(out.String()), "\n") {
		if !json.Valid([]byte(line)) || strings.Contains(line, `"detail"`) != (i == 0) {
			t.Errorf("line %d: %s", i, line)
		}
	}
}

func TestChecks(t *testing.T) {
	s := open(t)
	s.append(some(6)...)
	find := func() string {
		var ids []string
		for _, f := range check.Run(t.Context(), journal.Checks(s.engine, s.now)...).Findings(check.Low) {
			ids = append(ids, f.ID)
		}
		return strings.Join(ids, " ")
	}
	if got := find(); got != "" {
		t.Errorf("new events: %s", got)
	}
	s.pass(2 * time.Minute)
	if got := find(); got != journal.RuleTail.ID {
		t.Errorf("the chainer does not run: %q", got)
	}
	s.chain()
	if got := find(); got != "" {
		t.Errorf("linked: %s", got)
	}
	s.append(some(2000)...)
	s.chain()
	if got := find(); got != "" {
		t.Errorf("more than a check walks: %s", got)
	}
	for _, border := range []*db.Statement[db.Affected]{damageBorder, deleteBorder} { // where the check begins to walk
		s.must(func(w *db.Writer) error { return run(w, border) })
		if got := find(); got != journal.RuleBroken.ID {
			t.Errorf("tampered at the border: %q", got)
		}
	}
	s = open(t)
	s.append(some(6)...)
	s.chain()
	s.must(func(w *db.Writer) error { return run(w, headBack) })
	if got := find(); got != journal.RuleBroken.ID {
		t.Errorf("tampered: %q", got)
	}
}

func BenchmarkAppend(b *testing.B) {
	s := open(b)
	events := some(1)
	b.ReportAllocs()
	// Within one transaction: the cost that an event adds to a request.
	s.must(func(w *db.Writer) error {
		for b.Loop() {
			if err := journal.Append(w, events...); err != nil {
				return err
			}
		}
		return nil
	})
}

// TestListOfAnAccount: what befell the account, whoever did it, newest first, page by page. What its user did elsewhere is not
// among it: that may tell of others.
func TestListOfAnAccount(t *testing.T) {
	s := open(t)
	var all []event.Event
	for i := range 12 {
		e := event.New(rule, event.Done)
		e.Time = start.Add(time.Duration(i) * time.Second)
		switch i % 4 {
		case 0: // the user's own act
			e.User, e.Detail = 7, []slog.Attr{slog.Int64("account", 7)}
		case 1: // somebody else's, on the account
			e.User, e.Detail = 1, []slog.Attr{slog.Int64("account", 7)}
		case 2: // nobody's: a failed sign-in
			e.Detail = []slog.Attr{slog.Int64("account", 7)}
		case 3: // of others
			e.User, e.Detail = 7, []slog.Attr{slog.Int64("account", 9), slog.String("x", "7")}
		}
		all = append(all, e)
	}
	odd := event.New(rule, event.Done, slog.String("account", "seven"))
	odd.Time, odd.User = start, 7
	s.append(append(all, odd)...)
	var seqs []int64
	for before := int64(0); ; {
		page := s.list(journal.Filter{Account: 7, Limit: 4, Before: before})
		for _, e := range page {
			seqs = append(seqs, e.Seq)
		}
		if len(page) < 4 {
			break
		}
		before = page[3].Seq
	}
	if got, want := fmt.Sprint(seqs), "[11 10 9 7 6 5 3 2 1]"; got != want {
		t.Errorf("the account's events are %s, want %s", got, want)
	}
	if n := len(s.list(journal.Filter{Account: 7, Since: start.Add(8 * time.Second)})); n != 3 {
		t.Errorf("%d since the eighth second, want 3", n)
	}
	s.chain()
	if res := s.verify(); res.Broken != nil || res.Linked != 13 {
		t.Errorf("%+v", res)
	}
}
