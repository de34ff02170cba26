package journal

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/event"
	"github.com/merlon-web/merlon/internal/network"
)

// Refusals counts equal refusals, those of the same id, network (IPv4 /24, IPv6 /48) and route, in one row a minute: a flood
// of refusals is no flood of writes. It is safe for concurrent use.
//
// It holds a bounded number of rows for the minute; beyond that only ids are told apart, the rest is "other". What was added
// and not flushed is lost when the process dies: the log has it.
type Refusals struct {
	clock func() time.Time
	max   int

	mu     sync.Mutex
	minute int64 // of the rows, unix minutes
	rows   map[refusalKey]*refusal
	past   []counted // of minutes before, until the next Flush
	lost   uint64
}

type refusalKey struct {
	id      string
	network netip.Prefix
	route   string
	method  string
}

type refusal struct {
	property, title string
	count           int64 // since the last Flush
	first, last     int64 // unix microseconds
}

type counted struct {
	minute int64
	key    refusalKey
	refusal
}

// Other is the network and route of refusals that found no row of their own.
const Other = "other"

// Bounds of the rows: of one minute, and of all that wait to be flushed.
const (
	maxRefusals = 512
	maxIDs      = 256 // overflow rows: ids are rules of the program, but a mistake must not fill the memory
	maxPast     = 8 * (maxRefusals + maxIDs)
)

// NewRefusals returns an empty counter. clock is the site's; it must not be nil.
func NewRefusals(clock func() time.Time) *Refusals {
	return &Refusals{clock: clock, max: maxRefusals, rows: map[refusalKey]*refusal{}}
}

// Add counts a refusal. It never blocks on the database and does not allocate for a refusal that it knows.
func (c *Refusals) Add(e event.Event) {
	key := refusalKey{id: e.ID, network: network.Place(e.Client), route: e.Route}
	if e.Route != "" {
		key.method = e.Method // before routing the method is the visitor's own invention
	}
	now := c.clock().UnixMicro()
	minute := now / int64(time.Minute/time.Microsecond)

	c.mu.Lock()
	defer c.mu.Unlock()
	if minute != c.minute {
		c.turn(minute)
	}
	r := c.rows[key]
	if r == nil {
		if r = c.make(key, e); r == nil {
			c.lost++
			return
		}
	}
	if r.count == 0 {
		r.first = now
	}
	r.count++
	r.last = now
}

// make adds a row for key, or takes the overflow row of its id.
func (c *Refusals) make(key refusalKey, e event.Event) *refusal {
	if len(c.rows) >= c.max {
		key = refusalKey{id: e.ID, route: Other}
		if r := c.rows[key]; r != nil {
			return r
		}
		if len(c.rows) >= c.max+maxIDs {
			return nil
		}
	}
	r := &refusal{property: e.Property.String(), title: e.Title}
	c.rows[key] = r
	return r
}

// turn begins a new minute and keeps the counts of the old one for Flush.
func (c *Refusals) turn(minute int64) {
	c.past = c.take(c.past)
	clear(c.rows)
	c.minute = minute
}

// take appends the counts since the last Flush and sets them to zero. The rows stay, so that a minute has a bounded number.
func (c *Refusals) take(to []counted) []counted {
	for key, r := range c.rows {
		if r.count == 0 {
			continue
		}
		if len(to) >= maxPast {
			c.lost += uint64(r.count)
		} else {
			to = append(to, counted{c.minute, key, *r})
		}
		r.count = 0
	}
	return to
}

var addRefusal = db.Exec(schema, `
	INSERT INTO merlon_refusal (minute, id, network, route, property, title, count, first, last)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
	ON CONFLICT (minute, id, network, route) DO UPDATE SET
		count = merlon_refusal.count + excluded.count,
		first = CASE WHEN excluded.first < merlon_refusal.first THEN excluded.first ELSE merlon_refusal.first END,
		last  = CASE WHEN excluded.last > merlon_refusal.last THEN excluded.last ELSE merlon_refusal.last END`)

// Flush writes what was counted since the last one, in a transaction of its own, and returns how many rows that took. Call it
// every few seconds and once at the end. When the write fails the counts are kept for the next Flush.
func (c *Refusals) Flush(ctx context.Context, engine db.Engine) (int, error) {
	c.mu.Lock()
	rows := c.take(c.past)
	c.past = nil
	c.mu.Unlock()
	if len(rows) == 0 {
		return 0, nil
	}
	err := engine.Write(ctx, func(_ context.Context, w *db.Writer) error {
		for _, r := range rows {
			net, route := Other, r.key.route
			if r.key.network.IsValid() {
				net = r.key.network.String()
			} else if route != Other {
				net = ""
			}
			if r.key.method != "" {
				route = r.key.method + " " + route
			}
			if _, err := addRefusal.Run(w, r.minute, text(r.key.id), net, text(route), r.property, text(r.title), r.count, r.first, r.last); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		return len(rows), nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range rows {
		if len(c.past) < maxPast {
			c.past = append(c.past, r)
		} else {
			c.lost += uint64(r.count)
		}
	}
	return 0, fmt.Errorf("journal: counted refusals could not be kept: %w", err)
}

// Lost returns how many refusals were not even counted, because the rows that wait for Flush were too many.
func (c *Refusals) Lost() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.lost
}
