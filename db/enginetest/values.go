package enginetest

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/merlon-web/merlon/db"
)

func values(t *testing.T, s *suite) {
	e := s.open(t)
	at := time.Date(2026, 2, 28, 23, 59, 58, 123456000, time.UTC)
	for _, v := range []value{
		{I: 1, F: 1.5, S: "text", B: []byte("bytes"), Flag: true, At: at, J: []string{"a", `"`}},
		{I: math.MaxInt64, F: math.MaxFloat64, S: "a b\u2028 ä 𝄞 '\"\\", B: []byte{0, 255}, At: time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC)},
		{I: math.MinInt64, F: math.SmallestNonzeroFloat64, S: "", B: []byte{}, At: time.Date(9999, 12, 31, 23, 59, 59, 999999000, time.UTC), J: []string{}},
		{I: 0, F: math.Inf(-1), S: strings.Repeat("long ", 100000), B: bytes.Repeat([]byte{7}, 1<<20), At: at},
		{I: -1, F: 3, S: "a whole float"},
	} {
		write(t, e, func(w *db.Writer) {
			v.ID = must(insertValue.Run(w, v.I, v.F, v.S, v.B, v.Flag, v.At, db.JSON(v.J)))
			got := must(valueByID.One(w, v.ID))
			if !got.At.Equal(v.At) || got.At.Location() != time.UTC {
				t.Errorf("the time %v came back as %v", v.At, got.At)
			}
			got.At = v.At
			if v.B == nil {
				v.B = got.B // NULL, seen below
			}
			if !reflect.DeepEqual(got, v) {
				t.Errorf("got %.200v, want %.200v", fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", v))
			}
		})
	}

	// A text that an engine cannot keep is refused before it is sent; none is cut.
	write(t, e, func(w *db.Writer) {
		const nul = "a\x00b"
		id, err := insertValue.Run(w, 1, 1, nul, nil, true, at, nil)
		if err != nil {
			wantRule(t, err, db.RuleArgument)
		} else if got := must(textByID.One(w, id)); got != nul {
			t.Errorf("%q came back as %q", nul, got)
		}
	})

	write(t, e, func(w *db.Writer) {
		id := must(insertValue.Run(w, level(200), float32(0.5), role("admin"), [4]byte{1, 2, 3, 4}, true, at.In(time.FixedZone("east", 7200)), nil))
		if got, want := must(namedByID.One(w, id)), (named{200, 0.5, "admin", [4]byte{1, 2, 3, 4}, true}); got != want {
			t.Errorf("named types: got %+v, want %+v", got, want)
		}
		for _, bytes := range []any{[4]bits{1, 2, 3, 4}, []bits{1, 2, 3, 4}, packed{1, 2, 3, 4}, &packed{1, 2, 3, 4}} {
			other := must(insertValue.Run(w, 200, 0.5, "admin", bytes, true, at, nil))
			if got, want := must(namedByID.One(w, other)), (named{200, 0.5, "admin", [4]byte{1, 2, 3, 4}, true}); got != want {
				t.Errorf("bytes as %T: got %+v, want %+v", bytes, got, want)
			}
		}
		if got := must(timeByID.One(w, id)); !got.Equal(at) {
			t.Errorf("a time of another zone came back as %v, want %v", got, at)
		}
		id = must(insertValue.Run(w, uint64(math.MaxInt64), 1, "x", nil, false, at.Add(999), nil)) // 999 ns are less than is kept
		if got := must(uintByID.One(w, id)); got != math.MaxInt64 {
			t.Errorf("got %d", got)
		}
		if got := must(timeByID.One(w, id)); !got.Equal(at) {
			t.Errorf("a time came back as %v, want it cut to microseconds", got)
		}
	})
	read(t, e, func(r *db.Reader) {
		got := must(timesBefore.All(r, at.Add(time.Hour)))
		for i := range got {
			if i > 0 && got[i].Before(got[i-1]) {
				t.Errorf("times are not sorted as stored: %v", got)
			}
		}
		if len(got) < 4 {
			t.Errorf("%d times are before %v", len(got), at)
		}
	})
}

func null(t *testing.T, s *suite) {
	e := s.open(t)
	var none nullable
	one, half, admin, yes, at := int64(1), 0.5, role("admin"), true, time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	full := nullable{&one, &half, &admin, []byte("b"), &yes, &at, map[string]int{"a": 1}}
	write(t, e, func(w *db.Writer) {
		id := must(insertValue.Run(w, none.I, none.F, none.S, none.B, none.Flag, none.At, nil))
		if got := must(nullableByID.One(w, id)); !reflect.DeepEqual(got, none) {
			t.Errorf("NULLs came back as %+v", got)
		}
		_, err := valueByID.One(w, id)
		wantRule(t, err, db.RuleValue)
		if err == nil || !strings.Contains(err.Error(), `"i"`) || !strings.Contains(err.Error(), "NULL") {
			t.Errorf("the error of a NULL names neither its column nor NULL: %v", err)
		}
		id = must(insertValue.Run(w, full.I, full.F, full.S, full.B, full.Flag, full.At, db.JSON(full.J)))
		if got := must(nullableByID.One(w, id)); !reflect.DeepEqual(got, full) {
			t.Errorf("got %+v, want %+v", got, full)
		}
	})
}

