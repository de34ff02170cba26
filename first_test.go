package merlon_test

import (
	"context"
	"errors"
	"testing"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/sqlite"
)

// halfway is the engine of a process that comes while another one makes the tables: some are pending until that one is done.
type halfway struct {
	db.Engine
	done, ends bool
}

func (h *halfway) Pending(ctx context.Context) ([]db.Migration, error) {
	if h.done {
		return h.Engine.Pending(ctx)
	}
	return []db.Migration{{Schema: "journal", Name: "0001_journal.sql"}}, nil
}

// Starting implements [db.Starter]: it waits for the other process.
func (h *halfway) Starting(_ context.Context, do func() error) error {
	h.done = h.ends
	return do()
}

// TestStartsAtOnce: a process that starts while another one is in the middle of its first start waits for that, and starts; what is
// pending then is refused.
func TestStartsAtOnce(t *testing.T) {
	dir := t.TempDir()
	start := func(e db.Engine) error {
		s, err := merlon.New(merlon.Env{Data: dir, Mode: merlon.Test}, merlon.Config{Engine: e, Pages: noPages, Schema: noStatements,
			Routes: []merlon.Route{merlon.Get("/{name}", merlon.Public(), oneFile)}})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Start(t.Context()); err != nil {
			return err
		}
		return s.Close(t.Context())
	}
	if err := start(sqlite.Engine("x.db")); err != nil {
		t.Fatal(err)
	}
	if err := start(&halfway{Engine: sqlite.Engine("x.db"), ends: true}); err != nil {
		t.Errorf("while another one makes the tables: %v", err)
	}
	if err := start(&halfway{Engine: sqlite.Engine("x.db")}); !errors.Is(err, merlon.ErrPending) {
		t.Errorf("with a migration that is pending: %v", err)
	}
}
