package merlon

import (
	"bytes"
	"context"
	"fmt"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/keyring"
)

var (
	ringRows = db.Query[ringRow](schema, "SELECT id, proof FROM merlon_ring ORDER BY id LIMIT 1000")
	addRing  = db.Exec(schema, "INSERT INTO merlon_ring (id, proof) VALUES ($1, $2)")
)

// ringRow is one key that the data is sealed by, as far as the database may know it.
type ringRow struct {
	ID    int64
	Proof []byte
}

// sameRing holds the key ring against what the database knows of it, and adds to that what is new. A process with the keys of another
// site, of another process, or of a time before a rotation would open nothing that the others seal, and seal what they do not open.
func (s *Site) sameRing(ctx context.Context, keys *keyring.Ring) error {
	r := s.cfg.Engine.Read(ctx)
	known, err := ringRows.All(r)
	_ = r.Close()
	if err != nil {
		return err
	}
	if fresh, err := unknownKeys(keys, known); err != nil || len(fresh) == 0 {
		return err
	}
	return s.cfg.Engine.Write(ctx, func(_ context.Context, w *db.Writer) error {
		known, err := ringRows.All(w) // of two processes that begin at once the second sees the keys of the first
		if err != nil {
			return err
		}
		fresh, err := unknownKeys(keys, known)
		if err != nil {
			return err
		}
		for _, row := range fresh {
			if _, err := addRing.Run(w, row.ID, row.Proof); err != nil {
				return err
			}
		}
		return nil
	})
}

// unknownKeys returns the keys of a ring that the database does not know; the error is a finding, if it knows others.
func unknownKeys(keys *keyring.Ring, known []ringRow) (fresh []ringRow, err error) {
	proofs, was := keys.For("merlon/ring/v1"), map[int64][]byte{}
	for _, row := range known {
		was[row.ID] = row.Proof
		if proof, ok := proofs.Key(uint32(row.ID)); !ok {
			return nil, otherRing(fmt.Sprintf("the data was sealed by key %d too, which the key file lacks", row.ID))
		} else if !bytes.Equal(proof.Reveal(), row.Proof) {
			return nil, otherRing(fmt.Sprintf("key %d of the key file is another one than the data was sealed by", row.ID))
		}
	}
	for _, k := range keys.Keys() {
		if was[int64(k.ID)] == nil {
			proof, _ := proofs.Key(k.ID)
			fresh = append(fresh, ringRow{int64(k.ID), proof.Reveal()})
		}
	}
	return fresh, nil
}

func otherRing(what string) check.Finding {
	return keyring.RuleChanged.Finding("keys", what,
		"give this process the key file that the site's other processes have, or that of the backup which the data is from, with mode 0600")
}
