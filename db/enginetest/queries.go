package enginetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/merlon-web/merlon/db"
)

func rows(t *testing.T, s *suite) {
	e := s.open(t)
	write(t, e, func(w *db.Writer) {
		for i := range 300 {
			must(insertItem.Run(w, fmt.Sprintf("item %d", i), i))
		}
	})
	read(t, e, func(r *db.Reader) {
		for _, n := range []int{0, 1, 300, 5, 299} {
			got := must(allItems.All(r, n))
			if len(got) != n {
				t.Errorf("%d rows, want %d", len(got), n)
			}
			for i, row := range got {
				if row.Name != fmt.Sprintf("item %d", i) || row.Rank != i || row.Parent != nil {
					t.Fatalf("row %d is %+v", i, row)
				}
			}
			if got == nil {
				t.Error("no rows are nil: JSON would write null")
			}
			i := 0
			for row, err := range allItems.Each(r, n) {
				if err != nil || row.Rank != i {
					t.Fatalf("row %d of Each is %+v, %v", i, row, err)
				}
				i++
			}
			if i != n {
				t.Errorf("Each gave %d rows, want %d", i, n)
			}
		}
		if _, err := itemByName.One(r, "nobody"); !errors.Is(err, db.ErrNoRow) {
			t.Errorf("One without a row: %v, want ErrNoRow", err)
		}
		if got := must(itemByName.One(r, "item 7")); got.Rank != 7 {
			t.Errorf("One gave %+v", got)
		}
	})
	write(t, e, func(w *db.Writer) {
		if id := must(insertID.Run(w, 5, "the arguments are by number")); must(itemByID.One(w, id)).Rank != 5 {
			t.Error("$2 before $1 took the wrong argument")
		}
	})
}

func each(t *testing.T, s *suite) {
	e := s.open(t)
	write(t, e, func(w *db.Writer) {
		for i := range 20 {
			must(insertItem.Run(w, fmt.Sprint(i), i))
		}
	})
	read(t, e, func(r *db.Reader) {
		for range 3 { // the statement is as good as new after each break
			seen := 0
			for row, err := range allItems.Each(r, 20) {
				if err != nil || row.Rank != seen {
					t.Fatalf("%+v, %v", row, err)
				}
				if seen++; seen == 5 {
					break
				}
			}
		}
		pairs := 0
		for outer, err := range allItems.Each(r, 20) {
			if err != nil {
				t.Fatal(err)
			}
			for inner, err := range allItems.Each(r, 20) { // the same statement, while it runs
				if err != nil {
					t.Fatal(err)
				}
				if inner.Rank > outer.Rank {
					break
				}
				pairs++
			}
			if got := must(itemByID.One(r, outer.ID)); got.Rank != outer.Rank {
				t.Fatalf("%+v within the loop over %+v", got, outer)
			}
		}
		if pairs != 210 {
			t.Errorf("%d pairs, want 210", pairs)
		}
		func() {
			defer func() { recover() }()
			for range allItems.Each(r, 20) {
				panic("in the loop")
			}
		}()
		if n := len(must(allItems.All(r, 20))); n != 20 {
			t.Errorf("%d rows after a panic in a loop, want 20", n)
		}
	})
	write(t, e, func(w *db.Writer) { // a loop that writes what it reads
		for row, err := range allItems.Each(w, 20) {
			if err != nil {
				t.Fatal(err)
			}
			must(addRank.Run(w, 100, row.Name))
		}
	})
	read(t, e, func(r *db.Reader) {
		if sum := must(sumRank.One(r)); sum != 190+2000 {
			t.Errorf("the sum is %d, want 2190", sum)
		}
	})
}

func lists(t *testing.T, s *suite) {
	e := s.open(t)
	const n = 40
	write(t, e, func(w *db.Writer) {
		for i := range n {
			must(insertItem.Run(w, fmt.Sprint(i), i))
		}
	})
	read(t, e, func(r *db.Reader) {
		for length := range n + 1 {
			ints, named := make([]int64, length), make([]grade, length)
			texts := make([]string, length)
			for i := range length {
				ints[i], named[i], texts[i] = int64(i), grade(i), fmt.Sprint(i)
			}
			in := must(itemsIn.All(r, ints))
			out := must(itemsNotIn.All(r, ints))
			if len(in) != length || len(out) != n-length {
				t.Fatalf("a list of %d: %d in, %d not in", length, len(in), len(out))
			}
			if got := must(itemsIn.All(r, named)); !slices.Equal(got, in) {
				t.Fatalf("a list of %d of a named type: %v, want %v", length, got, in)
			}
			if got := must(namesIn.All(r, 2, texts, ints)); len(got) != max(0, length-2) {
				t.Fatalf("two lists of %d: %v", length, got)
			}
		}
		if got := must(itemsIn.All(r, []int64(nil))); len(got) != 0 {
			t.Errorf("a nil list matches %v", got)
		}
		if got := must(itemsIn.All(r, make([]int, db.MaxList))); len(got) != 1 {
			t.Errorf("the longest list matches %v, want [0]", got)
		}
		for _, bad := range []any{make([]int, db.MaxList+1), 1, "1", nil, []byte{1}, []struct{}{{}}} {
			_, err := itemsIn.All(r, bad)
			wantRule(t, err, db.RuleArgument)
		}
		if _, err := namesIn.All(r, 2, []string{"'); DELETE FROM item; --"}, []int{1}); err != nil {
			t.Error(err)
		}
	})
	if got := count(t, e); got != n {
		t.Errorf("%d rows are left of %d", got, n)
	}
}

