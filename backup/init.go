package backup

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/mailbox"
)

// initialize is `backup init`: it makes the owner's key, begins a chain at the target, and keeps on this machine what is
// needed to make points and nothing that opens one.
func (p *part) initialize(ctx context.Context, c *merlon.Call) error {
	a := c.Apart
	h := homeOf(a.Data)
	if _, err := ReadSetup(a.Data); !errors.Is(err, ErrNotSetUp) {
		return h.begun()
	}
	if c.Flag("mail") != "" {
		if _, err := mailbox.ParseAddress(c.Flag("mail")); err != nil {
			return merlon.Misused("--mail takes one address that failures are told to: %v", err)
		}
	}
	if c.Flag("ping") != "" {
		if err := parsePing(c.Flag("ping")); err != nil {
			return err
		}
	}
	setup := &Setup{Format: setupFormat, Created: stamp(time.Now()), Target: c.Flag("to"), Try: c.Flag("try") != "", Mail: c.Flag("mail"), Ping: c.Flag("ping")}
	var err error
	if setup.Options, err = optionsOf(c.Flag("set")); err != nil {
		return err
	}
	if err := kitSettings(setup.Options); err != nil {
		return merlon.Misused("%v", err)
	}
	t, err := OpenTarget(ctx, setup.Target, setup.Options, p.cfg.Schemes)
	if err != nil {
		if errors.Is(err, ErrAddress) {
			return merlon.Misused("%v", err)
		}
		return merlon.Cannot("%v", err)
	}
	defer t.Close()
	setup.Target = t.String()
	if SameDisk(t, a.Data) && !setup.Try {
		return merlon.Refuse("%s lies on the same disk as %s\n  one broken disk, or one thief, takes both\n  name a place on another machine or disk; to try it out all the same: --try", t, a.Data)
	}
	store, kit, err := prepare(ctx, h, t, setup, a.Site.Name())
	if err != nil {
		return err
	}
	if err := p.showKey(ctx, c, kit); err != nil {
		return err
	}
	recovery := kit.recovery
	heard := ""
	if setup.Ping != "" {
		heard = "ping           answers: it is asked for after each drill that passed"
		if err := pingOnce(ctx, setup.Ping); err != nil {
			heard = "ping           WARN: " + strings.TrimPrefix(err.Error(), "backup: ") + ": it is kept, and tried after each drill that passed"
		}
	}
	if err := begin(ctx, h, store, setup, recovery, time.Time{}); err != nil {
		return err
	}
	return c.Answer("merlon/backup-init/v1", "backup", map[string]any{"site": setup.Site, "target": setup.Target, "try": setup.Try, "recovery": Fingerprint(recovery.Recipient()),
		"root": Fingerprint(string(setup.T)), "genesis": setup.Genesis, "probes": setup.Probes}, func(out io.Writer) error {
		fmt.Fprintf(out, "site           %s\ntarget         %s\nfingerprint    %s\n", setup.Site, setup.Target, Fingerprint(recovery.Recipient()))
		printProbes(out, setup.Probes)
		if heard != "" {
			fmt.Fprintln(out, heard)
		}
		_, err := fmt.Fprintf(out, "schedule       every %g minutes while the site runs, if something changed; a drill every night, from %02d:00 UTC on\nnext           backup run\n", p.cfg.Every.Minutes(), drillHour)
		return err
	})
}

// begun refuses a second chain.
func (h home) begun() error {
	return merlon.Refuse("this site has backups already, in %s: a second init would begin a chain that the old key does not open: move that folder away first if you mean it", h.dir)
}

// prepare tries a place out, chooses the site's id there, and makes the owner's key. No chain is begun yet.
func prepare(ctx context.Context, h home, t Target, setup *Setup, title string) (store *Store, kit *Kit, err error) {
	if setup.Site, err = h.chosenSite(); err != nil {
		return nil, nil, merlon.Cannot("%v", err)
	}
	store = &Store{target: t, site: setup.Site}
	if setup.Probes, err = probe(ctx, store, time.Now()); err != nil {
		return nil, nil, merlon.Cannot("the target could not be tried: %v", err)
	}
	for _, one := range setup.Probes {
		if one.Need && !one.OK {
			return nil, nil, merlon.Cannot("%s cannot hold backups: %s: %s: %s", t, one.Name, one.Said, one.Mean)
		}
	}
	recovery, err := NewRecovery()
	if err != nil {
		return nil, nil, err
	}
	return store, &Kit{Title: title, Site: setup.Site, Target: setup.Target, Options: setup.Options, Made: setup.Created, recovery: recovery}, nil
}

