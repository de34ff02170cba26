package postgres_test

import (
	"context"
	"hash/fnv"
	"os"
	"strconv"
	"sync"
	"testing"

	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/db/enginetest"
	"github.com/merlon-web/merlon/internal/e2e/pgpeer"
	"github.com/merlon-web/merlon/postgres"
)

func TestMain(m *testing.M) { os.Exit(pgpeer.Main(m)) }

func TestEngine(t *testing.T) {
	server := pgpeer.Shared(t)
	var mu sync.Mutex
	made := map[string]bool{}
	enginetest.Run(t, func(t *testing.T) db.Engine {
		return &byFolder{t: t, database: func(dir string) postgres.Config {
			h := fnv.New64a()
			h.Write([]byte(dir))
			name := "f" + strconv.FormatUint(h.Sum64(), 36)
			mu.Lock()
			defer mu.Unlock()
			if !made[name] {
				made[name] = true
				server.Make(t, name)
			}
			return server.Config(name)
		}}
	})
}

// byFolder is an engine on another database for each folder, as the suite wants it: the folder itself means nothing to
// PostgreSQL.
type byFolder struct {
	db.Engine
	t        *testing.T
	database func(dir string) postgres.Config
	dir      string
}

func (e *byFolder) on(dir string) {
	if e.Engine == nil || e.dir != dir && dir != "" {
		e.Engine, e.dir = postgres.Engine(e.database(dir)), dir
	}
}

func (e *byFolder) Open(ctx context.Context, dir string, schemas ...*db.Schema) error {
	e.on(dir)
	return e.Engine.Open(ctx, dir, schemas...)
}

func (e *byFolder) Scratch(ctx context.Context, schemas ...*db.Schema) (db.Engine, error) {
	e.on(e.t.Name())
	return e.Engine.Scratch(ctx, schemas...)
}

func (e *byFolder) Read(ctx context.Context) *db.Reader { e.on(""); return e.Engine.Read(ctx) }

func (e *byFolder) Write(ctx context.Context, do func(context.Context, *db.Writer) error) error {
	e.on("")
	return e.Engine.Write(ctx, do)
}

func (e *byFolder) Close() error { e.on(""); return e.Engine.Close() }
