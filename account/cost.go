package account

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/internal/whole"
	"github.com/merlon-web/merlon/password"
	"github.com/merlon-web/merlon/secret"
)

// The cost of hashes is measured on this machine once and kept beside the database: if each start measured anew, hashes
// of different starts would take different times, and the time of a sign-in would tell whose account is old, and that it is
// there at all (AUTH-6).
const costFile = "hashing.json"

// testCost is nothing to speak of: sites under test hash all day long what is no secret. It is not kept beside the database,
// so nothing but a test has it, and a copy that is drilled or attacked and deleted after it: hashes at it are in copies alone.
var testCost = password.Params{Memory: 1 << 10, Time: 1}

// newHasher returns the hasher of the site: with the costs that were set, else those kept, else those of a calibration, which
// are then kept. A site in test mode, and a copy, takes [testCost] in the place of a calibration.
func newHasher(h *merlon.House, set password.Params) (*password.Hasher, error) {
	cfg := password.Config{Pepper: h.Keys.For("merlon/password/v1"), Params: set, Clock: h.Clock}
	path := filepath.Join(h.Data, costFile)
	fresh := false
	if set == (password.Params{}) {
		kept, err := os.ReadFile(path)
		switch {
		case err == nil:
			if err := json.Unmarshal(kept, &cfg.Params); err != nil {
				return nil, fmt.Errorf("account: %s is damaged: the cost of hashes is kept there; delete it, and it is measured again: %w", path, err)
			}
		case !errors.Is(err, fs.ErrNotExist):
			return nil, err
		}
		if fresh = cfg.Params == (password.Params{}); fresh && (h.Mode == merlon.Test || h.Mode == merlon.Drill) {
			cfg.Params, cfg.InsecureCosts, fresh = testCost, "a site under test, or a copy", false
		}
	}
	hasher, err := password.New(cfg)
	if err != nil || !fresh {
		return hasher, err
	}
	text, err := json.Marshal(hasher.Params())
	if err != nil {
		return nil, err
	}
	return hasher, whole.Write(path, ".hashing-*", append(text, '\n'), 0o600) // half of one would refuse the next start
}

// HashFor hashes a password for an account that a command or demo data makes, at the site's own cost.
func HashFor(ctx context.Context, h *merlon.House, text secret.String) (string, error) {
	a, err := of(h)
	if err != nil {
		return "", err
	}
	return a.hasher.Hash(ctx, text, fromServer)
}
