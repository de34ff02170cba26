package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/internal/swap"
)

// fetching is what a restore begins with.
type fetching struct {
	store   *Store
	options Settings // of the place, as the owner named them now; nil: not at all
	point   *Point
	key     key
	data    string     // the site's own data folder, there or not; "": dest
	dest    string     // the folder that the data is to become
	live    bool       // it is the site's own, and so is the database
	carrier db.Carrier // nil: the database is a file
	open    func(data string, mode merlon.Mode) (*merlon.Site, error)
	say     func(format string, args ...any)
	restore merlon.Restore
}

// A fetched point is a whole data folder beside its place. It is nobody's until it is committed.
type fetched struct {
	fetching
	path   string // the folder
	unlock func()
	inner  *Inner
	result *merlon.Restored
	reborn bool   // it goes on with the chain, in a branch of its own
	setup  *Setup // by which it does
	aside  string // the name of the database that was put aside, "" for none

	compared *compared // nil: with nothing
	missing  []string  // public names of uploads that do not come back
}

// fetch makes a data folder of a point: fetched, decrypted, unpacked, proven, migrated, and void of what must not come back.
func (p *part) fetch(ctx context.Context, want fetching) (_ *fetched, err error) {
	f := &fetched{fetching: want}
	if err := able(ctx, want.carrier); err != nil {
		return nil, commandError(ctx, err)
	}
	if f.dest, err = swap.Real(want.dest); err != nil {
		return nil, merlon.Cannot("%v", err)
	}
	want.dest = f.dest
	if _, err := swap.Finish(want.dest); err != nil { // one that was cut off: its folders are no rubbish
		return nil, merlon.Cannot("%v", err)
	}
	if want.data == "" {
		want.data = want.dest
	}
	for _, place := range []string{want.dest, want.data} {
		if err := sweepScratch(ctx, want.carrier, want.data, place); err != nil {
			return nil, merlon.Cannot("%v", err)
		}
	}
	if f.path, f.unlock, err = scratch(want.data, want.dest); err != nil {
		return nil, merlon.Cannot("%v", err)
	}
	whole := false
	defer func() {
		if !whole { // a panic leaves nothing either
			f.discard()
		}
	}()
	if f.inner, err = unpackInto(ctx, want.store, want.point, want.key, f.path, want.carrier, want.say); err != nil {
		return nil, err
	}
	site, err := want.open(f.path, merlon.Drill)
	if err != nil {
		return nil, fmt.Errorf("backup: the site cannot be put together: %w", err)
	}
	if err := proveCopy(ctx, site, f.inner, want.point); err != nil {
		return nil, err
	}
	want.say("checked     integrity, %d tables, row counts, keys", len(f.inner.Tables))
	r := want.restore
	r.Point, r.Instant = want.point.ID(), want.point.Instant
	if f.result, err = site.Restore(ctx, r); err != nil {
		return nil, fmt.Errorf("backup: point %d cannot be made fit for use: %w", want.point.Seq, err)
	}
	if n := f.inner.uploads(); n > 0 {
		want.say("checked     %d uploads", n)
	}
	if f.missing, err = site.MissingUploads(ctx); err != nil {
		return nil, err
	}
	if n := len(f.missing); n > f.inner.lacks { // they were not there when the point was made: the rest is not held back for them
		want.say("WARN    %d uploads are not in the point, %s perhaps among them: their bytes were lost before it was made: look in an older point", n-f.inner.lacks, f.missing[0])
	}
	whole = true
	return f, nil
}

// unpackInto lays a point out in a folder as a site's data. A failure may leave a database that was loaded for it.
func unpackInto(ctx context.Context, store *Store, p *Point, with key, dir string, carrier db.Carrier, say func(string, ...any)) (*Inner, error) {
	inner, in, err := unpackOwn(ctx, store, p, with, dir, carrier, say)
	if err != nil {
		return nil, err
	}
	if p.Base != "" {
		if err := addUploads(ctx, store, p, with, in, inner, say); err != nil {
			return nil, err
		}
	}
	return inner, arrange(inner, in, dir)
}

// arrange lays out what was unpacked, and removes the rest.
func arrange(inner *Inner, in, dir string) error {
	if err := Arrange(inner, in, dir); err != nil {
		return err
	}
	if err := os.RemoveAll(in); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	return nil
}

