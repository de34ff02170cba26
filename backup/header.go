package backup

import (
	"bytes"
	"fmt"
	"io"

	"filippo.io/age"
)

// A header file is what the owner takes to a machine with the recovery key: two lines of text that say which point it is,
// and the header of its ciphertext, which holds the point's key, sealed.

// maxHeader bounds an age header, in bytes: two hybrid recipients take 3 KB.
const maxHeader = 32 << 10

// A HeaderFile is one that was read.
type HeaderFile struct {
	Site     string
	Seq      int64
	Manifest string // the hash of the point's manifest
	Header   []byte
}

func headerFile(p *Point, ciphertext io.Reader) ([]byte, error) {
	header, err := age.ExtractHeader(io.LimitReader(ciphertext, maxHeader))
	if err != nil {
		return nil, fmt.Errorf("backup: the header of point %d cannot be read: %w", p.Seq, err)
	}
	return append(fmt.Appendf(nil, "merlon-header 1\n%s %d %s\n", p.Site, p.Seq, p.Hash()), header...), nil
}

// ParseHeader reads a header file.
func ParseHeader(text []byte) (*HeaderFile, error) {
	wrong := func(why string) error {
		return fmt.Errorf("backup: this is no header file: %s: take the one that the drill or `backup verify` wrote", why)
	}
	if len(text) > maxHeader+200 {
		return nil, wrong("it is too long")
	}
	first, rest, ok := bytes.Cut(text, []byte("\n"))
	if !ok || string(first) != "merlon-header 1" {
		return nil, wrong("its first line is another")
	}
	second, header, ok := bytes.Cut(rest, []byte("\n"))
	h := &HeaderFile{Header: header}
	if n, err := fmt.Sscanf(string(second), "%16s %d %s", &h.Site, &h.Seq, &h.Manifest); !ok || err != nil || n != 3 ||
		fmt.Sprintf("%s %d %s", h.Site, h.Seq, h.Manifest) != string(second) || !siteShape.MatchString(h.Site) {
		return nil, wrong("its second line does not name a point")
	}
	if _, ok := parseHash(h.Manifest); !ok {
		return nil, wrong("its second line does not name a point")
	}
	return h, nil
}
