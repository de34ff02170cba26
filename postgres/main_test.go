package postgres_test

import (
	"context"
	"hash/fnv"
	"io"
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

// The suite asks for a [db.Carrier], whose methods are those of the engine on the same database.

func (e *byFolder) Able(ctx context.Context) error          { return e.carrier().Able(ctx) }
func (e *byFolder) Size(ctx context.Context) (int64, error) { return e.carrier().Size(ctx) }
func (e *byFolder) Loaded(dir string) bool                  { return e.carrier().Loaded(dir) }
func (e *byFolder) Load(ctx context.Context, dir string, from io.Reader) error {
	return e.carrier().Load(ctx, dir, from)
}
func (e *byFolder) Unload(ctx context.Context, dir string) error { return e.carrier().Unload(ctx, dir) }
func (e *byFolder) Succeed(ctx context.Context, dir, old string) error {
	return e.carrier().Succeed(ctx, dir, old)
}
func (e *byFolder) Settle(ctx context.Context, dir string) (string, error) {
	return e.carrier().Settle(ctx, dir)
}
func (e *byFolder) Lend(ctx context.Context, dir, sockets string) (func(), error) {
	return e.carrier().Lend(ctx, dir, sockets)
}
func (e *byFolder) carrier() db.Carrier { return e.Engine.(db.Carrier) }

func (e *byFolder) Read(ctx context.Context) *db.Reader { e.on(""); return e.Engine.Read(ctx) }

func (e *byFolder) Write(ctx context.Context, do func(context.Context, *db.Writer) error) error {
	e.on("")
	return e.Engine.Write(ctx, do)
}

func (e *byFolder) Close() error { e.on(""); return e.Engine.Close() }
