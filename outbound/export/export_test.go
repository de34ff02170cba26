package export_test

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/outbound/export"
)

func ExampleCSV() {
	var file strings.Builder
	table, err := export.NewCSV(&file, "Name", "Boats")
	if err != nil {
		panic(err)
	}
	_ = table.Row("Ann", 2)
	_ = table.Row("=cmd|' /C calc'!A0", -1)
	fmt.Print(strings.ReplaceAll(file.String(), "\r\n", "\n"))
	// Output:
	// "Name","Boats"
	// "Ann",2
	// "'=cmd|' /C calc'!A0",-1
}

func TestVectors(t *testing.T) {
	text, err := os.ReadFile("testdata/cells.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		ID, Title string
		Input     any
		Expect    struct {
			Cell            *string
			Quoted, Refused bool
		}
	}
	if err := json.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	if len(cases) < 19 {
		t.Fatalf("%d cases", len(cases))
	}
	for _, c := range cases {
		t.Run(c.ID, func(t *testing.T) {
			var b strings.Builder
			table, err := export.NewCSV(&b, "A", "B")
			if err != nil {
				t.Fatal(err)
			}
			if n, ok := c.Input.(float64); ok {
				c.Input = int(n)
			}
			err = table.Row(c.Input, "end")
			if c.Expect.Refused {
				if found, ok := errors.AsType[check.Finding](err); !ok || found.ID != export.RuleCell.ID || strings.Count(b.String(), "\r\n") != 1 {
					t.Fatalf("%s: %v, %q", c.Title, err, b.String())
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			raw := strings.TrimPrefix(b.String(), "\"A\",\"B\"\r\n")
			if c.Expect.Quoted && !strings.HasPrefix(raw, `"`) {
				t.Errorf("%s: not in quotes: %q", c.Title, raw)
			}
			// encoding/csv makes \n of \r\n inside quotes.
			rows, err := csv.NewReader(strings.NewReader(b.String())).ReadAll()
			want := strings.ReplaceAll(*c.Expect.Cell, "\r\n", "\n")
			if err != nil || len(rows) != 2 || rows[1][0] != want || rows[1][1] != "end" {
				t.Errorf("%s: %q is read as %q, %v", c.Title, b.String(), rows, err)
			}
		})
	}
}

type boat string

type loud struct{}

func (loud) String() string { return "=LOUD()" }

func TestTypes(t *testing.T) {
	var b strings.Builder
	table, err := export.NewCSV(&b, "A")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		cell any
		want string
	}{
		{boat("=1"), `"'=1"`}, {loud{}, `"'=LOUD()"`}, {errors.New("@x"), `"'@x"`}, {-1.5, "-1.5"}, {int8(-3), "-3"}, {uint(7), "7"}, {true, "true"}, {nil, ""}, {(*time.Time)(nil), ""}, {(*loud)(nil), ""}, {new(time.Unix(0, 0).UTC()), "1970-01-01T00:00:00Z"},
		{time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC), "2026-05-01T12:00:00Z"}, {"\u200b=1", "\"'\u200b=1\""}, {"\xff", "\"\ufffd\""}, {"＝1", `"'＝1"`},
	} {
		b.Reset()
		if err := table.Row(c.cell); err != nil || b.String() != c.want+"\r\n" {
			t.Errorf("%#v: %q, %v, want %q", c.cell, b.String(), err, c.want)
		}
	}
	b.Reset()
	for _, cells := range [][]any{{struct{}{}}, {[]string{"a"}}, {}, {"a", "b"}} {
		if err := table.Row(cells...); err == nil || b.Len() > 0 {
			t.Errorf("%v: %v, %q", cells, err, b.String())
		}
	}
}

// Whatever stands in a cell: it comes back as one cell, and does not begin like a formula.
func FuzzRow(f *testing.F) {
	for _, s := range []string{"", "=1", " =1", "a\"b", "a\r\nb", "\t", "'=1", "\u00a0+1", "\ufeff=1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var b strings.Builder
		table, _ := export.NewCSV(&b, "A", "B")
		if err := table.Row(s, 1); err != nil {
			if !strings.Contains(s, "\x00") {
				t.Fatal(err)
			}
			return
		}
		body := strings.TrimPrefix(b.String(), "\"A\",\"B\"\r\n")
		cell, rest, whole := strings.Cut(strings.ReplaceAll(strings.TrimPrefix(body, `"`), `""`, "\x00"), `"`)
		cell = strings.ReplaceAll(cell, "\x00", `"`)
		want := strings.ToValidUTF8(s, "\ufffd")
		if !whole || rest != ",1\r\n" || strings.TrimPrefix(cell, "'") != strings.TrimPrefix(want, "'") {
			t.Fatalf("%q became %q", s, body)
		}
		if first := strings.TrimSpace(cell); first != "" && strings.ContainsAny(first[:1], "=+-@") {
			t.Fatalf("%q became a formula: %q", s, body)
		}
	})
}

func TestRules(t *testing.T) {
	for _, r := range export.Rules() {
		if err := r.Valid(); err != nil {
			t.Error(err)
		}
	}
}
