package enginetest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/db"
)

func migrations(t *testing.T, s *suite) {
	e := s.raw(t, schema, schema2())
	pending := must(e.Pending(t.Context()))
	if len(pending) != 2+1 || pending[0].Version != 1 || pending[0].Schema != "suite" || pending[1].Name != "00002_value.sql" || pending[2].Schema != "second" {
		t.Errorf("pending: %v", pending)
	}
	if again := must(e.Pending(t.Context())); fmt.Sprint(again) != fmt.Sprint(pending) {
		t.Errorf("asking changed what is pending: %v", again)
	}
	_, err := e.Migrate(t.Context()) // the second schema makes the same table
	var faults check.Faults
	if !errors.As(err, &faults) || len(faults) != 1 || faults[0].ID != db.RuleMigration.ID || !strings.Contains(faults[0].What, "00001_item.sql") {
		t.Errorf("two schemas that make one table: %v", err)
	}

	e = s.raw(t, schema)
	if ran := must(e.Migrate(t.Context())); len(ran) != 2 || ran[1].Version != 2 {
		t.Errorf("ran %v", ran)
	}
	if pending := must(e.Pending(t.Context())); pending != nil {
		t.Errorf("pending after Migrate: %v", pending)
	}
	if ran := must(e.Migrate(t.Context())); ran != nil {
		t.Errorf("ran again: %v", ran)
	}
	if n := count(t, e); n != 0 {
		t.Errorf("%d rows", n)
	}
	err = s.make(t).Open(t.Context(), t.TempDir(), schema, db.From(files, "older").Named("suite"))
	wantRule(t, err, db.RuleSchemaName)
}

func brokenMigration(t *testing.T, s *suite) {
	e := s.raw(t, brokenSchema)
	ran, err := e.Migrate(t.Context())
	var faults check.Faults
	if !errors.As(err, &faults) || len(faults) != 1 || faults[0].ID != db.RuleMigration.ID || !strings.Contains(faults[0].What, "00002_second.sql") || !strings.Contains(faults[0].Where, "statements.go:") {
		t.Errorf("a migration that leaves a reference to nothing: %v", err)
	}
	if len(ran) != 1 || ran[0].Version != 1 {
		t.Errorf("ran %v, want the first", ran)
	}
	if pending := must(e.Pending(t.Context())); len(pending) != 1 || pending[0].Version != 2 {
		t.Errorf("pending: %v, want the second", pending)
	}
	if _, err := s.make(t).Scratch(t.Context(), brokenSchema); err == nil {
		t.Error("a scratch was made of a broken schema")
	}
}

func ahead(t *testing.T, s *suite) {
	e, dir := s.make(t), t.TempDir()
	if err := e.Open(t.Context(), dir, schema); err != nil {
		t.Fatal(err)
	}
	must(e.Migrate(t.Context()))
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	e = s.make(t)
	if err := e.Open(t.Context(), dir, older); err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if _, err := e.Pending(t.Context()); !errors.Is(err, db.ErrAhead) {
		t.Errorf("Pending of an older program: %v, want ErrAhead", err)
	}
	if _, err := e.Migrate(t.Context()); !errors.Is(err, db.ErrAhead) {
		t.Errorf("Migrate of an older program: %v, want ErrAhead", err)
	}
}