// showKey shows the recovery key once, and goes on only when its end was typed back: then it was at least looked at. With a
// kit in a file nothing is shown.
func (p *part) showKey(ctx context.Context, c *merlon.Call, kit *Kit) error {
	a := c.Apart
	if path := c.Flag("kit"); path != "" {
		if inside(a.Data, path) {
			return merlon.Refuse("the kit is not written to %s: who takes the data folder would have the key beside it\n  write it to a medium that leaves this machine, print it, and delete it", path)
		}
		if besidePoints(kit.Target, path) {
			return merlon.Refuse("the kit is not written to %s: who takes the points there would have the key beside them\n  write it to a medium that leaves this machine, print it, and delete it", path)
		}
		if err := kit.write(path); err != nil {
			return err
		}
		page, text := kitFiles(path)
		fmt.Fprintf(a.Err, "kit            %s and %s: print it twice, take it away from this machine, delete the files\n", page, text)
		return nil
	}
	if !a.Terminal {
		return merlon.Cannot("nobody is here to read the recovery key: it is shown once, on a terminal, or written with --kit FILE.html")
	}
	key := kit.recovery.Reveal()
	fmt.Fprintf(a.Err, "recovery key   (%d characters)   shown once: write it down or print it, keep it away from this machine\n\n  %s\n\nsite           %s\ntarget         %s\n%s\n",
		len(key), groups(key, 8), kit.Site, kit.Target, strings.ReplaceAll(kit.settings(), "setting   ", "setting        "))
	for try := 0; ; try++ {
		said, err := a.Ask(ctx, "type the last four characters of the key to go on", false)
		if err != nil {
			return err
		}
		if strings.EqualFold(strings.TrimSpace(said), key[len(key)-4:]) {
			return nil
		}
		if try == 2 {
			return merlon.Refuse("these are not its last four characters\n  without the key no point could ever be opened, so nothing was begun\n  run backup init again: it makes another key")
		}
		fmt.Fprintln(a.Err, "these are not its last four characters")
	}
}

// begin puts the records that begin a chain, and keeps the settings last: only with them the site has backups. A day's drill
// counts as tried at drilled; the zero time: none was.
func begin(ctx context.Context, h home, store *Store, setup *Setup, recovery *Recovery, drilled time.Time) error {
	unlock, err := h.lock() // of two that begin at once one does
	if err != nil {
		return merlon.Cannot("%v", err)
	}
	defer unlock()
	if _, err := ReadSetup(filepath.Dir(h.dir)); !errors.Is(err, ErrNotSetUp) {
		return h.begun()
	}
	first, err := newSigner()
	if err != nil {
		return err
	}
	keys := &signers{Format: signersFormat, Seq: 1, Current: first}
	g := &Genesis{Format: formatName, Kind: "genesis", Site: setup.Site, Created: setup.Created, R: []string{recovery.Recipient()}, T: recovery.Root(),
		K: publicKey(ed25519.NewKeyFromSeed(first).Public().(ed25519.PublicKey))}
	g.sign(recovery.root)
	setup.R, setup.T, setup.Genesis = g.R, g.T, hashOf(g.unsigned())
	now, err := store.target.Now(ctx)
	if err != nil {
		return merlon.Cannot("%v", err)
	}
	until := now.Add(Monthly.Keep())
	if err := putRecord(ctx, store, formatObject, []byte(formatName+"\n"), until); err != nil {
		return merlon.Cannot("%v", err)
	}
	if err := putRecord(ctx, store, genesisName, encode(g), until); err != nil {
		if errors.Is(err, ErrExists) { // an init that was cut off; its key may be on paper, and opens nothing
			_ = os.Remove(h.path(siteFile))
			return merlon.Cannot("a chain %s was begun there before and not finished: run backup init again: it begins another one, with another key", setup.Site)
		}
		return merlon.Cannot("%v", err)
	}
	if err := h.write(signersFile, keys); err != nil {
		return err
	}
	if err := h.write(stateFile, &state{Format: stateFormat, Branch: 1, Hash: setup.Genesis, DrillAt: drilled, Probed: now, Probes: setup.Probes}); err != nil {
		return err
	}
	if err := h.write(settingsFile, setup); err != nil {
		return err
	}
	_ = os.Remove(h.path(siteFile))
	return nil
}

func newSite() string {
	id := make([]byte, 8)
	rand.Read(id)
	return hex.EncodeToString(id)
}

// optionsOf reads "name=value,name=value".
func optionsOf(text string) (Settings, error) {
	if text == "" {
		return nil, nil
	}
	set := Settings{}
	for one := range strings.SplitSeq(text, ",") {
		name, value, ok := strings.Cut(one, "=")
		if !ok || name == "" {
			return nil, merlon.Misused("--set takes settings of the target: name=value,name=value: %q is none", one)
		}
		set[name] = value
	}
	return set, nil
}

func printProbes(out io.Writer, all []Probe) {
	for _, p := range all {
		word := "PASS"
		if !p.OK {
			word = "WARN"
		}
		fmt.Fprintf(out, "%s           %s: %s\n", word, p.Name, p.Said)
		if p.Mean != "" {
			fmt.Fprintf(out, "               %s\n", p.Mean)
		}
	}
}
