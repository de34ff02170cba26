package backup

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/merlon-web/merlon"
)

// Uploads never change, and are most of what a site with pictures has. So a point of every quarter of an hour holds those alone
// that its base does not: the newest point that is kept for longer, which holds all. A point that is kept for longer needs no
// other one. Whoever opens the two has all uploads; the list in uploads.index says which are in the base.

// A based is what the server remembers of the newest point that holds all uploads. Without it a point holds all again.
type based struct {
	Format  string   `json:"format"`
	Point   string   `json:"point"` // its receipt
	Class   Class    `json:"class"`
	Size    int64    `json:"size"`    // of its ciphertext
	Uploads []string `json:"uploads"` // their hashes
}

// readBase returns what is remembered; nil when nothing is that can be used.
func (h home) readBase() *based {
	b := &based{}
	if err := h.read(baseFile, b); err != nil || b.Format != baseFormat || b.Size > maxPoint {
		return nil // the next point holds all, and writes another
	}
	return b
}

// keepBase remembers a point that holds all uploads. A failure takes nothing from the point.
func (j *job) keepBase(p *Point, uploads []string) {
	if p.Class == Hourly || !j.house.TakesUploads() {
		return
	}
	if err := j.home.write(baseFile, &based{baseFormat, p.Receipt().String(), p.Class, p.Data.Size, uploads}); err != nil {
		j.notes = append(j.notes, "points will hold all uploads until the next daily one: "+err.Error())
	}
}

// base returns the base of a point that is kept until then; nil when there is none, and the point must hold all. The base is there as
// it was signed, for as long, and whoever opens the point opens it.
func (j *job) base(ctx context.Context, class Class, until time.Time) *based {
	if class != Hourly {
		return nil
	}
	b := j.home.readBase()
	if b == nil {
		return nil
	}
	r, err := ParseReceipt(b.Point)
	if err != nil || j.state.knows(r.Seq) {
		return nil
	}
	m, err := j.manifestLike(ctx, folder(b.Class, r.Seq)+"/manifest.json", func(m *Manifest) bool { return m.Hash() == r.Hash })
	if err != nil || m.Hash() != r.Hash || m.Class == Hourly || m.Branch != j.state.Branch || m.Data.LockUntil.Before(until) || !slices.Equal(m.R, fingerprints(j.setup.R)) {
		return nil
	}
	o, err := j.target.Stat(ctx, j.store.full(m.Folder()+"/"+m.Data.Name))
	if err != nil || !m.Data.fits(o) {
		return nil
	}
	return b
}

// index is the list of uploads that are in the base, one hash on each line, in order.
func index(hashes []string) []byte {
	slices.Sort(hashes)
	var b strings.Builder
	for _, hash := range hashes {
		b.WriteString(hash + "\n")
	}
	return []byte(b.String())
}

// readIndex reads what index wrote.
func readIndex(r io.Reader) (map[string]bool, error) {
	all := map[string]bool{}
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		switch hash := lines.Text(); {
		case !hexHash.MatchString(hash) || all[hash]:
			return nil, fmt.Errorf("%s names %q, which is no upload, or twice", uploadsName, clip(hash))
		case len(all) == maxUploads:
			return nil, fmt.Errorf("%s names more than %d uploads", uploadsName, maxUploads)
		default:
			all[hash] = true
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", uploadsName, err)
	}
	return all, nil
}

// resolve finds the base of each point, when all are known.
func (w *walk) resolve() {
	at := map[string]*Point{}
	for _, p := range w.points {
		if p.Base == "" {
			at[p.Receipt().String()] = p
		}
	}
	for _, p := range w.points {
		if p.base = at[p.Base]; p.base == nil && p.Base != "" && p.Data.LockUntil.After(w.now) {
			w.fault(Missing, p.Folder(), p.Seq, "point %s holds the uploads of before, and is not here", p.Base)
		}
	}
}

// addUploads unpacks the uploads that a point left to its base beside what was unpacked of the point. A base that is gone or
// damaged is told, and takes nothing from the rest.
func addUploads(ctx context.Context, store *Store, p *Point, with key, dir string, inner *Inner, say func(string, ...any)) error {
	f, err := os.Open(filepath.Join(dir, uploadsName))
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	want, err := readIndex(f)
	if err = errors.Join(err, f.Close()); err != nil {
		return notOpened(p, err)
	}
	lacking := func(err error) error {
		say("WARN    %d uploads of before lie in point %s, and do not come back: %v: look in another point", len(want), p.Base, err)
		inner.lacks = len(want)
		return nil
	}
	if p.base == nil {
		return lacking(errors.New("it is not here"))
	}
	say("fetching    point %d, %s, for %d uploads of before", p.base.Seq, megabytes(p.base.Data.Size), len(want))
	stream, err := with.fetch(ctx, store, p.base)
	if with.recovery == nil && err != nil && (errors.Is(err, ErrKey) || asChainError(err) && store.Scrub(ctx, []*Point{p.base}) == nil) {
		return &baseKeyError{p.base.Seq, fmt.Errorf("%w: the uploads of before lie in point %d, which has a key of its own: backup header %d, then recovery open; give the two keys one after the other; or take a daily point, which holds all", ErrKey, p.base.Seq, p.base.Seq)}
	}
	if err == nil {
		err = errors.Join(takeUploads(stream, p.base, want, dir, inner), stream.Close())
	}
	_, disk := errors.AsType[*fs.PathError](err)
	_, there := errors.AsType[*TargetError](err)
	switch {
	case there && (errors.Is(err, syscall.EIO) || errors.Is(err, ErrDamaged)): // a disk that cannot read it
		return lacking(err)
	case err == nil && len(want) > 0:
		return lacking(errors.New("it does not have them"))
	case err == nil || disk || ctx.Err() != nil || errors.Is(err, ErrUnreachable) || errors.Is(err, ErrDenied) || errors.Is(err, ErrKey) || errors.Is(err, merlon.ErrCannot):
		return err
	}
	return lacking(err)
}

// takeUploads unpacks of a base the uploads that are wanted, and takes them from want.
func takeUploads(from io.Reader, base *Point, want map[string]bool, dir string, to *Inner) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return merlon.Cannot("%v", err)
	}
	defer root.Close()
	if err := root.MkdirAll(strings.TrimSuffix(uploadPrefix, "/"), 0o700); err != nil {
		return merlon.Cannot("%v", err)
	}
	in, err := unpack(from, func(in *Inner) error {
		if in.Site != base.Site || in.Seq != base.Seq {
			return notOpened(base, errors.New("it holds another point"))
		}
		return nil
	}, func(name string, _ int64) (io.WriteCloser, error) {
		if hash, upload := strings.CutPrefix(name, uploadPrefix); !upload || !want[hash] {
			return discard{}, nil
		}
		f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return nil, err
		}
		return newSynced(f), nil
	})
	if err != nil {
		return err
	}
	for _, f := range in.Files {
		if hash, upload := strings.CutPrefix(f.Name, uploadPrefix); upload && want[hash] {
			delete(want, hash)
			to.Files = append(to.Files, f)
		}
	}
	return nil
}
