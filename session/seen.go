package session

import (
	"context"
	"sync"

	"github.com/merlon-web/merlon/db"
)

// pending holds the uses that were not written yet. A request only notes its use; a task writes many at a time, so that
// reading costs no write and "last seen" no commit of its own.
type pending struct {
	mu   sync.Mutex
	uses map[Digest]Use
}

// maxPending bounds the noted uses of one interval. Beyond it a use is not noted: its session may end early, never late.
const maxPending = 1 << 16

func (p *pending) of(key *Digest) int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.uses[*key].Seen
}

// note notes a use of a session, if the last one is older than [Coarse].
func (m *Manager) note(o *opened) {
	now := m.now()
	last := max(o.row.Seen, o.used.Load())
	if now-last < Coarse.Microseconds() {
		return
	}
	p := &m.seen
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.uses == nil {
		p.uses = map[Digest]Use{}
	}
	was, there := p.uses[o.row.Key]
	if !there {
		if len(p.uses) >= maxPending {
			return
		}
		was.First = now
	}
	o.used.Store(now)
	p.uses[o.row.Key] = Use{Key: o.row.Key, First: was.First, Seen: now, Idle: min(now+m.lifetime(o.row.Class, o.row.Factors).Idle.Microseconds(), o.row.Absolute)}
}

// Seen writes the uses that were noted since the last call, in short transactions of its own. A task calls it every 10 to 30
// seconds, and once before the site closes: what was not written when the process dies is at most that much idle time.
func (m *Manager) Seen(ctx context.Context, engine db.Engine) error {
	m.seen.mu.Lock()
	noted := m.seen.uses
	m.seen.uses = nil
	m.seen.mu.Unlock()
	batch := make([]Use, 0, 256)
	flush := func() error {
		if len(batch) == 0 {
			return nil
		}
		err := engine.Write(ctx, func(_ context.Context, w *db.Writer) error { return m.store.Touch(w, batch) })
		if err != nil {
			m.seen.restore(batch)
		}
		batch = batch[:0]
		return err
	}
	var first error
	for _, use := range noted {
		if batch = append(batch, use); len(batch) == cap(batch) {
			if err := flush(); err != nil && first == nil {
				first = err
			}
		}
	}
	if err := flush(); err != nil && first == nil {
		first = err
	}
	return first
}

// restore puts back what could not be written, before what was noted since.
func (p *pending) restore(uses []Use) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.uses == nil {
		p.uses = map[Digest]Use{}
	}
	for _, u := range uses {
		if now, there := p.uses[u.Key]; there {
			now.First = u.First
			p.uses[u.Key] = now
		} else if len(p.uses) < maxPending {
			p.uses[u.Key] = u
		}
	}
}

// Sweep removes rows that ended or expired more than [Keep] ago. It looks for them with a reader, and deletes in short
// transactions, so that no request waits for it. A task calls it now and then.
func (m *Manager) Sweep(ctx context.Context, engine db.Engine) error {
	before := m.now() - Keep.Microseconds()
	const limit = 500
	for after := Ref(""); ; {
		r := engine.Read(ctx)
		refs, err := m.store.Dead(r, after, before, limit)
		_ = r.Close()
		if err != nil || len(refs) == 0 {
			return err
		}
		if err := engine.Write(ctx, func(_ context.Context, w *db.Writer) error {
			_, err := m.store.Delete(w, refs, before)
			return err
		}); err != nil {
			return err
		}
		if len(refs) < limit {
			return nil
		}
		after = refs[len(refs)-1]
	}
}
