package merlon

import (
	"context"
	"errors"
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

// prove proves the statements in an empty database migrated from the schemas of the site and its parts. The error says that
// there is none now, and wraps [db.ErrBusy].
func (s *Site) prove(ctx context.Context) (check.Faults, error) {
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
