package backup

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"
)

// A Store is one site's chain at a target. It reads; points are put by the site that runs. Its methods may be called from
// several goroutines.
type Store struct {
	target Target
	site   string
	root   PublicKey // "": whichever the genesis names
}

// OpenStore finds a site's chain at a target: the one of the id, or with "" the only one there. The target stays the
// caller's to close.
func OpenStore(ctx context.Context, t Target, site string) (*Store, error) {
	return openOwned(ctx, t, site, nil)
}

// Site returns the site's id.
func (s *Store) Site() string { return s.site }

// Target returns where the chain lies.
func (s *Store) Target() Target { return s.target }

// Trust has [Store.Chain] demand the owner's root key: that of the kit's recovery key ([Recovery.Root]), or the one that the
// site noted at init. Without it a chain that somebody else began in its place is not told from the right one.
func (s *Store) Trust(root PublicKey) { s.root = root }

// Names below the site's folder.
const (
	formatObject = "format"
	genesisName  = "chain/00000000-genesis.json"
)

func (s *Store) full(name string) string { return s.site + "/" + name }

func (s *Store) below(name string) string { return strings.TrimPrefix(name, s.site+"/") }

func (s *Store) list(ctx context.Context, prefix string) iter.Seq2[Object, error] {
	return s.target.List(ctx, s.full(prefix))
}

// text reads a record's text.
func (s *Store) text(ctx context.Context, o Object) ([]byte, error) {
	if o.Size > maxRecord {
		return nil, fmt.Errorf("%w: %s has %d bytes, and is no record", ErrDamaged, o.Name, o.Size)
	}
	body, err := s.target.Get(ctx, o)
	if err != nil {
		return nil, err
	}
	text, err := readRecord(body)
	return text, errors.Join(err, body.Close())
}

// A ChainFault is a kind of fault of a chain.
type ChainFault string

// The faults of a chain.
const (
	Missing   ChainFault = "missing"   // it was there, its lock has not ended, and it is gone
	Altered   ChainFault = "altered"   // it is not what was signed
	Foreign   ChainFault = "foreign"   // it belongs to another site, or somebody else began this chain
	Reordered ChainFault = "reordered" // it lies where another belongs
	Forked    ChainFault = "forked"    // two points have one number: two servers write one site
	Hidden    ChainFault = "hidden"    // a newer version or a marker stands in front of the right one, which was found and used
	Older     ChainFault = "older"     // the newest point is older than one that is known of
	Backdated ChainFault = "backdated" // it says to be of another time than is shown
)

// A ChainError is one fault of a chain.
type ChainError struct {
	Fault  ChainFault
	Object string // its name below the site's folder
	Seq    int64  // of the point it concerns, 0: of none
	Text   string // what is wrong with it
	known  bool   // it contradicts the point that the caller knows of
}

// Error implements error.
func (e *ChainError) Error() string {
	return fmt.Sprintf("backup: %s is %s: %s", e.Object, e.Fault, e.Text)
}

// ChainErrors are all faults of a chain. [errors.As] finds the first *ChainError.
type ChainErrors []*ChainError

// Error lists the first ten.
func (all ChainErrors) Error() string {
	var b strings.Builder
	for i, e := range all {
		if i == 10 {
			fmt.Fprintf(&b, "\nand %d more", len(all)-i)
			break
		}
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(e.Error())
	}
	return b.String()
}

// Unwrap returns them one by one.
func (all ChainErrors) Unwrap() []error {
	errs := make([]error, len(all))
	for i, e := range all {
		errs[i] = e
	}
	return errs
}

// err is nil when there are none.
func (all ChainErrors) err() error {
	if len(all) == 0 {
		return nil
	}
	return all
}

func (s *Store) fault(f ChainFault, object string, seq int64, format string, args ...any) *ChainError {
	return &ChainError{Fault: f, Object: s.below(object), Seq: seq, Text: fmt.Sprintf(format, args...)}
}

// A Point is one point of a chain, as its signed manifest tells of it.
type Point struct {
	Manifest
	Depth     Depth    // how far it was proven
	Proofs    []*Proof // by rising depth
	Abandoned bool     // of a branch that a restore left

	// Effective is the latest of what the manifest says, of the point before, and of the date of a store that keeps its own:
	// whoever signs a point cannot make it older than that.
	Effective time.Time

	object Object // the manifest
	base   *Point // that holds the uploads of before; nil: there is none, or it is not here
}

// ID returns the point's number as commands take it.
func (p *Point) ID() string { return fmt.Sprint(p.Seq) }

// Receipt returns what is enough to know the point again.
func (p *Point) Receipt() Receipt { return Receipt{p.Seq, p.Hash()} }

// Header returns the header of the point's ciphertext, from which `recovery prove` and `recovery open` work, with the
// manifest in front of it: see [ParseHeader].
func (s *Store) Header(ctx context.Context, p *Point) ([]byte, error) {
	body, err := s.ciphertext(ctx, p)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	return headerFile(&p.Manifest, body)
}
