package backup

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"filippo.io/age"

	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/internal/datafolder"
)

// A spool is the ciphertext of a point on its way: a file of known length and hash. No store is ever given a stream whose
// end it would have to guess.
type spool struct {
	path string
	size int64
	sum  [32]byte
	head string // the hash of its header

	uploads []string // the hashes of those that are in it

	base   source   // the database
	frames extent   // where it is in the compressed stream,
	framed [32]byte // and the hash of that
}

func (s *spool) open() (*os.File, error) {
	f, err := os.Open(s.path)
	if err != nil {
		return nil, fmt.Errorf("backup: %w", err)
	}
	return f, nil
}

func (s *spool) remove() { _ = os.Remove(s.path) } // the next run sweeps what is left

// spool reads the database, and seals it with the keys and settings into a file. It returns a point that is not
// signed yet; none when the content is that of the newest point.
func (j *job) spool(ctx context.Context, instant time.Time, small []source, drill age.Recipient) (p *Point, s *spool, content string, err error) {
	base, err := j.read(ctx, streamMost, snapshotTime)
	if err != nil {
		return nil, nil, "", err
	}
	defer func() { err = errors.Join(err, base.Close()) }()
	content = hex.EncodeToString(base.sum[:]) + " " + hashSources(small)
	if content == j.state.Content && !j.force && j.label == "" {
		return nil, nil, content, nil
	}
	migrations, err := j.house.Engine.Migrations(ctx)
	if err != nil {
		return nil, nil, "", err
	}
	in := &Inner{Site: j.setup.Site, Name: j.house.Name, Seq: j.state.Seq + 1, Instant: instant, Build: build(j.house.Name), Go: runtime.Version(),
		Engine: j.house.Engine.Name(), Database: base.name, Server: base.server, Tables: base.tables}
	for _, m := range migrations {
		if !m.Applied.IsZero() {
			in.Migrations = append(in.Migrations, m.Migration)
		}
	}
	from := append([]source{{name: in.database(), size: base.size, sum: base.sum, done: base.squeezed}}, small...)
	class := classOf(instant, j.state.Lasts)
	if j.daily && class == Hourly {
		class = Daily
	}
	if class, err = j.free(class); err != nil {
		return nil, nil, "", err
	}
	until := stamp(j.now.Add(class.Keep()))
	holds := j.base(ctx, class, until)
	uploads, before, err := j.uploads(ctx, holds)
	if err != nil {
		return nil, nil, "", err
	}
	if len(before) > 0 {
		in.Base = holds.Point
	}
	from = append(from, inMemory(uploadsName, index(before)))
	from = append(from, uploads...)

	j.say("sealing %s", megabytes(base.size))
	to := []age.Recipient{}
	for _, text := range j.setup.R {
		r, err := age.ParseHybridRecipient(text)
		if err != nil {
			return nil, nil, "", fmt.Errorf("backup: the recipient in the settings: %w", err)
		}
		to = append(to, r)
	}
	s, plain, err := j.sealFile(ctx, in, from, append(to, drill, naming{in.Site, in.Seq, in.Instant}))
	if err != nil {
		return nil, nil, "", err
	}
	for _, u := range uploads {
		s.uploads = append(s.uploads, strings.TrimPrefix(u.name, uploadPrefix))
	}
	p = &Point{Manifest: Manifest{Format: formatName, Kind: "point", Site: j.setup.Site, Branch: j.state.Branch, Seq: j.state.Seq + 1, Class: class, Label: j.label, Base: in.Base,
		Instant: instant, StoreDate: stamp(j.now), Build: in.Build, Prev: j.state.Hash, R: fingerprints(j.setup.R),
		Data: Sealed{Name: dataName(instant), Size: s.size, SHA256: hashText(s.sum), Header: s.head, PlainMax: plain, LockUntil: until}}}
	return p, s, content, nil
}

// A base is the database of one instant.
type base struct {
	*squeezed
	name, server string // of the file; of the database server
	tables       map[string]int64
}

// errLarge says that a database is not read as it stands.
var errLarge = errors.New("backup: the database is large")

// read takes the database in: where the engine can, as it stands, and else from a copy. It is kept as it stands up to a size and
// a time only, so that its log does not grow without end; the copy takes less than the compressing.
func (j *job) read(ctx context.Context, most int64, within time.Duration) (*base, error) {
	if e := j.house.Streamer(); e != nil {
		short, cancel := context.WithTimeout(ctx, within)
		defer cancel()
		b := &base{}
		streamed, err := e.Stream(short, func(from io.Reader, size int64) (err error) {
			if size > most {
				return errLarge
			}
			b.squeezed, err = j.squeeze(short, from, size)
			return err
		})
		switch {
		case err == nil && streamed != nil:
			b.name, b.tables = streamed.File, streamed.Tables
			return b, nil
		case err != nil && b.squeezed != nil:
			err = errors.Join(err, b.Close())
		}
		if err != nil && !errors.Is(err, errLarge) && (short.Err() == nil || ctx.Err() != nil) {
			return nil, fmt.Errorf("backup: the database: %w", err)
		}
	}
	return j.readCopy(ctx)
}

