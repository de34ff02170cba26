package account

import (
	"context"
	"errors"
	"fmt"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/password"
	"github.com/merlon-web/merlon/secret"
)

// The cost of hashes is measured once and kept in the database, for all starts and all processes: hashes of different costs take
// different times, and the time of a sign-in would tell when or where an account was made, and that it is there at all (AUTH-6).
var (
	findCost = db.Query[costRow](schema, "SELECT memory, passes FROM merlon_cost WHERE id = 1")
	keepCost = db.Exec(schema, "INSERT INTO merlon_cost (id, memory, passes) VALUES (1, $1, $2) ON CONFLICT (id) DO NOTHING")
)

type costRow struct{ Memory, Passes int64 }

// testCost is nothing to speak of: sites under test hash all day long what is no secret. It is not kept, so nothing but a test has
// it, and a copy that is drilled or attacked and deleted after it: hashes at it are in copies alone.
var testCost = password.Params{Memory: 1 << 10, Time: 1}

// newHasher returns the hasher of the site: with the costs that were set, else those kept, else those of a calibration, which
// are then kept. A site in test mode, and a copy, takes [testCost] in the place of a calibration.
func newHasher(ctx context.Context, h *merlon.House, set password.Params) (*password.Hasher, error) {
	cfg := password.Config{Pepper: h.Keys.For("merlon/password/v1"), Params: set, Clock: h.Clock}
	if set != (password.Params{}) {
		return password.New(cfg)
	}
	r := h.Engine.Read(ctx)
	kept, err := keptCost(r)
	_ = r.Close()
	if err != nil {
		return nil, err
	}
	if kept == (password.Params{}) {
		if h.Mode == merlon.Test || h.Mode == merlon.Drill {
			cfg.Params, cfg.InsecureCosts = testCost, "a site under test, or a copy"
			return password.New(cfg)
		}
		measured, err := password.New(cfg)
		if err != nil {
			return nil, err
		}
		if err := h.Engine.Write(ctx, func(_ context.Context, w *db.Writer) (err error) {
			p := measured.Params()
			if _, err = keepCost.Run(w, int64(p.Memory), int64(p.Time)); err == nil {
				kept, err = keptCost(w) // of two processes that measure at once both take the first one's
			}
			return err
		}); err != nil {
			return nil, err
		}
		if kept == measured.Params() {
			return measured, nil
		}
	}
	cfg.Params = kept
	return password.New(cfg)
}

// keptCost is the zero Params where none is kept.
func keptCost(q db.Querier) (password.Params, error) {
	row, err := findCost.One(q)
	if errors.Is(err, db.ErrNoRow) {
		return password.Params{}, nil
	}
	if err != nil {
		return password.Params{}, err
	}
	p := password.Params{Memory: uint32(row.Memory), Time: uint32(row.Passes)}
	if int64(p.Memory) != row.Memory || int64(p.Time) != row.Passes || p == (password.Params{}) {
		return password.Params{}, fmt.Errorf("account: merlon_cost holds %d KiB and %d passes, which no hash can cost: delete the row, and the cost is measured again", row.Memory, row.Passes)
	}
	return p, nil
}

// HashFor hashes a password for an account that a command or demo data makes, at the site's own cost.
func HashFor(ctx context.Context, h *merlon.House, text secret.String) (string, error) {
	a, err := of(h)
	if err != nil {
		return "", err
	}
	return a.hasher.Hash(ctx, text, fromServer)
}
