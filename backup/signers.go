package backup

import (
	"crypto/ed25519"
	"fmt"
)

// signers are the signing keys of the chain that the server has: the next point's, and while that is being put the key that
// its manifest names. Those of earlier points are gone: who takes the server cannot alter them.
type signers struct {
	Format  string `json:"format"`
	Seq     int64  `json:"seq"` // of the point that Current signs
	Current []byte `json:"current"`
	Next    []byte `json:"next,omitempty"`
}

// newSigner makes the seed of a key.
func newSigner() ([]byte, error) {
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		return nil, fmt.Errorf("backup: a signing key could not be made: %w", err)
	}
	return key.Seed(), nil
}

func (s *signers) current() ed25519.PrivateKey { return ed25519.NewKeyFromSeed(s.Current) }

func (s *signers) next() ed25519.PrivateKey { return ed25519.NewKeyFromSeed(s.Next) }

func public(k ed25519.PrivateKey) PublicKey { return publicKey(k.Public().(ed25519.PublicKey)) }

func (h home) readSigners() (*signers, error) {
	s := &signers{}
	if err := h.read(signersFile, s); err != nil {
		return nil, fmt.Errorf("%w: without its keys the chain cannot go on: begin a new one with backup init", err)
	}
	if s.Format != signersFormat || len(s.Current) != ed25519.SeedSize || s.Next != nil && len(s.Next) != ed25519.SeedSize {
		return nil, fmt.Errorf("backup: %s is damaged: without its keys the chain cannot go on: begin a new one with backup init", h.path(signersFile))
	}
	return s, nil
}

// prepare makes the key that the next manifest names and keeps it before the manifest exists. A key that an earlier run made
// and perhaps sent is used again: if its manifest arrives late, the chain goes on from it all the same.
func (h home) prepare(s *signers) error {
	if s.Next != nil {
		return nil
	}
	next, err := newSigner()
	if err != nil {
		return err
	}
	s.Next = next
	return h.write(signersFile, s)
}

// turn makes the next key the current one: the manifest that names it is at the target.
func (h home) turn(s *signers, seq int64) error {
	if s.Seq != seq {
		return nil // done already
	}
	clear(s.Current)
	s.Seq, s.Current, s.Next = seq+1, s.Next, nil
	return h.write(signersFile, s)
}
