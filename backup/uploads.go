package backup

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/outbound/file"
)

// Uploads are in a point under the hash of their bytes, or in its base (see based). They never change, so what the database's copy
// speaks of is on the disk still: their rows are asked after the copy was made, and a blob is deleted two days after its last row.

// uploads are the blobs that rows name: as sources of a point, and the hashes of those that are in its base, nil: it has none. One
// that is in neither is told, and takes nothing from the rest.
func (j *job) uploads(ctx context.Context, base *based) (own []source, before []string, err error) {
	if !j.house.TakesUploads() {
		return nil, nil, nil
	}
	inBase := map[string]bool{}
	if base != nil {
		for _, hash := range base.Uploads {
			inBase[hash] = true
		}
	}
	r := j.house.Engine.Read(ctx)
	hashes, err := file.Hashes(r)
	if err = errors.Join(err, r.Close()); err != nil {
		return nil, nil, fmt.Errorf("backup: the uploads: %w", err)
	}
	if len(hashes) > maxUploads {
		return nil, nil, fmt.Errorf("backup: the site has %d uploads, a point holds %d: keep large collections in a store of their own", len(hashes), maxUploads)
	}
	lost := 0
	for _, hash := range hashes {
		s, err := j.upload(hash)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			lost++
		case err != nil:
			return nil, nil, fmt.Errorf("backup: the upload %s: %w", hash, err)
		case inBase[hash]:
		default:
			own = append(own, s)
		}
		if inBase[hash] {
			before = append(before, hash)
		}
	}
	if lost > 0 {
		j.notes = append(j.notes, fmt.Sprintf("%d uploads that the database names are not on the disk: get them back from an older point", lost))
	}
	return own, before, nil
}

func (j *job) upload(hash string) (s source, err error) {
	f, err := j.house.Files.OpenHash(hash)
	if err != nil {
		return s, err
	}
	info, err := f.Stat()
	if err = errors.Join(err, f.Close()); err != nil {
		return s, err
	}
	sum, err := hex.DecodeString(hash)
	if err != nil {
		return s, err
	}
	s = source{name: uploadPrefix + hash, size: info.Size(), open: func() io.Reader { return &blob{files: j.house.Files, hash: hash} }}
	copy(s.sum[:], sum)
	return s, nil
}

// blob is opened when it is first read, and closed at its end: a point may hold more than a process may have open.
type blob struct {
	files *file.Store
	hash  string
	f     *os.File
}

func (b *blob) Read(p []byte) (int, error) {
	if b.f == nil {
		var err error
		if b.f, err = b.files.OpenHash(b.hash); err != nil {
			return 0, err
		}
	}
	n, err := b.f.Read(p)
	if err != nil {
		_ = b.f.Close()
	}
	return n, err
}

// uploads counts those of a point.
func (in *Inner) uploads() (n int) {
	for _, f := range in.Files {
		if strings.HasPrefix(f.Name, uploadPrefix) {
			n++
		}
	}
	return n
}

// allUploads holds that each upload that a copy speaks of is in it: a drill is to tell what a restore would lack.
func allUploads(ctx context.Context, site *merlon.Site) error {
	missing, err := site.MissingUploads(ctx)
	if err == nil && len(missing) > 0 {
		err = fmt.Errorf("backup: %d uploads that the data speaks of have no bytes, %s among them", len(missing), missing[0])
	}
	return err
}