func editedMigration(t *testing.T, s *suite) {
	dir := t.TempDir()
	open := func(schema *db.Schema) db.Engine {
		e := s.make(t)
		if err := e.Open(t.Context(), dir, schema); err != nil {
			t.Fatal(err)
		}
		return e
	}
	e := open(schema)
	before := time.Now().Add(-time.Minute)
	must(e.Migrate(t.Context()))
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	e = open(edited)
	_, errPending := e.Pending(t.Context())
	_, errMigrate := e.Migrate(t.Context())
	_, errUndo := e.Undo(t.Context(), edited)
	for name, err := range map[string]error{"Pending": errPending, "Migrate": errMigrate, "Undo": errUndo} {
		var e *db.EditedError
		if !errors.As(err, &e) || len(e.Findings) != 2 || e.Findings[0].ID != db.RuleEdited.ID || !strings.HasSuffix(e.Findings[0].Where, "/00001_item.sql") {
			t.Errorf("%s with changed files: %v, want an EditedError that names them", name, err)
		}
	}
	states := must(e.Migrations(t.Context()))
	if len(states) != 2 || !states[0].Edited || states[0].Name != "00001_item.sql" || states[0].Applied.Before(before) {
		t.Errorf("states: %+v", states)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	e = open(schema)
	defer e.Close()
	if pending := must(e.Pending(t.Context())); pending != nil {
		t.Errorf("with the files as they were: pending %v", pending)
	}
}

func undo(t *testing.T, s *suite) {
	e := s.raw(t, edited)
	if _, err := e.Undo(t.Context(), edited); err == nil {
		t.Error("a migration was undone of which none was run")
	}
	must(e.Migrate(t.Context()))
	if m := must(e.Undo(t.Context(), edited)); m.Name != "00002_value.sql" {
		t.Errorf("undone: %v, want the newest", m)
	}
	states := must(e.Migrations(t.Context()))
	if len(states) != 2 || states[0].Applied.IsZero() || !states[1].Applied.IsZero() {
		t.Errorf("states: %+v", states)
	}
	_, err := e.Undo(t.Context(), edited)
	wantRule(t, err, db.RuleMigration) // the first has no part Down
	if ran := must(e.Migrate(t.Context())); len(ran) != 1 || ran[0].Name != "00002_value.sql" {
		t.Errorf("ran again: %v", ran)
	}
}

func scratch(t *testing.T, s *suite, schemas ...*db.Schema) db.Engine {
	t.Helper()
	e, err := s.make(t).Scratch(t.Context(), schemas...)
	if err != nil {
		t.Fatalf("Scratch: %v", err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return e
}

func verifyRight(t *testing.T, s *suite) {
	e := scratch(t, s, schema)
	if faults := db.Verify(t.Context(), e, schema); faults != nil {
		t.Error(faults)
	}
	write(t, e, func(w *db.Writer) { must(insertItem.Run(w, "a", 1)) }) // a scratch is an engine
	if n := count(t, e); n != 1 {
		t.Errorf("%d rows, want 1", n)
	}
	if n := count(t, scratch(t, s, schema)); n != 0 {
		t.Errorf("another scratch has %d rows, want 0", n)
	}
}

func verifyWrong(t *testing.T, s *suite) {
	faults := db.Verify(t.Context(), scratch(t, s, wrong), wrong)
	byPlace := map[string]check.Faults{}
	for _, f := range faults {
		byPlace[f.Where] = append(byPlace[f.Where], f)
	}
	statements := wrong.Statements()
	if len(statements) != len(wrongRules) {
		t.Fatalf("%d statements, %d rules", len(statements), len(wrongRules))
	}
	for i, statement := range statements {
		found := byPlace[statement.Where]
		has := false
		for _, f := range found {
			has = has || f.ID == wrongRules[i]
		}
		if !has {
			t.Errorf("%s: %q: got\n%v\nwant %s", statement.Where, statement.Text, found, wrongRules[i])
		}
		t.Logf("%s\n%v", statement.Text, found)
	}
	all := faults.Error()
	for _, want := range []string{`did you mean "item"?`, `did you mean "name"?`, `did you mean "nmae"?`, "enginetest/statements.go:", `with "bad" at {0}`} {
		if !strings.Contains(all, want) {
			t.Errorf("the findings do not say %q", want)
		}
	}
}

func unlimited(t *testing.T, s *suite) {
	found := db.Unlimited(t.Context(), scratch(t, s, limitless), limitless)
	places := limitless.Statements()
	for i, f := range found {
		if i >= limitlessFound || f.Where != places[i].Where {
			t.Errorf("found %v", f)
		}
	}
	if len(found) < limitlessFound {
		t.Errorf("found %d, want %d", len(found), limitlessFound)
	}
}

func snapshot(t *testing.T, s *suite) {
	e := s.open(t)
	write(t, e, func(w *db.Writer) {
		for i := range 2000 {
			must(insertItem.Run(w, fmt.Sprintf("item %d", i), 1))
		}
	})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := 0; ctx.Err() == nil; i++ { // each transaction moves one from a to b
			err := e.Write(t.Context(), func(_ context.Context, w *db.Writer) error {
				if _, err := addRank.Run(w, 1, "item 1"); err != nil {
					return err
				}
				_, err := updateRank.Run(w, fmt.Sprintf("item %d", 2+i%1000), 0)
				return err
			})
			if err != nil {
				t.Error(err)
			}
			time.Sleep(time.Millisecond)
		}
	}()
	copied, err := e.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // it can be read twice
		var out bytes.Buffer
		if _, err := copied.WriteTo(&out); err != nil {
			t.Fatal(err)
		}
		if copied.Size != int64(out.Len()) || copied.SHA256 != sha256.Sum256(out.Bytes()) || copied.Size == 0 {
			t.Errorf("Info %+v of %d bytes", copied.Info, out.Len())
		}
	}
	if _, carries := e.(db.Carrier); carries == (copied.File != "") || copied.Tables["item"] != 2000 {
		t.Errorf("the file %q, rows %v: want a name where there is a file, and 2000 of the table", copied.File, copied.Tables)
	}
	failing := errors.New("the disk of the copy is full")
	if _, err := copied.WriteTo(writerFunc(func([]byte) (int, error) { return 0, failing })); !errors.Is(err, failing) {
		t.Errorf("a failing writer: %v", err)
	}
	if err := errors.Join(copied.Close(), copied.Close()); err != nil {
		t.Error(err)
	}
	dir := t.TempDir()
	if err := e.CopyTo(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	if err := e.CopyTo(t.Context(), dir); err == nil {
		t.Error("a copy was overwritten")
	}
	cancel()
	<-done

	other := s.make(t)
	if err := other.Open(t.Context(), dir, schema); err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if pending := must(other.Pending(t.Context())); pending != nil {
		t.Errorf("pending in the copy: %v", pending)
	}
	if n := count(t, other); n != 2000 {
		t.Errorf("%d rows in the copy, want 2000", n)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

func generation(t *testing.T, s *suite) {
	e := s.open(t)
	write(t, e, func(w *db.Writer) { must(insertItem.Run(w, "item 1", 1)) })
	last := must(e.Generation(t.Context()))
	for i := range 3 {
		if now := must(e.Generation(t.Context())); now != last {
			t.Errorf("round %d: generation %d, then %d without a commit", i, last, now)
		}
		refused := errors.New("no")
		if err := e.Write(t.Context(), func(context.Context, *db.Writer) error { return refused }); !errors.Is(err, refused) {
			t.Fatal(err)
		}
		if now := must(e.Generation(t.Context())); now != last {
			t.Errorf("round %d: generation %d, then %d after what was rolled back", i, last, now)
		}
		err := e.Write(t.Context(), func(_ context.Context, w *db.Writer) error {
			_, err := addRank.Run(w, 1, "item 1")
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		now := must(e.Generation(t.Context()))
		if now == last {
			t.Errorf("round %d: generation %d before and after a commit", i, now)
		}
		last = now
	}
}

func closed(t *testing.T, s *suite) {
	e := s.make(t)
	check := func(when string) {
		t.Helper()
		r := e.Read(t.Context())
		_, errRead := countItems.One(r)
		errWrite := e.Write(t.Context(), func(context.Context, *db.Writer) error { return nil })
		_, errPending := e.Pending(t.Context())
		_, errMigrate := e.Migrate(t.Context())
		_, errSnapshot := e.Snapshot(t.Context())
		_, errGeneration := e.Generation(t.Context())
		errCopy := e.CopyTo(t.Context(), t.TempDir())
		for name, err := range map[string]error{"Read": errRead, "Write": errWrite, "Pending": errPending, "Migrate": errMigrate, "Snapshot": errSnapshot, "Generation": errGeneration, "CopyTo": errCopy} {
			if !errors.Is(err, db.ErrClosed) {
				t.Errorf("%s %s: %v, want ErrClosed", name, when, err)
			}
		}
		if err := e.Close(); err != nil {
			t.Errorf("Close %s: %v", when, err)
		}
	}
	check("before Open")
	dir := t.TempDir()
	if err := e.Open(t.Context(), dir, schema); err != nil {
		t.Fatal(err)
	}
	must(e.Migrate(t.Context()))
	if err := e.Open(t.Context(), dir, schema); err == nil {
		t.Error("the second Open of one engine succeeds")
	}
	write(t, e, func(w *db.Writer) { must(insertItem.Run(w, "a", 1)) })

	// Close waits for a transaction that runs.
	inside, leave := make(chan struct{}), make(chan struct{})
	result := make(chan error, 1)
	go func() {
		result <- e.Write(t.Context(), func(_ context.Context, w *db.Writer) error {
			close(inside)
			<-leave
			_, err := insertItem.Run(w, "b", 1)
			return err
		})
	}()
	<-inside
	time.AfterFunc(50*time.Millisecond, func() { close(leave) })
	if err := e.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	if err := <-result; err != nil {
		t.Errorf("a transaction that ran while the engine was closed: %v", err)
	}
	check("after Close")
	if err := e.Open(t.Context(), dir, schema); err != nil {
		t.Fatalf("Open after Close: %v", err)
	}
	defer e.Close()
	if n := count(t, e); n != 2 {
		t.Errorf("%d rows, want 2", n)
	}
}
