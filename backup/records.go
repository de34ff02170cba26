package backup

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"filippo.io/age"
)

// A Genesis begins a chain. The root key, which the owner's recovery key holds, signs it.
type Genesis struct {
	Format  string    `json:"format"`
	Kind    string    `json:"kind"`
	Site    string    `json:"site"` // 16 hexadecimal digits, random
	Created time.Time `json:"created"`
	R       []string  `json:"r"` // recipients of the points: age1pq1…
	T       PublicKey `json:"t"` // the root key
	K       PublicKey `json:"k"` // signs point 1
	Sig     string    `json:"sig,omitempty"`
}

// A Retarget has the points behind one sealed to other recipients. Signed by the root key.
type Retarget struct {
	Format  string    `json:"format"`
	Kind    string    `json:"kind"`
	Site    string    `json:"site"`
	After   int64     `json:"after"` // points above this one
	Prev    string    `json:"prev"`  // the hash of that point, of the genesis for 0
	Created time.Time `json:"created"`
	R       []string  `json:"r"`
	Sig     string    `json:"sig,omitempty"`
}

// A Rebirth lets a restored site go on: under a new branch, with a new signer, so that a copy that still runs on the old one
// is told apart. Signed by the root key.
type Rebirth struct {
	Format  string    `json:"format"`
	Kind    string    `json:"kind"`
	Site    string    `json:"site"`
	Branch  int       `json:"branch"` // of the points from here on
	After   int64     `json:"after"`  // the point that was restored
	Prev    string    `json:"prev"`   // its hash
	From    int64     `json:"from"`   // the first number of the new branch, above all that are there
	Created time.Time `json:"created"`
	K       PublicKey `json:"k"` // signs point From
	Sig     string    `json:"sig,omitempty"`
}

// A Manifest is the record of one point. The point exists when it is there. It says nothing of what the point holds.
type Manifest struct {
	Format    string    `json:"format"`
	Kind      string    `json:"kind"`
	Site      string    `json:"site"`
	Branch    int       `json:"branch"`
	Seq       int64     `json:"seq"` // from 1
	Class     Class     `json:"class"`
	Label     string    `json:"label,omitempty"`
	Instant   time.Time `json:"instant"`    // the database is as it was then or a moment later
	StoreDate time.Time `json:"store_date"` // the store's clock before the point was put
	Build     string    `json:"build"`      // what made it
	Data      Sealed    `json:"data"`
	Base      string    `json:"base,omitempty"` // the receipt of the point that holds the uploads which this one leaves out
	Prev      string    `json:"prev"`           // the hash of the point before, of the genesis or rebirth for the first one
	R         []string  `json:"r"`              // fingerprints of the recipients
	K         PublicKey `json:"k"`
	KNext     PublicKey `json:"k_next"` // signs the next point
	Sig       string    `json:"sig,omitempty"`
}

// Sealed describes the ciphertext of a point.
type Sealed struct {
	Name      string    `json:"name"` // in the folder of the manifest
	Size      int64     `json:"size"` // bytes
	SHA256    string    `json:"sha256"`
	Header    string    `json:"header,omitempty"` // the hash of its age header; "": of a time before points named it
	PlainMax  int64     `json:"plain_max"`        // no more comes out of it: against bombs
	LockUntil time.Time `json:"lock_until"`       // kept until then, also where nothing locks
}

// fits reports whether an object has the size, and the hash if the store tells one, that were signed.
func (d Sealed) fits(o Object) bool {
	return o.Size == d.Size && (o.SHA256 == "" || "sha256:"+o.SHA256 == d.SHA256)
}

// Links carry the signatures of the points on after the points themselves are gone: they are kept for ever, so that a chain
// can be walked from its genesis however old it is.
type Links struct {
	Format string `json:"format"`
	Kind   string `json:"kind"`
	Site   string `json:"site"`
	Links  []Link `json:"links"`
}

// A Link is what a point's signer signs: which manifest is the point of this number, how long it is kept, and who signs next.
type Link struct {
	Branch    int       `json:"branch"`
	Seq       int64     `json:"seq"`
	Class     Class     `json:"class"`
	LockUntil time.Time `json:"lock_until"`
	Manifest  string    `json:"manifest"` // the hash of the manifest without its signature
	KNext     PublicKey `json:"k_next"`
	Sig       string    `json:"sig"`
}

// A Proof says how far a point was proven: it is stored, was read back and decrypted, or a copy of the site was started from
// it. The signer of the next point signs it.
type Proof struct {
	Format   string    `json:"format"`
	Kind     string    `json:"kind"`
	Site     string    `json:"site"`
	Seq      int64     `json:"seq"`
	Point    string    `json:"point"` // the manifest's hash
	Depth    Depth     `json:"depth"`
	At       time.Time `json:"at"`
	Evidence string    `json:"evidence,omitempty"` // the hash of the drill's evidence
	K        PublicKey `json:"k"`
	Sig      string    `json:"sig,omitempty"`
}