// unpackOwn unpacks what is in the point itself, into a folder in dir.
func unpackOwn(ctx context.Context, store *Store, p *Point, with key, dir string, carrier db.Carrier, say func(string, ...any)) (inner *Inner, in string, err error) {
	say("fetching    point %d, %s", p.Seq, megabytes(p.Data.Size))
	stream, err := with.fetch(ctx, store, p)
	if err != nil {
		var fault *ChainError
		if with.recovery == nil && errors.As(err, &fault) && fault.Fault == Altered && store.Scrub(ctx, []*Point{p}) == nil {
			err = fmt.Errorf("%w: the object at the target is the one that was signed, so the point key is another point's: name its own, whose number and site recovery open told: restore NUMBER --site ID; the key of point %d comes from its header: backup header %d, then recovery open", ErrKey, p.Seq, p.Seq)
		}
		return nil, "", notOpened(p, err)
	}
	defer stream.Close()
	in = filepath.Join(dir, "in")
	if err := os.Mkdir(in, 0o700); err != nil {
		return nil, "", merlon.Cannot("the folder to unpack into cannot be made: %v", err)
	}
	to := receive(ctx, carrier, dir)
	inner, err = unpackFolder(stream, in, to, func(inner *Inner) error { return inner.fits(to) })
	if errors.Is(err, merlon.ErrCannot) {
		return nil, "", err
	}
	if err != nil {
		return nil, "", notOpened(p, err)
	}
	if inner.Site != p.Site || inner.Seq != p.Seq || inner.Base != p.Base {
		return nil, "", notOpened(p, fmt.Errorf("it holds the data of point %d of the site %s: that was put in its place", inner.Seq, inner.Site))
	}
	return inner, in, nil
}

// An unfit point is one that is there and cannot be restored: another one may be.
type unfit struct {
	point *Point
	err   error
}

func (u *unfit) Error() string {
	return fmt.Sprintf("backup: point %d of %s cannot be restored: %v", u.point.Seq, u.point.Instant.UTC().Format("2006-01-02 15:04 MST"), u.err)
}

func (u *unfit) Unwrap() error { return u.err }

// notOpened names the point.
func notOpened(p *Point, err error) error { return &unfit{p, err} }

// proveCopy looks whether the database is whole and has the rows that it had when it was copied.
func proveCopy(ctx context.Context, site *merlon.Site, in *Inner, p *Point) error {
	if in.Name != site.Name() {
		return merlon.Refuse("point %d is of the site %q, and this is the program of %q: it would not know the data: use the other one", p.Seq, in.Name, site.Name())
	}
	proof, err := site.Prove(ctx)
	if err != nil {
		return notOpened(p, err)
	}
	switch {
	case len(proof.Problems) > 0:
		return notOpened(p, fmt.Errorf("the database in it is damaged, and was when it was copied: %s", proof.Problems[0]))
	case proof.ForeignKeys > 0:
		return notOpened(p, fmt.Errorf("%d rows in it refer to rows that are not there", proof.ForeignKeys))
	}
	for name, n := range in.Tables {
		if got, there := proof.Tables[name]; !there || got != n {
			return notOpened(p, fmt.Errorf("the table %s has %d rows, and had %d when it was copied", name, got, n))
		}
	}
	return nil
}

// discard removes the folder, unless it was committed.
func (f *fetched) discard() {
	if f.unlock != nil {
		f.unlock()
		f.unlock = nil
	}
	if f.path != "" {
		var err error
		if f.carrier != nil {
			ctx, cancel := context.WithTimeout(context.Background(), unloadTime)
			err = f.carrier.Unload(ctx, f.path)
			cancel()
		}
		if err == nil { // the folder names the database: while one is left the other is
			_ = os.RemoveAll(f.path)
		}
		f.path = "" // the next restore sweeps what is left
	}
}

// commit puts the folder in its place; an old one is kept beside it, and its new name returned. This is the moment at which
// the site is the restored one.
func (f *fetched) commit(ctx context.Context) (before string, err error) {
	if err := merlon.KeepMaintenance(f.dest, f.path); err != nil {
		return "", fmt.Errorf("backup: the mark that the site is closed to visitors: %w", err)
	}
	if f.live && f.carrier != nil { // the rename of the folder is the commit of the database too
		if err := f.carrier.Succeed(ctx, f.path, f.dest); err != nil {
			return "", merlon.Cannot("the restored database could not be put in place: %v\n  nothing is lost: the old data is there", err)
		}
	}
	if f.live { // what is written into the two folders after this is root's
		if err := giveLike(f.path, f.dest); err != nil {
			return "", merlon.Cannot("the restored data could not be given to the owner of the old data folder: %v\n  nothing is lost: the old data is there", err)
		}
	}
	if err := syncFolder(f.path); err != nil {
		return "", err
	}
	before = f.dest + ".before-restore-" + time.Now().UTC().Format("20060102T150405.000Z")
	_, err = os.Lstat(f.dest)
	had := err == nil
	if err := swap.Do(f.dest, f.path, before); err != nil {
		if swap.Announced(f.dest) { // what was fetched may be all that there is
			f.path = ""
			return "", merlon.Cannot("the restored data is not wholly in place: %v\n  both folders are kept: mend what is wrong and start the site, which goes on where this ended", err)
		}
		return "", merlon.Cannot("the restored data could not be put in place: %v\n  nothing is lost: the old data is there; a mount cannot be renamed: restore with --into a folder beside it", err)
	}
	f.path = ""
	for _, name := range []string{lockFile, scratchFile} { // held up to here, so that no sweep takes it for a dead one's
		_ = os.Remove(filepath.Join(f.dest, name)) // one that stays says nothing under this name
	}
	f.unlock()
	f.unlock = nil
	if !had {
		before = ""
	}
	return before, nil
}

