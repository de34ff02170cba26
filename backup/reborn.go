package backup

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"
)

// A restored site must not write to the chain as if nothing had happened: the old server may still run, and two writers of
// one chain cannot be told apart. With the recovery key a record is signed that gives the chain to the restored site, under a
// branch of its own; whoever writes on in the old branch finds the record and stops. A point key signs nothing: then the site
// begins a new chain with `backup init`.

// rebirthFile keeps the signed record until it is at the target.
const rebirthFile = "rebirth.json"

// rebirthNames are the name of a rebirth and, where somebody took that, another: whoever may put knows number and branch before,
// and no one the hash.
func rebirthNames(from int64, branch int, hash string) (name, beside string) {
	sum, _ := parseHash(hash)
	base := fmt.Sprintf("chain/%08d-rebirth-%d", from-1, branch)
	return base + ".json", fmt.Sprintf("%s-%d.json", base, binary.BigEndian.Uint64(sum[:]))
}

// goOn lets the restored data make backups: it signs the rebirth and writes the home into the folder that is not in place
// yet. Nothing is put at the target: if the restore does not come to its end, the old site goes on.
func (f *fetched) goOn(ctx context.Context, live string) error {
	if f.key.recovery == nil {
		return errors.New("a point key signs nothing")
	}
	h := homeOf(f.path)
	setup := &Setup{}
	if err := h.read("restored.json", setup); err != nil {
		return err
	}
	now, err := ReadSetup(live)
	if err == nil && !f.restore.AfterTheft && now.Site == setup.Site && now.Target == f.store.target.String() {
		setup.Target, setup.Options, setup.Mail, setup.Ping, setup.Try = now.Target, now.Options, now.Mail, now.Ping, now.Try
	} else { // after a theft the folder's settings are a thief's perhaps: those of the point are taken, and what the owner named
		setup.Target = f.store.target.String()
		if f.options != nil {
			setup.Options = f.options
		}
	}
	if setup.Site != f.store.site || setup.T != f.key.recovery.Root() {
		return errors.New("the settings in the point are those of another chain")
	}
	w, err := f.store.walk(ctx)
	if err != nil {
		return err
	}
	setup.R = w.r // as the owner's key signed it, not as the point says
	seed, err := newSigner()
	if err != nil {
		return err
	}
	keys := &signers{Format: signersFormat, Current: seed}
	r := &Rebirth{Format: formatName, Kind: "rebirth", Site: setup.Site, Branch: w.branch + 1, After: f.point.Seq, Prev: f.point.Hash(), From: w.top() + 1, Created: stamp(time.Now()), K: public(keys.current())}
	r.sign(f.key.recovery.root)
	keys.Seq = r.From
	s := &state{Format: stateFormat, Seq: r.From - 1, Hash: hashOf(r.unsigned()), Branch: r.Branch, Lasts: map[Class]time.Time{},
		Proven: f.restore.Now} // the owner's key has just opened a point
	for _, p := range w.points {
		if !w.linked[p.Seq] && p.Seq <= r.After {
			s.Links = append(s.Links, p.link())
		}
	}
	for _, one := range []struct {
		name string
		v    any
	}{{rebirthFile, r}, {signersFile, keys}, {stateFile, s}, {settingsFile, setup}} {
		if err := h.write(one.name, one.v); err != nil {
			return err
		}
	}
	f.reborn, f.setup = true, setup
	return os.Remove(h.path("restored.json"))
}

// farAhead is a number that no chain reaches, a point every minute for a century: whoever may put writes what has a higher one.
const farAhead = 60_000_000

// top is the highest number that anything at the target has.
func (w *walk) top() int64 {
	top := max(w.last, w.highest)
	for _, r := range w.rebirths {
		top = max(top, r.From-1)
	}
	return top
}

// announceBirth puts the record that gives the chain to the restored site, which is in place now.
func (f *fetched) announceBirth(ctx context.Context) error {
	now, err := f.store.target.Now(ctx)
	if err != nil {
		return err
	}
	note, err := putRebirth(ctx, homeOf(f.dest), f.store, f.setup.T, now)
	if note != "" {
		f.say("WARN    %s", note)
	}
	return err
}

// putRebirth puts the record that a home keeps, and forgets it when it is there. Where its name is taken by what the owner's key has
// not signed it goes beside that, and the note says so.
func putRebirth(ctx context.Context, h home, store *Store, root PublicKey, now time.Time) (note string, err error) {
	r := &Rebirth{}
	switch err := h.read(rebirthFile, r); {
	case errors.Is(err, fs.ErrNotExist):
		return "", nil
	case err != nil:
		return "", err
	}
	text, until, hash := encode(r), now.Add(Monthly.Keep()), hashOf(r.unsigned())
	name, beside := rebirthNames(r.From, r.Branch, hash)
	if err = putRecord(ctx, store, name, text, until); errors.Is(err, ErrExists) {
		own, other, e := store.births(ctx, r.From, r.Branch, hash, root)
		switch {
		case e != nil:
			return "", e
		case other:
			return "", fmt.Errorf("%w: the chain was given to another restored copy: stop that one and restore here once more, or begin a new chain with backup init", ErrForked)
		case own:
			err = nil
		default:
			note = name + " was there and is no record of the owner's key: this site's was put beside it: see who may put at the target"
			err = putRecord(ctx, store, beside, text, until)
		}
	}
	if err != nil {
		return "", err
	}
	return note, os.Remove(h.path(rebirthFile))
}

// maxRebirth bounds a rebirth, in bytes.
const maxRebirth = 4 << 10

// births reports whether the chain was given to a branch from a number on by the record of a hash, and by another one. Of its two
// names all versions are looked at, of others as many as of strange records.
func (s *Store) births(ctx context.Context, from int64, branch int, hash string, root PublicKey) (own, other bool, err error) {
	name, beside := rebirthNames(from, branch, hash)
	read := map[string]int{}
	for o, err := range s.list(ctx, strings.TrimSuffix(name, ".json")) {
		if err != nil {
			return false, false, err
		}
		one := s.below(o.Name)
		if m := chainPath.FindStringSubmatch(one); m == nil || m[3] != fmt.Sprintf("-%d", branch) || o.Size > maxRebirth {
			continue
		}
		if one != name && one != beside {
			one = ""
		}
		if read[one]++; read[one] > mostStrange {
			continue
		}
		text, err := s.text(ctx, o)
		if errors.Is(err, ErrNotFound) || errors.Is(err, ErrDamaged) {
			continue
		}
		if err != nil {
			return false, false, err
		}
		var r Rebirth
		if decode(text, &r) != nil || r.valid(root) != nil || r.Site != s.site || r.From != from || r.Branch != branch {
			continue // anybody's, or the owner's of another time
		}
		is := hashOf(r.unsigned()) == hash
		own, other = own || is, other || !is
	}
	return own, other, nil
}
