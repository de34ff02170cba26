package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"filippo.io/age"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/db"
)

// The flags of commands that need no site.
var (
	receiptFlag = merlon.Flag{Name: "receipt", Usage: "a point that you know of, or a file with the site's last mail about backups: what is older here is refused"}
	fromFlag    = merlon.Flag{Name: "from", Usage: "the address in the kit, if the settings are gone"}
	siteFlag    = merlon.Flag{Name: "site", Usage: "the id of the site, where several have backups at the place: it stands in the kit"}
)

// restoreCommand is `restore`.
func (p *part) restoreCommand() merlon.Command {
	return merlon.Command{Name: "restore", Args: "[POINT]", Short: "get the site back from a backup: a point's number, or latest, which is meant if none is named", Example: "latest --live --confirm-site shop", Apart: true, Anew: true, Run: p.restore,
		Flags: []merlon.Flag{
			{Name: "at", Usage: "the newest point that is not younger than this time: 2026-11-24T12:40Z"},
			{Name: "into", Usage: "put it into this folder, which must not be there yet; without it and --live: DATA.restored-TIME, beside the data folder"},
			{Name: "live", Usage: "put it in the place of the data folder; the old one is kept beside it", Switch: true},
			{Name: "confirm-site", Usage: "the site's name, with --live"},
			{Name: "after-theft", Usage: "the data was stolen: void every password, app and mail", Switch: true},
			{Name: "compare", Usage: "with --after-theft: an older point whose administrators and passkeys are held against those of this one"},
			receiptFlag,
			{Name: "key-file", Usage: "a file with the kit's text, page or code, the recovery key, or a point key; without it the key is asked for"},
			{Name: "key-fd", Usage: "the number of an open file to read the key from"},
			fromFlag, siteFlag,
			{Name: "set", Usage: "settings of the place: name=value,name=value; they go before those in the data folder and in the kit, name= leaves one out"}}}
}

// A key is what the owner opens points with.
type key struct {
	id       age.Identity
	more     []age.Identity // further point keys
	recovery *Recovery      // nil: it opens one point only
	target   string         // "": it did not come with the kit
	site     string
	options  Settings // of that target
}

// fetch opens a point with the one of the keys that fits it.
func (k key) fetch(ctx context.Context, store *Store, p *Point) (stream io.ReadCloser, err error) {
	for _, id := range append([]age.Identity{k.id}, k.more...) {
		if stream, err = store.Fetch(ctx, p, id); !asChainError(err) { // a key of another point tells as an altered object does
			break
		}
	}
	return stream, err
}

// maxKey bounds the file that a key is read from, in bytes.
const maxKey = 64 << 10

// parseKey reads a recovery key, alone or in the kit, or point keys, one or one after the other.
func parseKey(text string) (key, error) {
	if strings.Contains(strings.Join(strings.Fields(strings.ToUpper(text)), ""), recoveryPrefix) {
		kit, err := ParseKit(text)
		if err != nil {
			return key{}, err
		}
		return key{id: kit.recovery.Identity(), recovery: kit.recovery, target: kit.Target, site: kit.Site, options: kit.Options}, nil
	}
	all, err := pointKeys(text)
	if err != nil {
		return key{}, fmt.Errorf("this is neither a recovery key, which begins with %s, nor a point key: %w", recoveryPrefix, err)
	}
	return key{id: all[0], more: all[1:]}, nil
}

// typedKey is parseKey for what the owner of a command gave.
func typedKey(text string) (key, error) {
	k, err := parseKey(text)
	if err != nil {
		return key{}, merlon.Misused("%v", err)
	}
	return k, nil
}

