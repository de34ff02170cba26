package throttletest

import (
	"context"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/merlon-web/merlon/throttle"
)

// NewStore returns a store in memory. It forgets everything with the process and is therefore for tests only.
func NewStore() throttle.Store { return &memory{rows: map[throttle.Key]row{}} }

type memory struct {
	mu   sync.Mutex
	rows map[throttle.Key]row
}

type row struct {
	state   throttle.State
	expires int64
}

func (m *memory) Reserve(ctx context.Context, now int64, asks []throttle.Ask) (throttle.Answer, error) {
	if err := ctx.Err(); err != nil {
		return throttle.Answer{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	states := make([]throttle.State, len(asks))
	places := make([]throttle.Place, len(asks))
	var refused throttle.Answer
	for i, a := range asks {
		states[i] = clone(m.rows[a.Key].state)
		p, v := states[i].Take(&a.Limit, now)
		if v.Mended && !v.Taken {
			m.rows[a.Key] = row{clone(states[i]), states[i].Expires(&a.Limit)}
		}
		if !v.Taken {
			refused.Refused = append(refused.Refused, throttle.Refusal{Ask: i, Until: v.Until, Closed: v.Closed})
		}
		p.Key = a.Key
		places[i] = p
	}
	if len(refused.Refused) > 0 {
		return refused, nil
	}
	for i, a := range asks {
		m.rows[a.Key] = row{states[i], states[i].Expires(&a.Limit)}
	}
	return throttle.Answer{Granted: true, Places: places}, nil
}

func (m *memory) Settle(_ context.Context, now int64, places []throttle.Place, how throttle.Outcome) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range places {
		p := &places[i]
		r, ok := m.rows[p.Key]
		if !ok {
			continue
		}
		r.state = clone(r.state)
		if r.state.Settle(p, now, how) {
			delete(m.rows, p.Key)
		} else {
			m.rows[p.Key] = r
		}
	}
	return nil
}

func (m *memory) Release(_ context.Context, keys []throttle.Key) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, k := range keys {
		delete(m.rows, k)
	}
	return nil
}

func (m *memory) Inspect(_ context.Context, k throttle.Key) (throttle.State, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return clone(m.rows[k].state), nil
}

func (m *memory) Sweep(_ context.Context, now int64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for k, r := range m.rows {
		if r.expires <= now {
			delete(m.rows, k)
		}
	}
	return nil
}

func clone(s throttle.State) throttle.State {
	s.Hits = append([]throttle.Hit(nil), s.Hits...)
	return s
}

// NewLimiter returns a limiter on a store in memory, with the default limits. A nil clock is [time.Now].
func NewLimiter(t testing.TB, clock func() time.Time) *throttle.Limiter {
	t.Helper()
	l, err := throttle.New(throttle.Config{Store: NewStore(), Key: make([]byte, 32), Clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// Permit returns a permit for a purpose, from a limiter of its own: for tests of what demands one.
func Permit(t testing.TB, purpose throttle.Purpose) *throttle.Permit {
	t.Helper()
	b := map[throttle.Purpose]throttle.Bucket{
		throttle.ForPassword: throttle.Account("test"), throttle.ForFactor: throttle.Factor("test", "test", "")[0], throttle.ForReset: throttle.ResetMail("test", noAddr)[0],
		throttle.ForSignUp: throttle.SignUp("test", noAddr)[0], throttle.ForMail: throttle.Mail("test", noAddr)[0], throttle.ForLink: throttle.Link(noAddr)[0],
	}[purpose]
	p, err := NewLimiter(t, nil).Reserve(context.Background(), b)
	if err != nil {
		t.Fatalf("throttletest: no permit for %q: %v", purpose, err)
	}
	return p
}

var noAddr netip.Addr
