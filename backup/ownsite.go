package backup

import (
	"context"
	"errors"
)

// openOwned is [OpenStore] for whoever has a key: where several chains lie at a target and no site's id is known, as when the key was
// typed, the one that the key's root began is meant. Whoever may put can begin as many as they like, so many are looked at at most.
func openOwned(ctx context.Context, t Target, site string, r *Recovery) (*Store, error) {
	if site != "" || r == nil {
		return OpenStore(ctx, t, site)
	}
	found, err := sitesAt(ctx, t)
	if err != nil {
		return nil, err
	}
	if len(found) < 2 {
		return OpenStore(ctx, t, "")
	}
	own := ""
	for _, one := range found[:min(len(found), mostStrange)] {
		store := &Store{target: t, site: one}
		switch is, err := store.begunBy(ctx, r.Root()); {
		case err != nil:
			return nil, err
		case is && own != "": // not by init, which makes a key for each
			return OpenStore(ctx, t, "")
		case is:
			own = one
		}
	}
	return OpenStore(ctx, t, own)
}

// begunBy reports whether a root key signed the record that began the chain, in any of its versions.
func (s *Store) begunBy(ctx context.Context, root PublicKey) (bool, error) {
	for o, err := range s.list(ctx, genesisName) {
		if err != nil {
			return false, err
		}
		if s.below(o.Name) != genesisName || o.Size > maxRecord {
			continue
		}
		text, err := s.text(ctx, o)
		if errors.Is(err, ErrNotFound) {
			continue
		}
		if err != nil {
			return false, err
		}
		var g Genesis
		if decode(text, &g) == nil && g.valid() == nil && g.T == root && g.Site == s.site {
			return true, nil
		}
	}
	return false, nil
}