// Depth is how far a point was proven.
type Depth string

// The depths, in rising order. The empty one is none.
const (
	Stored Depth = "stored" // the store tells the right hash
	Read   Depth = "read"   // it was read back and decrypted
	Booted Depth = "booted" // a copy of the site was started from it
)

func (d Depth) rank() int { return slices.Index([]Depth{"", Stored, Read, Booted}, d) }

// A Receipt is a point that somebody knows of from elsewhere than the store: the site's own state, a mail, a note.
type Receipt struct {
	Seq  int64
	Hash string // of its manifest
}

// String returns the receipt as mails and notes hold it: "4711:sha256:…".
func (r Receipt) String() string { return fmt.Sprintf("%d:%s", r.Seq, r.Hash) }

// ParseReceipt reads what [Receipt.String] wrote.
func ParseReceipt(s string) (r Receipt, err error) {
	if n, err := fmt.Sscanf(s, "%d:%s", &r.Seq, &r.Hash); err != nil || n != 2 || r.Seq < 1 || r.String() != s {
		return Receipt{}, errors.New("backup: this is no receipt of a point: write it as the site's mail has it: 4711:sha256:…")
	}
	if _, ok := parseHash(r.Hash); !ok {
		return Receipt{}, errors.New("backup: the receipt's hash is cut: write it as the site's mail has it")
	}
	return r, nil
}

// Bounds of what records say: who comes by a key signs whatever they like.
const (
	maxSeq        = 99_999_999 // eight digits
	maxPoint      = 1 << 50    // bytes of a point, sealed and plain
	maxRecipients = 8
	maxBuild      = 200
)

var (
	siteShape  = regexp.MustCompile(`^[0-9a-f]{16}$`)
	dataShape  = regexp.MustCompile(`^data-[0-9]{8}T[0-9]{6}[0-9]{3}Z\.age$`)
	wordsShape = regexp.MustCompile(`^[a-z]+(-[a-z]+){7}$`) // a fingerprint
	labelShape = regexp.MustCompile(`^[\pL\pN ._:/()+-]{0,60}$`)
)

// message is what is signed of a record whose field sig was emptied.
func message(kind string, unsigned []byte) []byte {
	return append([]byte("merlon/backup/"+kind+"/v1\n"), unsigned...)
}

func head(format, kind, want, site string) error {
	switch {
	case format != formatName:
		return fmt.Errorf("its format is %q: this program reads %q", clip(format), formatName)
	case kind != want:
		return fmt.Errorf("it is a record %q, where %q belongs", clip(kind), want)
	case !siteShape.MatchString(site):
		return errors.New("its site is none")
	}
	return nil
}

func clip(s string) string { return s[:min(len(s), 40)] }

func recipients(all []string) error {
	if len(all) == 0 || len(all) > maxRecipients {
		return fmt.Errorf("it names %d recipients, where 1 to 8 may be", len(all))
	}
	for _, r := range all {
		if _, err := age.ParseHybridRecipient(r); err != nil {
			return errors.New("it names a recipient that is none")
		}
	}
	return nil
}

func (g Genesis) unsigned() []byte { g.Sig = ""; return encode(g) }

func (g *Genesis) sign(root ed25519.PrivateKey) {
	g.Sig = sign(root, message("genesis", g.unsigned()))
}

func (g *Genesis) valid() error {
	if err := errors.Join(head(g.Format, g.Kind, "genesis", g.Site), recipients(g.R)); err != nil {
		return err
	}
	if !g.T.verify(message("genesis", g.unsigned()), g.Sig) {
		return errors.New("its signature is not that of the key it names")
	}
	return nil
}

func (r Retarget) unsigned() []byte { r.Sig = ""; return encode(r) }

func (r *Retarget) sign(root ed25519.PrivateKey) {
	r.Sig = sign(root, message("retarget", r.unsigned()))
}

func (r *Retarget) valid(root PublicKey) error {
	if err := errors.Join(head(r.Format, r.Kind, "retarget", r.Site), recipients(r.R)); err != nil {
		return err
	}
	if r.After < 0 || !root.verify(message("retarget", r.unsigned()), r.Sig) {
		return errors.New("its signature is not that of the owner's recovery key")
	}
	return nil
}

func (r Rebirth) unsigned() []byte { r.Sig = ""; return encode(r) }

func (r *Rebirth) sign(root ed25519.PrivateKey) {
	r.Sig = sign(root, message("rebirth", r.unsigned()))
}