// readKey reads the key from where the command says, else asks for it. It is never an argument: those are in the list of
// processes and in the shell's history.
func readKey(ctx context.Context, c *merlon.Call) (key, error) {
	var from io.ReadCloser
	switch file, fd := c.Flag("key-file"), c.Flag("key-fd"); {
	case file != "" && fd != "":
		return key{}, merlon.Misused("--key-file and --key-fd are both given: the key comes from one of them: choose")
	case file != "":
		f, err := os.Open(file)
		if err != nil {
			return key{}, merlon.Cannot("the key's file cannot be read: %v", err)
		}
		from = f
	case fd != "":
		n, err := strconv.ParseUint(fd, 10, 16)
		if err != nil {
			return key{}, merlon.Misused("--key-fd takes the number of an open file: %q is none", fd)
		}
		from = os.NewFile(uintptr(n), "key")
		if from == (*os.File)(nil) {
			return key{}, merlon.Cannot("no file is open as number %d", n)
		}
	default:
		text, err := c.Apart.Ask(ctx, "recovery key, or the point key", true)
		if err != nil {
			return key{}, err
		}
		return typedKey(text)
	}
	defer from.Close()
	text, err := io.ReadAll(io.LimitReader(from, maxKey))
	if err != nil {
		return key{}, merlon.Cannot("the key cannot be read: %v", err)
	}
	return typedKey(string(text))
}

// ableToRestore refuses on systems on which the last step would fail, before anything is fetched.
func ableToRestore() error {
	if !restores {
		return merlon.Cannot("this program does not restore on this system (%s)\n  restore on Linux or another Unix; or open the point by hand: age -d | zstd -d | tar x, see docs/backups.md", runtime.GOOS)
	}
	return nil
}

// restore is `restore`: everything that can be refused is refused before anything is fetched.
func (p *part) restore(ctx context.Context, c *merlon.Call) error {
	began := time.Now()
	a := c.Apart
	if err := ableToRestore(); err != nil {
		return err
	}
	asked, err := askedFor(c)
	if err != nil {
		return err
	}
	want, err := p.place(c)
	if err != nil {
		return err
	}
	release := func() error { return nil }
	if want.live {
		release, err = a.Site.Hold()
		if errors.Is(err, db.ErrLocked) {
			return merlon.Cannot("%v\n  the site is running, and its data would change under it\n  stop it, then restore again", err)
		}
		if err != nil {
			return merlon.Cannot("the data folder cannot be held: %v", err)
		}
		defer func() { _ = release() }()
	}
	if err := p.lacks(ctx, c, asked); err != nil {
		return err
	}
	k, err := readKey(ctx, c)
	if err != nil {
		return err
	}
	store, options, known, err := p.openFor(ctx, c, k)
	if err != nil {
		return err
	}
	defer store.target.Close()
	chosen, err := choose(ctx, c, asked, store, known)
	if err != nil {
		return err
	}
	if !chosen.last {
		fmt.Fprintf(a.Err, "restoring   point %d of %s\n", chosen.point.Seq, chosen.point.told())
	}
	f, err := p.fetch(ctx, fetching{store: store, options: options, point: chosen.point, key: k, data: a.Data, dest: want.path, live: want.live, carrier: a.Site.Carrier(), open: a.Open, say: func(format string, args ...any) { fmt.Fprintf(a.Err, format+"\n", args...) },
		restore: merlon.Restore{Now: time.Now(), AfterTheft: c.Flag("after-theft") != "", Who: "command"}})
	if err != nil {
		return chosen.instead(ctx, err)
	}
	defer f.discard()
	if chosen.older != nil {
		if err := f.compareWith(ctx, chosen.older); err != nil {
			return err
		}
	}
	if want.live {
		if err := f.goOn(ctx, a.Data); err != nil {
			fmt.Fprintf(a.Err, "WARN    backups do not go on by themselves: %v: run backup init when the site is back\n", err)
		}
	}
	before, err := f.commit(ctx)
	if err != nil {
		return err
	}
	_ = release() // whoever renames a database must be the only one in it
	if err := f.settle(ctx); err != nil {
		fmt.Fprintf(a.Err, "WARN    the restored database keeps its own name so far: %v: the next start gives it the name in the settings\n", err)
	}
	if f.reborn {
		if err := f.announceBirth(ctx); err != nil {
			do := "the next backup run puts it"
			if errors.Is(err, ErrForked) {
				do = "the site is back, and makes no backups until that is done"
			}
			fmt.Fprintf(a.Err, "WARN    the chain's new branch could not be put: %v: %s\n", err, do)
		}
	}
	return f.report(c, want, before, time.Since(began))
}

