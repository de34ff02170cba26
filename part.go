package merlon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/event"
	"github.com/merlon-web/merlon/keyring"
	"github.com/merlon-web/merlon/mailbox"
	"github.com/merlon-web/merlon/outbound/file"
	"github.com/merlon-web/merlon/page"
	"github.com/merlon-web/merlon/session"
	"github.com/merlon-web/merlon/static"
	"github.com/merlon-web/merlon/throttle"
)

// A Part is a room that brings routes of its own: accounts, passkeys, the owner's pages.
type Part struct {
	Name   constant
	Routes []Route
	Checks []check.Check
	// CodeChecks makes checks of the code of the site that lists the part, which hold without data: [New] hands it the statements of
	// the site's own schema, in the order of declaration; none without one.
	CodeChecks func(own []db.Declared) []check.Check
	Rules      []check.Rule // what explain knows of it
	Schema     *db.Schema
	Pages      *page.Files
	// Over are page files that stand in the place of other parts' files of the same name, as Config.Pages does, which comes
	// first: room passkey puts its button on the sign-in page by it, so that a site without the room loads no script.
	Over     *page.Files
	Static   *static.Files
	Tasks    []Task
	Jobs     []AnyKind
	Commands []Command

	// Offers is what the part has for another one of the site, which finds it by its type with [Offers]: room passkey offers
	// account a way to sign in.
	Offers any

	// Needs is the name of another part, without which this one is nothing: a site that lacks it does not start.
	Needs constant

	// Role is one that the part has by itself, asked for by a route or not, the administrator's: pages may name it.
	Role constant

	// SignIn is the path of the page that [ErrSignIn] and [ErrAgain] lead to; one part of a site has it.
	SignIn constant
	// Start is called once by [Site.Start], with the database open and the keys read, before the first request.
	Start func(context.Context, *House) error
	// Stop is called once by [Site.Close], when jobs and tasks have ended, or had their time, and the database is still open; the parts
	// stop in the reverse of their order. The context ends with that of Close, or in five seconds when that is over already.
	// A part whose Start failed is not stopped; those that were started before it are. Its error is one of Close's.
	Stop func(context.Context, *House) error
	// Ready is called when the site begins to listen; what it returns is printed by serve below the address, each line a
	// name and a text.
	Ready func(context.Context, *House) ([][2]string, error)
	// Demo fills in data to try the site with; `serve --demo` calls it. It returns lines as Ready does, and does nothing and
	// returns none where there is data already. See [House.Demo].
	Demo func(context.Context, *House) ([][2]string, error)
	// Restored is called on data that came from a backup, in the one transaction that makes it fit for use, before anything
	// else uses it, also before Start: the part voids what a copy must not bring back. See [Restore].
	Restored func(*db.Writer, Restore) error
	// Powers lists who may decide something at the site, and by what they enter beside a password: one line each, the same
	// for the same, without secrets. After a theft the lines of what was restored are told and held against those of an
	// older point. It reads only.
	Powers func(db.Querier) ([]string, error)
	// Named says who a user is, for lists that the operator reads: "Ann <ann@example.org>", "" for one that is no more.
	Named func(from db.Querier, user int64) (string, error)
	// Probe makes the users that a drill signs in; nil: the part signs nobody in.
	Probe *Probe
	// Approaches lead the attacker of a site to pages of the part's to which no link leads.
	Approaches []Approach
	// TryCopies lets the attacker of a site try its backups, in mode [Drill] alone: copies go to the folder place, and open puts
	// the site together for a data folder, as [Apart.Open] does. Nil: the part makes none.
	TryCopies func(ctx context.Context, h *House, place string, open func(data string, mode Mode) (*Site, error)) (*CopyTrial, error)
	// Readiness tells what an owner should know of a site that is otherwise ready: lines of one sentence each, none when all
	// is well. They stand on the page that a load balancer asks and never change its status.
	Readiness func(context.Context, *House) []string
	// Watch is told of each request and each event: see [Watcher].
	Watch Watcher
	// Gauges tells how the part is now: see [House.Gauges]. It must not take long.
	Gauges func(context.Context, *House) ([]Gauge, error)
	// Health are pages of the listener of /healthz.
	Health []HealthPage
}

// A Task is the house's own upkeep, in memory: nothing of it is kept, and each process has its own. What a site does later,
// or once for all processes, is a [Job]. A Task runs again and again while the site is up, one at a time, and once more
// when it closes if Last is set; without Every or Wake it runs then alone.
type Task struct {
	Name  constant
	Every time.Duration
	Last  bool
	Run   func(context.Context, *House) error
	Wake  <-chan struct{} // whatever comes there runs it at once; nil: only the time does. It is not closed
}

