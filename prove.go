package merlon

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/db"
)

// prepare proves the statements, if the database can be asked now: New needs no data, and a server may be away while a site
// is built or looked at. Then Start proves them, before the first request.
func (s *Site) prepare() {
	if s.cfg.Engine == nil {
		s.fault(RuleSettings.Finding("Config.Engine", "the site has no engine", `give it one: Engine: sqlite.Engine("shop.db")`))
		return
	}
	s.judgeStores()
	if !s.judgeDatabase() {
		return
	}
	faults, err := s.prove(context.Background())
	if err != nil {
		s.unproven.Store(&err)
	}
	s.fault(faults...)
}

// proof is what [Site.prove] found about statements without a fault.
type proof struct {
	schemas   []*db.Schema // kept, so that no other one comes to lie where they lie
	called    bool
	unlimited []check.Finding
}

// proven are the proofs of this process, by what was proven: tests and the site's own attacker open one site hundreds of
// times, and neither embedded migrations nor declared statements change in between.
var proven sync.Map

// provenKey names schemas and statements; "" if the engine proves on a server, which may be another one each time.
func (s *Site) provenKey() string {
	if s.cfg.Engine.Name() != "sqlite" {
		return ""
	}
	key := fmt.Sprintf("%t %p", s.env.Mode == Production, s.cfg.Schema)
	for _, schema := range s.schemas {
		key += fmt.Sprintf(" %s %p %d", schema.Name(), schema, len(schema.Statements()))
	}
	return key
}

// prove proves the statements in an empty database migrated from the schemas of the site and its parts. The error says that
// there is none now, and wraps [db.ErrBusy].
func (s *Site) prove(ctx context.Context) (check.Faults, error) {
	key := s.provenKey()
	if known, ok := proven.Load(key); ok {
		s.called, s.unlimited = known.(proof).called, known.(proof).unlimited
		return nil, nil
	}
	faults, err := s.proveNow(ctx)
	if err == nil && len(faults) == 0 && key != "" {
		proven.Store(key, proof{append(slices.Clone(s.schemas), s.cfg.Schema), s.called, s.unlimited})
	}
	return faults, err
}

func (s *Site) proveNow(ctx context.Context) (check.Faults, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	scratch, err := s.cfg.Engine.Scratch(ctx, s.schemas...)
	if errors.Is(err, db.ErrBusy) {
		return nil, err
	}
	if err != nil {
		var f check.Faults
		if asFaults(err, &f) {
			return f, nil
		}
		return check.Faults{RuleMigration.Finding("migrations", err.Error(), "correct the migration: it must run on an empty database")}, nil
	}
	defer scratch.Close()
	faults := append(db.Verify(ctx, scratch, s.schemas...), db.Lax(ctx, scratch, s.schemas...)...)
	if s.env.Mode != Production && s.cfg.Schema != nil { // in production the files may be newer than the program
		called, seen := db.Called(s.cfg.Schema)
		faults, s.called = append(faults, called...), seen
	}
	if s.cfg.Schema != nil {
		s.unlimited = db.Unlimited(ctx, scratch, s.cfg.Schema)
	}
	return faults, nil
}
