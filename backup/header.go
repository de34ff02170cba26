package backup

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"time"

	"filippo.io/age"
)

// A header file is what the owner takes to a machine with the recovery key: a line that says what it is, the point's manifest,
// and the header of its ciphertext, which holds the point's key, sealed.
//
// Which point a header is of stands in the header itself, in a stanza that receives nothing and that age's MAC covers: a
// server that was broken into can lay another header beside a name, and cannot change what is written in it.

// maxHeader bounds an age header, in bytes: two hybrid recipients take 3 KB.
const maxHeader = 32 << 10

// headerFormat is the first line of a header file.
const headerFormat = "merlon-header 2"

// A HeaderFile is one that was read. Its manifest is signed by the key that it names itself: whether the chain names that key
// too cannot be known from the file.
type HeaderFile struct {
	Manifest Manifest
	Header   []byte
}

// Point returns the receipt of the point.
func (h *HeaderFile) Point() Receipt { return Receipt{h.Manifest.Seq, h.Manifest.Hash()} }

func headerFile(m *Manifest, ciphertext io.Reader) ([]byte, error) {
	if m.Data.Header == "" {
		return nil, fmt.Errorf("backup: point %d is of a time when points did not name their headers: use the recovery key itself", m.Seq)
	}
	header, err := age.ExtractHeader(io.LimitReader(ciphertext, maxHeader))
	if err != nil {
		return nil, fmt.Errorf("backup: the header of point %d cannot be read: %w", m.Seq, err)
	}
	if hashOf(header) != m.Data.Header {
		return nil, fmt.Errorf("%w: the header of point %d is not the one that was signed", ErrDamaged, m.Seq)
	}
	return slices.Concat([]byte(headerFormat+"\n"), encode(m), header), nil
}

// headerOf hashes the header of a file of ciphertext.
func headerOf(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("backup: %w", err)
	}
	defer f.Close()
	header, err := age.ExtractHeader(io.LimitReader(f, maxHeader))
	if err != nil {
		return "", fmt.Errorf("backup: the header of what was sealed: %w", err)
	}
	return hashOf(header), nil
}

// ParseHeader reads a header file: the header is the one that the manifest in it names.
func ParseHeader(text []byte) (*HeaderFile, error) {
	wrong := func(why string) error {
		return fmt.Errorf("backup: this is no header file: %s: take the one that the drill or `backup header` wrote", why)
	}
	if len(text) > maxHeader+maxRecord {
		return nil, wrong("it is too long")
	}
	first, rest, ok := bytes.Cut(text, []byte("\n"))
	if !ok || string(first) != headerFormat {
		return nil, wrong("its first line is another")
	}
	second, header, ok := bytes.Cut(rest, []byte("\n"))
	h := &HeaderFile{Header: header}
	if !ok || decode(append(bytes.Clone(second), '\n'), &h.Manifest) != nil || h.Manifest.valid() != nil {
		return nil, wrong("its second line is no point's manifest")
	}
	if hashOf(header) != h.Manifest.Data.Header {
		return nil, fmt.Errorf("backup: the header in this file is not that of point %d, whose manifest is in it: somebody put it there: take neither, and ask the store for the point", h.Manifest.Seq)
	}
	return h, nil
}

// ErrHeader says that a header is of another point than the file says.
var ErrHeader = errors.New("backup: the header is of another point")

// Open returns the key of the point. What the header itself says it is of is held against the manifest: [ErrHeader].
func (h *HeaderFile) Open(with ...age.Identity) (fileKey []byte, err error) {
	var found []string
	seen := make([]age.Identity, len(with))
	for i, id := range with {
		seen[i] = looking{id, &found}
	}
	fileKey, err = age.DecryptHeader(h.Header, seen...)
	if err != nil {
		return nil, fmt.Errorf("backup: this key does not open this header: it is another site's, or the file is damaged: %w", err)
	}
	m := &h.Manifest
	if want := (naming{m.Site, m.Seq, m.Instant}).args(); !slices.Equal(found, want) {
		clear(fileKey)
		return nil, fmt.Errorf("%w: it says %q, and the file is said to be %q: whoever gave you the file wants another point than it says: give out no key", ErrHeader, found, want)
	}
	return fileKey, nil
}

// looking is an identity that notes what a header says it is of. The MAC over it is verified by age afterwards.
type looking struct {
	age.Identity
	found *[]string
}

// Unwrap implements [age.Identity].
func (l looking) Unwrap(stanzas []*age.Stanza) ([]byte, error) {
	for _, s := range stanzas {
		if s.Type == namingType {
			*l.found = append(*l.found, s.Args...) // two of them are none
		}
	}
	return l.Identity.Unwrap(stanzas)
}

// naming is a recipient that receives nothing: a line of the header that says which point it is of.
type naming struct {
	site    string
	seq     int64
	instant time.Time
}

// namingType is the stanza's type. age passes over the types that it does not know (https://c2sp.org/age).
const namingType = "merlon-point"

func (n naming) args() []string {
	return []string{n.site, strconv.FormatInt(n.seq, 10), n.instant.UTC().Format(time.RFC3339Nano)}
}

// Wrap implements [age.Recipient].
func (n naming) Wrap([]byte) ([]*age.Stanza, error) {
	return []*age.Stanza{{Type: namingType, Args: n.args()}}, nil
}

// WrapWithLabels implements [age.RecipientWithLabels]: it takes nothing from what hybrid recipients promise.
func (n naming) WrapWithLabels(key []byte) ([]*age.Stanza, []string, error) {
	s, err := n.Wrap(key)
	return s, []string{"postquantum"}, err
}