func misfits(t *testing.T, s *suite) {
	e := s.open(t)
	write(t, e, func(w *db.Writer) {
		id := must(insertValue.Run(w, -200, 1, "x", nil, true, nil, "no json"))
		for name, err := range map[string]error{
			"-200 as int8":   second(int8ByID.One(w, id)),
			"-200 as uint64": second(uintByID.One(w, id)),
			"no JSON":        second(nullableByID.One(w, id)),
		} {
			t.Run(name, func(t *testing.T) { wantRule(t, err, db.RuleValue) })
		}
		if got := must(intByID.One(w, id)); got != -200 {
			t.Errorf("got %d", got)
		}
	})

	// Each sized integer takes its bounds, and refuses what lies beyond them.
	least := []int64{math.MinInt8, math.MinInt16, math.MinInt32, math.MinInt64, math.MinInt64, 0, 0, 0, 0, 0}
	most := []int64{math.MaxInt8, math.MaxInt16, math.MaxInt32, math.MaxInt64, math.MaxInt64, math.MaxUint8, math.MaxUint16, math.MaxUint32, math.MaxInt64, math.MaxInt64}
	row := func(r *db.Reader, values []int64) (sized, error) {
		args := make([]any, len(values))
		for i := range values {
			args[i] = values[i]
		}
		return sizedRow.One(r, args...)
	}
	read(t, e, func(r *db.Reader) {
		if got := must(row(r, least)); got != (sized{A: math.MinInt8, B: math.MinInt16, C: math.MinInt32, D: math.MinInt64, E: math.MinInt64}) {
			t.Errorf("the least: %+v", got)
		}
		if got := must(row(r, most)); got != (sized{math.MaxInt8, math.MaxInt16, math.MaxInt32, math.MaxInt64, math.MaxInt64, math.MaxUint8, math.MaxUint16, math.MaxUint32, math.MaxInt64, math.MaxInt64}) {
			t.Errorf("the most: %+v", got)
		}
		for i := range most {
			for _, beyond := range []int64{least[i] - 1, most[i] + 1} {
				if beyond > least[i] && beyond < most[i] || beyond == math.MinInt64 || beyond == math.MaxInt64 {
					continue // it went around: there is nothing beyond 64 bits
				}
				values := append([]int64(nil), most...)
				values[i] = beyond
				_, err := row(r, values)
				wantRule(t, err, db.RuleValue)
			}
		}
	})
}

func second[T any](_ T, err error) error { return err }

type valuer struct{ sql.NullString }

func arguments(t *testing.T, s *suite) {
	e := s.open(t)
	text, number := "x", 1
	pointer := &text
	write(t, e, func(w *db.Writer) {
		for _, bad := range []any{
			sql.NullString{String: "x", Valid: true}, valuer{}, struct{}{}, map[string]string{}, []int{1}, []string{"x"}, func() {}, make(chan int), complex(1, 1), &pointer,
			any(&struct{}{}), errors.New("an error"), [2]int{}, sql.Named("a", 1), sql.Out{},
		} {
			_, err := insertItem.Run(w, bad, 1)
			wantRule(t, err, db.RuleArgument)
			if err != nil && !strings.Contains(err.Error(), reflect.TypeOf(bad).String()) {
				t.Errorf("the error does not name the type: %v", err)
			}
		}
		for _, args := range [][]any{nil, {"x"}, {"x", 1, 1}} {
			_, err := insertItem.Run(w, args...)
			wantRule(t, err, db.RuleArgument)
		}
		if _, err := insertItem.Run(w, "x", uint64(math.MaxUint64)); err == nil {
			t.Error("an integer that no column holds was taken")
		}
		if _, err := insertItem.Run(w, db.JSON(func() {}), 1); err == nil {
			t.Error("what is no JSON was taken")
		}
		if _, err := insertItem.Run(w, time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC), 1); err == nil {
			t.Error("the year 10000 was taken")
		}
		must(insertItem.Run(w, &text, &number))
		must(insertItem.Run(w, role("r"), level(3)))
	})
	if n := count(t, e); n != 2 {
		t.Errorf("%d rows, want the 2 of honest arguments", n)
	}
}

func constraints(t *testing.T, s *suite) {
	e := s.open(t)
	for _, one := range []struct {
		name string
		kind db.ConstraintKind
		run  func(w *db.Writer) error
	}{
		{"unique", db.ConstraintUnique, func(w *db.Writer) error { return second(insertItem.Run(w, "a", 1)) }},
		{"primary key", db.ConstraintUnique, func(w *db.Writer) error { return second(nullName.Run(w, 1, "b")) }},
		{"not null", db.ConstraintNotNull, func(w *db.Writer) error { return second(nullName.Run(w, 9, nil)) }},
		{"check", db.ConstraintCheck, func(w *db.Writer) error { return second(updateRank.Run(w, "a", -1)) }},
		{"foreign key", db.ConstraintForeignKey, func(w *db.Writer) error { return second(insertChild.Run(w, "b", 77)) }},
	} {
		t.Run(one.name, func(t *testing.T) {
			write(t, e, func(w *db.Writer) {
				must(deleteAll.Run(w, ""))
				must(nullName.Run(w, 1, "a"))
				err := one.run(w)
				var c *db.ConstraintError
				if !errors.As(err, &c) || c.Kind != one.kind {
					t.Errorf("got %v, want a %s error", err, one.kind)
				}
				if db.IsUnique(err) != (one.kind == db.ConstraintUnique) {
					t.Errorf("IsUnique(%v)", err)
				}
			})
		})
	}
}