// A placing says where the restored data goes.
type placing struct {
	path string
	live bool
}

func (p *part) place(c *merlon.Call) (placing, error) {
	a := c.Apart
	name := a.Site.Name()
	if name == "" {
		name = "site"
	}
	live, into := c.Flag("live") != "", c.Flag("into")
	switch {
	case live && into != "":
		return placing{}, merlon.Misused("--live and --into are both given: the data goes to one place: choose")
	case live && c.Flag("confirm-site") != "" && c.Flag("confirm-site") != name:
		return placing{}, merlon.Refuse("nothing was restored\n  --confirm-site says %.40q, and the site of this program is %q\n  see that this is the machine and the folder that you mean, then: --confirm-site %s", c.Flag("confirm-site"), name, name)
	case live && c.Flag("confirm-site") != name:
		return placing{}, merlon.Refuse("nothing was restored\n  with --live the data folder %s is put aside, and what happened since the point is lost\n  name the site to go on: --confirm-site %s", a.Data, name)
	case live:
		return placing{filepath.Clean(a.Data), true}, nil
	case into == "":
		into = filepath.Clean(a.Data) + ".restored-" + time.Now().UTC().Format("20060102T150405Z")
	}
	into = filepath.Clean(into)
	if _, err := os.Lstat(into); !errors.Is(err, os.ErrNotExist) {
		return placing{}, merlon.Refuse("%s is there already: nothing is written over: name another folder, or give --live", into)
	}
	if err := os.MkdirAll(filepath.Dir(into), 0o700); err != nil {
		return placing{}, merlon.Cannot("the folder cannot be made: %v", err)
	}
	return placing{path: into}, nil
}

// openFor opens the chain that --site names, or the kit, or that the key began, or that of the settings of the data folder; and returns
// the settings of the place that the owner named, by --set or with the kit. A point that the site knew of is known too. Where the key
// began another chain than that of the settings, they are those of another chain: only how the place is reached is taken from them.
func (p *part) openFor(ctx context.Context, c *merlon.Call, k key) (_ *Store, named Settings, known *Receipt, err error) {
	address, site, root := c.Flag("from"), k.site, PublicKey("")
	given, err := optionsOf(c.Flag("set"))
	if err != nil {
		return nil, nil, nil, err
	}
	if want := c.Flag("site"); want != "" {
		if k.site != "" && k.site != want {
			fmt.Fprintf(c.Apart.Err, "WARN    the site %s is used, as --site says; the kit is that of %s\n", want, k.site)
		}
		site = want
	}
	var own Settings
	setup, err := ReadSetup(c.Apart.Data)
	if err != nil && !errors.Is(err, ErrNotSetUp) {
		fmt.Fprintf(c.Apart.Err, "WARN    %v: the settings are not used\n", err)
	}
	if setup != nil {
		ours := k.recovery == nil || k.recovery.Root() == setup.T
		if address == "" && !ours {
			address = k.target
		}
		if address == "" || address == setup.Target {
			address, own = setup.Target, Settings{}.over(setup.Options)
			if ours && (site == "" || site == setup.Site) {
				site, root = setup.Site, setup.T
				if s, err := homeOf(c.Apart.Data).readState(); err == nil {
					known = s.newest()
				}
			}
		}
	}
	if address == "" {
		address = k.target
	}
	if address == "" {
		if address, err = c.Apart.Ask(ctx, "address of the backups, as it stands in the kit", false); err != nil {
			return nil, nil, nil, fmt.Errorf("%w\n  the address can be given by --from", err)
		}
	}
	set := k.with(address, given, own)
	set.tell(c.Apart.Err, k)
	if k.recovery != nil {
		root = k.recovery.Root()
	}
	store, err := p.openStore(ctx, address, set.options, site, k.recovery)
	if err != nil {
		return nil, nil, nil, set.explain(err)
	}
	store.Trust(root)
	if setup != nil && setup.Site != store.site {
		fmt.Fprintf(c.Apart.Err, "WARN    this site makes its backups as %s; what is restored is the chain of %s\n", setup.Site, store.site)
		if k.recovery != nil && c.Flag("live") != "" {
			fmt.Fprintln(c.Apart.Err, "WARN    backups then go on in that chain, sealed to the key that was given: if a stranger may have it, move data/backup away once the site is back, and run backup init again")
		}
	}
	if root == "" {
		fmt.Fprintln(c.Apart.Err, "WARN    a point key cannot tell who began the chain: compare the point's number and time with the mail of your last backup")
	}
	return store, set.named, known, nil
}