// A House is what the site hands to its parts: the lower rooms, ready to use. It is safe for concurrent use.
type House struct {
	Name     string
	Title    string
	Mode     Mode
	Data     string
	Clock    func() time.Time
	Log      *slog.Logger
	Engine   db.Engine
	Keys     *keyring.Ring
	Limits   *throttle.Limiter
	Sessions *session.Manager
	Mails    *mailbox.Box
	Files    *file.Store // the uploads

	site *Site
}

// Shared is [Site.Shared].
func (h *House) Shared() bool { return h.site.Shared() }

// Replicas tells how each replica of the database is; none: there are none.
func (h *House) Replicas() []db.Replica {
	if e, ok := h.site.cfg.Engine.(db.Replicated); ok {
		return e.Replicas()
	}
	return nil
}

// Carrier is [Site.Carrier].
func (h *House) Carrier() db.Carrier { return h.site.Carrier() }

// Streamer returns what reads the database as it stands; nil: it is copied to be read.
func (h *House) Streamer() db.Streamer {
	s, _ := h.site.cfg.Engine.(db.Streamer)
	return s
}

// RowSummer is the site's engine if it can tell which rows have changed, nil if it cannot. It is for what attacks a copy.
func (h *House) RowSummer() db.RowSummer {
	s, _ := h.site.cfg.Engine.(db.RowSummer)
	return s
}

// Demo reports whether the data are such that Demo of a part filled in, now or before, and `serve --demo` is what runs.
func (h *House) Demo() bool { return h.site.demo.Load() }

// Lang returns the language in which the site writes to people whose request it does not have, as a BCP 47 tag.
func (h *House) Lang() string { return h.site.lang }

// Recorder takes the events of what is done outside of a request, by a command: they are kept and logged as all others. It
// serves [event.With].
func (h *House) Recorder() event.Recorder {
	return event.RecorderFunc(func(_ context.Context, e event.Event) {
		if e.Time.IsZero() {
			e.Time = h.Clock()
		}
		if run := h.site.running.Load(); run != nil {
			run.record(e)
		}
	})
}

// Rules returns what `explain` knows of this site: the rules of the rooms and of its parts.
func (h *House) Rules() []check.Rule {
	all := AllRules()
	for _, p := range h.site.cfg.Parts {
		all = append(all, p.Rules...)
	}
	return all
}

// Needs returns the names of the needs of the routes' access rules, each once, sorted: "role board", "recent sign-in".
func (h *House) Needs() []string {
	names := map[string]bool{}
	for _, rt := range h.site.routes {
		if rt.access != nil {
			for _, n := range rt.access.needs {
				names[n.name] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// Langs returns the languages that the site answers in: one, or those of its texts.
func (h *House) Langs() []string {
	if !h.site.several {
		return []string{h.site.lang}
	}
	return h.site.words.Langs()
}

// Offers returns what the parts of the site offer of one type, in their order.
func Offers[T any](h *House) (found []T) {
	for _, p := range h.site.cfg.Parts {
		if o, ok := p.Offers.(T); ok {
			found = append(found, o)
		}
	}
	return found
}

// Routes returns the access table of the site, as [Site.Routes] does.
func (h *House) Routes() []RouteInfo { return h.site.Routes() }

// Check runs every check of the site, as [Site.Check] does.
func (h *House) Check(ctx context.Context) check.Report { return h.site.Check(ctx) }

// URL returns the absolute address of a path of this site, from the settings, never from a request.
func (h *House) URL(path string) string { return h.site.Origin() + path }

// startParts starts the parts in their order; when one fails those before it are stopped again.
func (s *Site) startParts(ctx context.Context, h *House) error {
	for i, p := range s.cfg.Parts {
		if p.Start == nil {
			continue
		}
		if err := p.Start(ctx, h); err != nil {
			return errors.Join(fmt.Errorf("merlon: part %s: %w", p.Name, err), stopParts(ctx, s.cfg.Parts[:i], h))
		}
	}
	return nil
}

// stopTime is how long parts may take to stop when the time of whoever closes the site is over.
const stopTime = 5 * time.Second

// stopParts stops the parts, the last first. One that fails or panics does not keep the others from it.
func stopParts(ctx context.Context, parts []Part, h *House) (all error) {
	if ctx.Err() != nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), stopTime)
		defer cancel()
	}
	for _, p := range slices.Backward(parts) {
		if p.Stop == nil {
			continue
		}
		if err := p.stop(ctx, h); err != nil {
			all = errors.Join(all, fmt.Errorf("merlon: part %s: stop: %w", p.Name, err))
		}
	}
	return all
}

func (p Part) stop(ctx context.Context, h *House) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	return p.Stop(ctx, h)
}