// report prints what came of it.
func (f *fetched) report(c *merlon.Call, want placing, before string, took time.Duration) error {
	facts := map[string]any{"point": f.point.Seq, "instant": f.point.Instant, "data": want.path, "live": want.live, "before": before, "after_theft": f.restore.AfterTheft,
		"effective": f.point.Effective, "rows": f.rows(), "aside": f.aside, "compared": f.compared, "restored": f.result, "goes_on": f.reborn, "settings": f.setup, "uploads_missing": append([]string{}, f.missing...), "seconds": took.Seconds()}
	return c.Answer("merlon/restore/v1", "restore", facts, f.words(want, before, took))
}

// words prints what came of it for people.
func (f *fetched) words(want placing, before string, took time.Duration) func(out io.Writer) error {
	own := f.rows()
	return func(out io.Writer) error {
		if want.live {
			fmt.Fprintf(out, "site is back: %s", count(f.result.Users, "user"))
		} else {
			fmt.Fprintf(out, "restored into %s: %s", want.path, count(f.result.Users, "user"))
		}
		for i, t := range slices.Sorted(keysOf(own)) {
			if i == maxRowsTold {
				fmt.Fprint(out, " …")
				break
			}
			fmt.Fprintf(out, ", %s %d", t, own[t])
		}
		fmt.Fprintf(out, ". All sessions were ended, old links made void, %s held.\n", count(f.result.Of("mails held"), "mail"))
		for _, n := range f.result.Ended {
			if n.N > 0 {
				fmt.Fprintf(out, "  %6d  %s\n", n.N, n.What)
			}
		}
		if n := len(f.missing); n > 0 {
			fmt.Fprintf(out, "%s did not come back: their pages are without them; look in another point, by --into a folder of its own\n", count(n, "upload"))
		}
		if f.result.Of("mails held") > 0 {
			fmt.Fprintln(out, "held mails were perhaps sent before: mail list, then mail release")
		}
		if f.result.Of("jobs held") > 0 {
			fmt.Fprintln(out, "held jobs were perhaps done before: jobs list, then jobs release, or jobs drop")
		}
		for _, s := range f.result.Strangers {
			fmt.Fprintln(out, "not of this program's migrations: "+s)
		}
		f.compared.print(out, f.result.Powers)
		for _, s := range f.result.MayReturn {
			fmt.Fprintln(out, "may have come back: "+s)
		}
		if before != "" {
			fmt.Fprintf(out, "the data from before lies in %s; delete it when you need it no more\n", before)
		}
		f.tellServer(out)
		f.tellCourse(out)
		if want.live && !f.reborn {
			fmt.Fprintln(out, "backups begin anew: run backup init; the old points stay where they are")
		}
		_, err := fmt.Fprintf(out, "lost: what happened after %s. took %.0f s.\n", f.point.Instant.UTC().Format("2006-01-02 15:04:05 MST"), max(took.Seconds(), 1))
		return err
	}
}

// tellCourse tells by which settings backups go on, all of which came from somewhere.
func (f *fetched) tellCourse(out io.Writer) {
	if f.setup == nil {
		return
	}
	fmt.Fprintf(out, "backups go on to %s", f.setup.Target)
	for _, name := range sortedNames(f.setup.Options) {
		fmt.Fprintf(out, " %s=%s", name, f.setup.Options[name])
	}
	mail := f.setup.Mail
	if mail == "" {
		mail = "the address in the program, if it has one"
	}
	fmt.Fprintf(out, "; failures are told to %s", mail)
	if u, err := url.Parse(f.setup.Ping); err == nil && u.Host != "" { // the rest of it may be a secret
		fmt.Fprintf(out, "; of each drill that passed %s hears", u.Host)
	}
	fmt.Fprintln(out)
	if f.restore.AfterTheft {
		fmt.Fprintln(out, "look at each of these: they are the point's and yours, not those of the folder that was stolen; if one is a stranger's, take an older point")
	}
}

// maxRowsTold is how many of the site's own tables the report names.
const maxRowsTold = 8

// rows are how many rows the site's own tables have.
func (f *fetched) rows() map[string]int64 {
	own := map[string]int64{}
	for name, n := range f.inner.Tables {
		if !strings.HasPrefix(name, "merlon_") && !strings.HasPrefix(name, "goose_") {
			own[name] = n
		}
	}
	return own
}

func keysOf(m map[string]int64) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}
