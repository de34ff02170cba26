package backup

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"filippo.io/age"
)

// putRecord puts a record that never changes. One of the same text that is there already is a success: an earlier try of this
// very run may have arrived.
func putRecord(ctx context.Context, s *Store, name string, text []byte, until time.Time) error {
	o := PutOptions{Size: int64(len(text)), SHA256: sha256.Sum256(text), Once: true}
	if s.target.Traits().Locks {
		o.LockUntil = until
	}
	_, err := s.target.Put(ctx, s.full(name), bytes.NewReader(text), o)
	if err == nil || !errors.Is(err, ErrExists) && !errors.Is(err, ErrUnreachable) {
		return err
	}
	there, e := s.target.Stat(ctx, s.full(name))
	if e != nil {
		return err
	}
	if have, e := s.text(ctx, there); e == nil && bytes.Equal(have, text) {
		return nil
	}
	return err
}

// depth is how far a new point is proven: by the hash that the store tells, or by reading it back. Points that are kept longer
// than days are always read.
func (j *job) depth(p *Point) Depth {
	if p.Class != Hourly || !j.target.Traits().Hashes {
		return Read
	}
	return Stored
}

// prove shows how far the point that was just put can be trusted: the store has the bytes that were sealed, by the hash that it
// tells, or by reading all of them back.
func (j *job) prove(ctx context.Context, p *Point, depth Depth, d *age.HybridIdentity) (_ Depth, err error) {
	defer func() {
		if err != nil {
			j.state.Content, j.known = "", false // the next run makes another
		}
	}()
	j.say("proving point %d", p.Seq)
	switch depth {
	case Stored:
		o, err := j.target.Stat(ctx, j.store.full(p.Folder()+"/"+p.Data.Name))
		if err != nil {
			return "", fmt.Errorf("%w: %w", ErrUnread, err)
		}
		if "sha256:"+o.SHA256 != p.Data.SHA256 || o.Size != p.Data.Size {
			return "", fmt.Errorf("%w: the store says that it has other bytes than were sent", ErrUnread)
		}
	case Read:
		if err := j.readBack(ctx, p); err != nil {
			return "", fmt.Errorf("%w: %w", ErrUnread, err)
		}
		j.keep(&drillKey{p, d, time.Now().Add(drillKeyLife)})
	}
	if err := j.putProof(ctx, p, depth, ""); err != nil {
		return "", err
	}
	p.Depth = depth
	return depth, nil
}

// readBack reads what the store has. Bytes of the same hash were decrypted and unpacked before.
func (j *job) readBack(ctx context.Context, p *Point) error {
	body, err := j.store.ciphertext(ctx, p)
	if err != nil {
		return err
	}
	defer body.Close()
	sum, n, err := hashAll(body)
	if err != nil {
		return err
	}
	if n != p.Data.Size || hashText(sum) != p.Data.SHA256 {
		return j.store.fault(Altered, p.Folder()+"/"+p.Data.Name, p.Seq, "it is not the object whose hash was signed")
	}
	return nil
}

// errNotNewest says that the key which would sign a proof is destroyed: a point was made since.
var errNotNewest = errors.New("backup: the point is not the newest any more: what was proven of it cannot be signed")

// putProof puts a proof of the newest point, signed by the key of the next one.
func (j *job) putProof(ctx context.Context, p *Point, depth Depth, evidence string) error {
	if j.signers.Seq != p.Seq+1 {
		return fmt.Errorf("%w: point %d", errNotNewest, p.Seq)
	}
	proof := &Proof{Format: formatName, Kind: "proof", Site: p.Site, Seq: p.Seq, Point: p.Hash(), Depth: depth, At: stamp(j.house.Clock()), Evidence: evidence}
	proof.sign(j.signers.current())
	text := encode(proof)
	for k := len(p.Proofs) + 1; ; k++ {
		err := j.putRecord(ctx, fmt.Sprintf("%s/receipt-%d.json", p.Folder(), k), text, p.Data.LockUntil)
		if errors.Is(err, ErrExists) && k < 20 {
			continue
		}
		if err == nil {
			p.Proofs = append(p.Proofs, proof)
		}
		return err
	}
}

// Codes of the recovery proof that wait, each of a point; older ones are forgotten.
const (
	maxCodes    = 10
	maxWrong    = 5 // tries within a day
	headerNames = "header-*.bin"
)

// keepCode makes what the owner proves the recovery key with: the point's header as a file, and the hash of the code that
// only whoever opens the header can tell. A failure takes nothing from the point.
func (j *job) keepCode(_ context.Context, p *Point, d *age.HybridIdentity, from *spool) {
	err := func() error {
		f, err := from.open()
		if err != nil {
			return err
		}
		defer f.Close()
		text, err := headerFile(&p.Manifest, f)
		if err != nil {
			return err
		}
		h, err := ParseHeader(text)
		if err != nil {
			return err
		}
		fileKey, err := h.Open(d)
		if err != nil {
			return err
		}
		salt := make([]byte, 16)
		rand.Read(salt)
		j.state.Codes = append(j.state.Codes, codeHash{p.Seq, salt, sumCode(salt, ProofCode(fileKey, p.Hash()))})
		clear(fileKey)
		j.state.Codes = j.state.Codes[max(0, len(j.state.Codes)-maxCodes):]
		if err := writeFile(j.home.path(headerName(p.Seq)), text); err != nil {
			return err
		}
		return j.home.tidyHeaders(j.state.Codes)
	}()
	if err != nil {
		j.notes = append(j.notes, "the header for the recovery proof was not kept: "+err.Error())
	}
}