func (r *Rebirth) valid(root PublicKey) error {
	if err := head(r.Format, r.Kind, "rebirth", r.Site); err != nil {
		return err
	}
	if r.After < 0 || r.From <= r.After || r.Branch < 2 || !root.verify(message("rebirth", r.unsigned()), r.Sig) {
		return errors.New("its signature is not that of the owner's recovery key")
	}
	return nil
}

func (m Manifest) unsigned() []byte { m.Sig = ""; return encode(m) }

// Hash returns the hash by which the next point, receipts and proofs name this one.
func (m *Manifest) Hash() string { return hashOf(m.unsigned()) }

// Folder returns the point's folder below the site's.
func (m *Manifest) Folder() string { return folder(m.Class, m.Seq) }

func folder(c Class, seq int64) string { return fmt.Sprintf("%s/%08d", c, seq) }

func (m *Manifest) link() Link {
	return Link{m.Branch, m.Seq, m.Class, m.Data.LockUntil, m.Hash(), m.KNext, m.Sig}
}

// message is the text of a link that is signed.
func (l *Link) message(site string) []byte {
	return message("point", fmt.Appendf(nil, "%s\n%d\n%d\n%s\n%s\n%s\n%s\n", site, l.Branch, l.Seq, l.Class, l.LockUntil.UTC().Format(time.RFC3339Nano), l.Manifest, l.KNext))
}

func (m *Manifest) sign(k ed25519.PrivateKey) {
	l := m.link()
	m.Sig = sign(k, l.message(m.Site))
}

// valid judges a manifest by itself; that its key is the one the chain names is for the walk.
func (m *Manifest) valid() error {
	if err := head(m.Format, m.Kind, "point", m.Site); err != nil {
		return err
	}
	_, hash := parseHash(m.Data.SHA256)
	_, prev := parseHash(m.Prev)
	_, header := parseHash(m.Data.Header)
	l := m.link()
	switch {
	case m.Seq < 1 || m.Seq > maxSeq || m.Branch < 1 || classDays[m.Class] == 0:
		return errors.New("its number, branch or class is none")
	case !hash || !prev || !dataShape.MatchString(m.Data.Name) || m.Data.Size < 1 || m.Data.PlainMax < 1 || m.Data.Header != "" && !header:
		return errors.New("what it says of its data cannot be")
	case m.Data.Size > maxPoint || m.Data.PlainMax > maxPoint:
		return fmt.Errorf("it says that its data has more than %d bytes", int64(maxPoint))
	case len(m.R) < 1 || len(m.R) > maxRecipients || slices.ContainsFunc(m.R, func(r string) bool { return !wordsShape.MatchString(r) }):
		return errors.New("to whom it says that it is sealed cannot be")
	case !labelShape.MatchString(m.Label) || len(m.Build) > maxBuild || strings.ContainsFunc(m.Build, unicode.IsControl):
		return errors.New("its label, or what it says made it, has characters that none has")
	case !m.K.verify(l.message(m.Site), m.Sig):
		return errors.New("its signature is not that of the key it names")
	case m.Base != "":
		if base, err := ParseReceipt(m.Base); err != nil || base.Seq >= m.Seq || m.Class != Hourly {
			return errors.New("the point that it says holds its uploads is none")
		}
	}
	return nil
}

func (l *Links) valid() error {
	if err := head(l.Format, l.Kind, "links", l.Site); err != nil {
		return err
	}
	if len(l.Links) == 0 {
		return errors.New("it has no link")
	}
	for _, one := range l.Links {
		if one.Seq < 1 || one.Seq > maxSeq {
			return errors.New("the number of a link of it is none")
		}
	}
	return nil
}

func (p Proof) unsigned() []byte { p.Sig = ""; return encode(p) }

func (p *Proof) sign(k ed25519.PrivateKey) {
	p.K = publicKey(k.Public().(ed25519.PublicKey))
	p.Sig = sign(k, message("proof", p.unsigned()))
}

func (p *Proof) valid(of *Manifest) error {
	if err := head(p.Format, p.Kind, "proof", p.Site); err != nil {
		return err
	}
	switch {
	case p.Site != of.Site || p.Seq != of.Seq || p.Point != of.Hash():
		return errors.New("it is the proof of another point")
	case p.Depth.rank() < 1:
		return errors.New("its depth is none")
	case p.K != of.KNext || !p.K.verify(message("proof", p.unsigned()), p.Sig):
		return errors.New("its signature is not that of the key which the point names")
	}
	return nil
}

// fingerprints are those of the recipients, as manifests hold them.
func fingerprints(of []string) []string {
	all := make([]string, len(of))
	for i, r := range of {
		all[i] = Fingerprint(strings.TrimSpace(r))
	}
	return all
}