func choices(t *testing.T, s *suite) {
	e := s.open(t)
	write(t, e, func(w *db.Writer) {
		for i, name := range []string{"b", "c", "a"} {
			must(insertItem.Run(w, name, i))
		}
	})
	read(t, e, func(r *db.Reader) {
		for _, one := range []struct {
			keys []string
			want string
		}{
			{nil, "b c a"}, {[]string{""}, "b c a"}, {[]string{"name"}, "a b c"}, {[]string{"name", "down"}, "c b a"}, {[]string{"", "down"}, "a c b"},
			{[]string{"rank; DELETE FROM item"}, "b c a"}, {[]string{"NAME"}, "b c a"}, {[]string{"name", "up", "more"}, "a b c"}, {[]string{"nothing"}, "b c a"},
		} {
			if got := strings.Join(must(ordered.Choose(one.keys...).All(r, 0)), " "); got != one.want {
				t.Errorf("with %q: %s, want %s", one.keys, got, one.want)
			}
		}
	})
}

func patterns(t *testing.T, s *suite) {
	e := s.open(t)
	all := []string{`50%`, `50x`, `a_b`, `axb`, `c\d`, `c\\d`, `%`, `_`, `\`, `x50%`}
	write(t, e, func(w *db.Writer) {
		for i, name := range all {
			must(insertItem.Run(w, name, i))
		}
	})
	read(t, e, func(r *db.Reader) {
		for _, part := range append(all, "", "5", "%_", `\%`, "b") {
			var contain, begin []string
			for _, name := range all {
				if strings.Contains(name, part) {
					contain = append(contain, name)
				}
				if strings.HasPrefix(name, part) {
					begin = append(begin, name)
				}
			}
			if got := must(like.All(r, db.Contains(part))); !slices.Equal(got, contain) {
				t.Errorf("Contains(%q) finds %q, want %q", part, got, contain)
			}
			if got := must(like.All(r, db.HasPrefix(part))); !slices.Equal(got, begin) {
				t.Errorf("HasPrefix(%q) finds %q, want %q", part, got, begin)
			}
		}
		for _, nul := range []string{"\x00", "a\x00", "\x00b"} { // read up to there, the first would find every row
			for _, p := range []db.Pattern{db.Contains(nul), db.HasPrefix(nul)} {
				_, err := like.All(r, p)
				wantRule(t, err, db.RuleArgument)
			}
		}
		if found, err := likeBare.All(r, db.Contains("50%")); err == nil || !strings.Contains(err.Error(), "ESCAPE") {
			t.Errorf("a pattern in a text without ESCAPE: %q, %v", found, err)
		}
	})
}

func foreign(t *testing.T, s *suite) {
	e := s.open(t)
	read(t, e, func(r *db.Reader) {
		_, err := strangeQuery.One(r)
		wantRule(t, err, db.RuleForeign)
	})
}

// readOnly opens the engine with a schema that nobody verified.
func readOnly(t *testing.T, s *suite) {
	e := s.raw(t, unverified)
	must(e.Migrate(t.Context()))
	write(t, e, func(w *db.Writer) {
		if _, err := commitByExec.Run(w); err == nil {
			t.Error("COMMIT ran as a statement of a site")
		}
		if _, err := dropByExec.Run(w); err == nil {
			t.Error("DROP TABLE ran as a statement of a site")
		}
	})
	for _, q := range []*db.Select[string]{deleteByQuery, insertByQuery, commitByQuery, twoByQuery} {
		read(t, e, func(r *db.Reader) {
			if got, err := q.All(r); err == nil {
				t.Errorf("a reader ran what writes, and gave %q", got)
			}
			for _, err := range q.Each(r) {
				if err == nil {
					t.Error("a reader ran what writes, by Each")
				}
			}
		})
		err := func() error {
			r := e.Read(t.Context())
			defer r.Close()
			_, err := q.One(r)
			return err
		}()
		if err == nil {
			t.Error("a reader ran what writes, by One")
		}
		write(t, e, func(w *db.Writer) {
			if _, err := q.All(w); err == nil {
				t.Error("a query wrote, through a writer")
			}
		})
	}
}

// schema2 is a schema whose migration clashes with that of the suite.
func schema2() *db.Schema { return db.From(files, "older").Named("second") }

func counted(t *testing.T, s *suite) {
	e := s.open(t)
	var mine db.Counter
	ctx := db.Counted(t.Context(), &mine)
	err := e.Write(ctx, func(_ context.Context, w *db.Writer) error {
		must(insertItem.Run(w, "a", 1))
		_, err := updateRank.Run(w, "a", 2)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	r := e.Read(ctx)
	defer r.Close()
	must(allItems.All(r, 10))
	if n := count(t, e); n != 1 { // without the counter
		t.Errorf("%d rows, want 1", n)
	}
	if mine.Ran() != 3 {
		t.Errorf("%d statements were counted, want 3", mine.Ran())
	}
}