func headerName(seq int64) string { return fmt.Sprintf("header-%08d.bin", seq) }

// tidyHeaders removes the header files whose codes are forgotten.
func (h home) tidyHeaders(kept []codeHash) error {
	found, err := inFolder(h.dir, headerNames)
	if err != nil {
		return err
	}
	for _, path := range found {
		if !slices.ContainsFunc(kept, func(c codeHash) bool { return headerName(c.Seq) == filepath.Base(path) }) {
			if err := os.Remove(path); err != nil {
				return err
			}
		}
	}
	return nil
}

func sumCode(salt []byte, code string) []byte {
	sum := sha256.Sum256(append(slices.Clone(salt), code...))
	return sum[:]
}

// ErrTries says that codes cannot be tried any more today.
var ErrTries = errors.New("backup: five wrong codes were tried within a day: the next may be tried a day after the first of them")

// ErrCode says that a code is none of those that are waited for.
var ErrCode = errors.New("backup: this is not the code of a point: see that the header file was the newest, and that the code is typed whole")

// tryCode judges a code of the recovery proof. It writes nothing: the caller keeps the state, whatever the answer.
func (s *state) tryCode(code string, now time.Time) (seq int64, err error) {
	s.Wrong = slices.DeleteFunc(s.Wrong, func(t time.Time) bool { return ageOf(t, now) >= 24*time.Hour })
	if len(s.Wrong) >= maxWrong {
		return 0, ErrTries
	}
	code = cleanCode(code)
	for _, c := range s.Codes {
		if subtle.ConstantTimeCompare(sumCode(c.Salt, code), c.Sum) == 1 {
			seq = c.Seq
		}
	}
	if seq == 0 {
		s.Wrong = append(s.Wrong, now)
		return 0, ErrCode
	}
	s.Proven = now
	s.Codes = slices.DeleteFunc(s.Codes, func(c codeHash) bool { return c.Seq <= seq }) // a code proves once
	return seq, nil
}

// linksAtOnce bounds a links record: about 300 bytes each.
const linksAtOnce = 2000

// putLinks puts the links of all points since the last time, so that the chain can be walked when the points are gone. They
// are forgotten here only when a record holds all of them. Whoever may put can take the name of a record, which anybody can
// tell beforehand: then it goes under another that nobody can tell, and a note says so.
func (j *job) putLinks(ctx context.Context) error {
	for len(j.state.Links) > 0 {
		n := j.linksInOne()
		text := encode(Links{Format: formatName, Kind: "links", Site: j.setup.Site, Links: j.state.Links[:n]})
		base := fmt.Sprintf("chain/%08d-links", j.state.Links[n-1].Seq)
		err := j.putRecord(ctx, base+".json", text, j.now.Add(Monthly.Keep()))
		if errors.Is(err, ErrExists) {
			j.notes = append(j.notes, base+".json was there and holds other links than this site's: the record was put beside it: see who may put at the target")
			var other [8]byte
			rand.Read(other[:])
			err = j.putRecord(ctx, fmt.Sprintf("%s-%d.json", base, binary.BigEndian.Uint64(other[:])), text, j.now.Add(Monthly.Keep()))
		}
		if err != nil {
			return err
		}
		j.state.Links = slices.Clone(j.state.Links[n:])
		if err := j.home.write(stateFile, j.state); err != nil {
			return err
		}
	}
	return nil
}

// linksPending is how many links wait for their record at the most: every four hours one of a site that makes all its points.
// When the last server is gone for good no more hourly points than that lose their proof before they go themselves.
const linksPending = 16

// linksFirst puts the links of the points before one that is kept for longer than they are, or of many: when the hourly points
// go whose links were never put, nothing proves what follows them. A failure takes nothing from the point, and is tried again
// with the next one.
func (j *job) linksFirst(ctx context.Context, p *Point) {
	over := func(l Link) bool { return l.LockUntil.Before(j.now.Add(2 * 24 * time.Hour)) }
	if p.Class == Hourly && len(j.state.Links) < linksPending && !slices.ContainsFunc(j.state.Links, over) {
		return
	}
	if err := j.putLinks(ctx); err != nil {
		j.notes = append(j.notes, "the links of the points before were not put, and will be with the next: "+err.Error())
	}
}

// linksInOne is how many links the next record takes: it is of one branch, and leaves no number out.
func (j *job) linksInOne() int {
	all := j.state.Links
	for i := 1; i < min(len(all), linksAtOnce); i++ {
		if all[i].Branch != all[0].Branch || all[i].Seq != all[i-1].Seq+1 {
			return i
		}
	}
	return min(len(all), linksAtOnce)
}