func (j *job) readCopy(ctx context.Context) (_ *base, err error) {
	copying, cancel := context.WithTimeout(ctx, copyTime(j.house.Carrier()))
	snapshot, err := j.house.Engine.Snapshot(copying)
	cancel()
	if err != nil {
		return nil, fmt.Errorf("backup: the copy of the database: %w", err)
	}
	defer func() { err = errors.Join(err, snapshot.Close()) }()
	s, err := j.squeeze(ctx, snapshot.Reader(), snapshot.Size)
	if err != nil {
		return nil, err
	}
	if s.sum != snapshot.SHA256 {
		return nil, errors.Join(changed("the copy of the database"), s.Close())
	}
	return &base{s, snapshot.File, snapshot.Server, snapshot.Tables}, nil
}

// squeeze compresses a database into a file beside the ciphertext to be.
func (j *job) squeeze(ctx context.Context, from io.Reader, size int64) (*squeezed, error) {
	dir := j.home.path(spoolFolder)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("backup: %w", err)
	}
	s, err := newSqueezed(dir)
	if err != nil {
		return nil, err
	}
	if err := s.fill(ctx, from, size); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// dataName has the time in it: the data of a run that was killed before its manifest stays, locked, beside the next one's.
func dataName(at time.Time) string {
	return "data-" + strings.Replace(at.Format("20060102T150405.000Z"), ".", "", 1) + ".age"
}

func (j *job) sealFile(ctx context.Context, in *Inner, from []source, recipients []age.Recipient) (_ *spool, plain int64, err error) {
	f, err := os.OpenFile(filepath.Join(j.home.path(spoolFolder), fmt.Sprintf("%08d.part", in.Seq)), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, 0, fmt.Errorf("backup: %w", err)
	}
	s := &spool{path: f.Name()}
	defer func() {
		if err = errors.Join(err, f.Close()); err != nil {
			s.remove()
		}
	}()
	out := &summing{to: f, sum: sha256.New()}
	sealed, err := seal(ctx, out, recipients...)
	if err == nil {
		err = errors.Join(pack(sealed, in, from), sealed.Close())
	}
	if err != nil {
		return nil, 0, err
	}
	s.size = out.n
	out.sum.Sum(s.sum[:0])
	s.base, s.frames, s.framed = from[0], sealed.at, from[0].done.framed
	s.head, err = headerOf(s.path)
	return s, sealed.plain, err
}

// summing hashes and counts what is written through it.
type summing struct {
	to  io.Writer
	sum hash.Hash
	n   int64
}

func (s *summing) Write(p []byte) (int, error) {
	n, err := s.to.Write(p)
	s.sum.Write(p[:n])
	s.n += int64(n)
	return n, err
}

// smallFiles are what a point holds beside the database: the key ring, and the settings that lie as JSON in the data folder.
// The signing keys, the credentials of the store and certificates are not among them.
func smallFiles(data string, setup *Setup) ([]source, error) {
	root, err := os.OpenRoot(data) // no link leads out of it to what another right than the site's can read
	if err != nil {
		return nil, fmt.Errorf("backup: %w", err)
	}
	defer root.Close()
	keys, err := root.ReadFile("keys")
	if err != nil {
		return nil, fmt.Errorf("backup: the site's keys: %w", err)
	}
	all := []source{inMemory(keyringName, keys)}
	found, err := inFolder(data, "*.json")
	if err != nil {
		return nil, err
	}
	for _, path := range found {
		name := "settings/" + filepath.Base(path)
		info, err := os.Lstat(path)
		if err != nil {
			return nil, fmt.Errorf("backup: %w", err)
		}
		if !settingName.MatchString(name) || name == "settings/backup.json" || !info.Mode().IsRegular() || info.Size() > maxSmall {
			continue
		}
		text, err := root.ReadFile(filepath.Base(path))
		if err != nil {
			return nil, fmt.Errorf("backup: %w", err)
		}
		all = append(all, inMemory(name, text))
	}
	without := *setup
	without.Probes = nil
	return append(all, inMemory("settings/backup.json", encode(without))), nil
}

func hashSources(all []source) string {
	h := sha256.New()
	for _, s := range all {
		fmt.Fprintf(h, "%s %x\n", s.name, s.sum)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// dataSize is about how large the database is: what lies in the data folder, but for the backups' own, and what lies on a server.
func dataSize(ctx context.Context, data string, c db.Carrier) (n int64, err error) {
	var elsewhere int64
	if c != nil {
		if elsewhere, err = c.Size(ctx); err != nil {
			return 0, fmt.Errorf("backup: %w", err)
		}
	}
	own := filepath.Join(data, "backup")
	err = datafolder.Walk(data, func(path string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist): // it went meanwhile
			return nil
		case err != nil:
			return err
		case path == own:
			return fs.SkipDir
		case d.Type().IsRegular():
			info, err := d.Info()
			if err == nil {
				n += info.Size()
			}
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("backup: %w", err)
	}
	return n + elsewhere, nil
}