func (p *part) openStore(ctx context.Context, address string, options Settings, site string, r *Recovery) (*Store, error) {
	t, err := OpenTarget(ctx, address, options, p.cfg.Schemes)
	if err != nil {
		if errors.Is(err, ErrAddress) {
			return nil, merlon.Misused("%v", err)
		}
		return nil, commandError(ctx, untouched(err))
	}
	store, err := openOwned(ctx, t, site, r)
	if err != nil {
		return nil, errors.Join(commandError(ctx, untouched(err)), t.Close())
	}
	return store, nil
}

// A choice of points.
type choice struct {
	point  *Point // what is restored
	last   bool   // it is the newest of all
	older  *Point // what it is compared with, nil: nothing
	before *Point // the next older one that is proven, nil: there is none
}

// instead adds to what keeps the chosen point from being restored which one to take. What is not the point's fault would keep an
// older one from it too.
func (to choice) instead(ctx context.Context, err error) error {
	var bad *unfit
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("nothing was restored: %w", context.Cause(ctx))
	case errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT):
		return merlon.Cannot("%v\n  nothing was restored: the disk is full: make room, or name a folder on another one with --into, then restore again", err)
	case errors.Is(err, ErrKey) || errors.Is(err, ErrUnreachable) || errors.Is(err, ErrDenied) || to.before == nil || !errors.As(err, &bad):
		return err
	}
	return fmt.Errorf("%w\n  nothing was restored: take an older one: restore %d, which is of %s", err, to.before.Seq, to.before.told())
}

// choose finds the point, and with --compare the older one. Faults of the chain elsewhere are told and take nothing from the
// points that are proven; a point that the owner knows of by --receipt must be there.
func choose(ctx context.Context, c *merlon.Call, asked asked, store *Store, known *Receipt) (to choice, err error) {
	if asked.receipt != nil {
		known = asked.receipt
	}
	points, err := store.Chain(ctx, known)
	var faults ChainErrors
	var place *TargetError
	switch {
	case errors.Is(err, ErrNotFound) && !errors.As(err, &place):
		return to, nowhere(ctx, store)
	case err != nil && !errors.As(err, &faults):
		return to, commandError(ctx, untouched(err))
	}
	to.point, err = asked.point.in(points)
	if errors.Is(err, errNoPoint) && (asked.receipt == nil || meets(faults, *asked.receipt) == nil) {
		return to, unproven(store, faults)
	}
	for _, f := range faults {
		fmt.Fprintf(c.Apart.Err, "WARN    %v\n", f)
	}
	if asked.receipt != nil {
		if err := meets(faults, *asked.receipt); err != nil {
			return to, err
		}
	}
	if err != nil {
		return to, errors.Join(err, faults.err())
	}
	if asked.older != nil {
		if to.older, err = asked.older.in(points); err != nil {
			return to, err
		}
		if to.older.Seq >= to.point.Seq {
			return to, merlon.Misused("--compare takes a point that is older than the one that is restored: %d is not older than %d", to.older.Seq, to.point.Seq)
		}
	}
	for _, one := range points {
		if one.Seq < to.point.Seq && !one.Abandoned {
			to.before = one
		}
	}
	newest := points[len(points)-1]
	fmt.Fprintf(c.Apart.Err, "newest here is point %d of %s\n", newest.Seq, newest.told())
	to.last = to.point == newest
	return to, nil
}
