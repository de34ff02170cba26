// Package backup keeps sealed points of a site elsewhere, and proves that they can be restored. A site lists [New] among its
// parts; `backup init` then names the place.
//
// A point is the database as it was at one instant, the site's keys and its settings: a tar, compressed, and sealed to a key
// that the owner has on paper and the server never had. Its record, the manifest, is signed; each names the key that signs
// the next, and the server forgets its own once it was used, so that who takes the server cannot alter what was made before.
// A point counts from the moment at which its manifest is at the target, and a kill at any moment leaves a whole chain.
//
// What it protects from: loss of the machine, a disk that lies, a thief who deletes or alters (as far as the target locks), a
// store that shows old or other objects, a backup that nobody can open. What it does not protect from: a thief who stays on
// the server sees all points from then on being made, and what is in the database at that time is readable there anyway; and
// nobody opens anything without the owner's key.
//
// The records and the order of the steps are described at [Manifest] and [Store.Chain]; the way to everything without Merlon
// is age -d | zstd -d | tar x.
package backup

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/merlon-web/merlon"
)

// Config is what a site's program says of its backups. The place is the owner's to name, by `backup init`.
type Config struct {
	// Schemes are the kinds of targets beside folders: s3.Scheme, sftp.Scheme. Each brings what it links.
	Schemes []Scheme
	// Mail is whom failures are told when init named nobody.
	Mail string
	// Every is how old the newest point may grow while something changes; zero: 15 minutes, at least one.
	Every time.Duration
}

// part is the part at work.
type part struct {
	cfg    Config
	house  *merlon.House
	runner *runner
	course courses
	began  atomic.Pointer[time.Time] // when the round that is under way began; nil: none is
	demo   atomic.Bool               // a chain of a demo is to begin,
	wake   chan struct{}             // and the schedule to look at once
	// drill rehearses the restore of the newest point, with the key that only this process has.
	drill func(context.Context, *merlon.House) error
	// use starts the site on what a drill has restored, and uses it.
	use func(ctx context.Context, h *merlon.House, e *Evidence, folder string, in *Inner, began time.Time) error
}

// New returns the part.
func New(c Config) merlon.Part {
	_, part := newPart(c)
	return part
}

func newPart(c Config) (*part, merlon.Part) {
	if c.Every == 0 {
		c.Every = 15 * time.Minute
	}
	c.Every = max(c.Every, time.Minute)
	p := &part{cfg: c, wake: make(chan struct{}, 1)}
	p.drill, p.use = p.nightly, p.boot
	return p, merlon.Part{Name: "backup", Rules: Rules(), Checks: p.checks(), Commands: p.commands(), Start: p.start, Ready: p.ready, Readiness: p.readiness, Gauges: gauges, TryCopies: p.tryCopies, Offers: (&rescue{p: p}).offer(),
		Tasks: []merlon.Task{{Name: "backup/points", Every: time.Minute, Run: p.round, Wake: p.wake}, {Name: "backup/watch", Every: time.Minute, Run: p.watch}}}
}

func (p *part) start(ctx context.Context, h *merlon.House) error {
	p.house, p.course.started = h, h.Clock()
	p.runner = &runner{house: h, home: homeOf(h.Data), schemes: p.cfg.Schemes}
	if h.Mode == merlon.Drill {
		return nil
	}
	own := located(h.Data)
	for _, dest := range []string{drillFolder(h.Data), own} { // plain copies of the data, of a drill or a restore that was killed
		if err := sweepScratch(ctx, h.Carrier(), own, dest); err != nil {
			h.Log.Warn("a copy of the data in the clear is left", "problem", err.Error()) // the next drill or restore tries again, and fails if it cannot: no reason to be down
		}
	}
	return nil
}

func (p *part) commands() []merlon.Command {
	return []merlon.Command{
		{Name: "backup init", Short: "begin backups at a place, and make the owner's key", Example: "--to file:///mnt/backup/site", Apart: true, Run: p.initialize, Flags: []merlon.Flag{
			{Name: "to", Usage: "the place: file:///…, s3://…, sftp://…", Required: true},
			{Name: "set", Usage: "settings of the place: name=value,name=value"},
			{Name: "kit", Usage: "write the recovery kit to this file instead of showing the key"},
			{Name: "mail", Usage: "whom failures are told to"},
			{Name: "ping", Usage: "an https address outside that is asked for after each drill that passed: a dead man's switch, whose watcher tells you when nothing comes"},
			{Name: "try", Usage: "only to try it out: the place may be this disk", Switch: true}}},
		{Name: "backup run", Short: "make a point now", Example: "--label \"before the move\"", Run: p.runCommand, Flags: []merlon.Flag{
			{Name: "label", Usage: "a word for the point; whoever runs the store can read it"}}},
		{Name: "backup list", Short: "the points that are there", Apart: true, Run: p.list},
		{Name: "backup verify", Short: "prove the chain, and read points back", Example: "--all", Run: p.verify, Flags: []merlon.Flag{
			{Name: "all", Usage: "read every point, not six of them", Switch: true},
			{Name: "proof", Usage: "the code that merlon recovery prove has printed"}}},
		p.headerCommand(),
		p.restoreCommand(),
		p.drillEntry(), p.childEntry(),
		{Name: "backup policy", Args: "KIND", Short: "what the owner applies at the store: s3", Example: "s3", Apart: true, Run: p.policy, Flags: []merlon.Flag{
			{Name: "to", Usage: "the place, before init has named it: s3://…"}}},
	}
}
