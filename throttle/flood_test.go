package throttle_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"net/netip"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/throttle"
	"github.com/merlon-web/merlon/throttle/throttletest"
)

var (
	damaged  = db.Exec(throttle.Schema(), "UPDATE merlon_throttle SET state = x'00'")
	countAll = db.Query[int](throttle.Schema(), "SELECT COUNT(*) FROM merlon_throttle")
)

func damage(t *testing.T, h *house) {
	t.Helper()
	if err := h.engine.Write(h.ctx, func(_ context.Context, w *db.Writer) error { _, err := damaged.Run(w); return err }); err != nil {
		t.Fatal(err)
	}
}

// A thief of the table learns neither names nor addresses.
func TestTableNamesNobody(t *testing.T) {
	h := newHouse(t)
	h.fails(12, throttle.SignIn("ann@example.org", "", near)...)
	h.fails(3, throttle.Device("ann@example.org", "device-nonce"))
	h.fails(3, throttle.Factor("ann@example.org", "session-id", "")...)
	h.fails(3, throttle.ResetMail("ann@example.org", near)...)
	h.engine.Close()
	entries, err := os.ReadDir(h.dir)
	if err != nil {
		t.Fatal(err)
	}
	var loot []byte
	for _, e := range entries {
		b, err := os.ReadFile(h.dir + "/" + e.Name())
		if err != nil {
			t.Fatal(err)
		}
		loot = append(loot, b...)
	}
	if !bytes.Contains(loot, []byte("factor-session")) {
		t.Fatal("the thief looks into the wrong files")
	}
	addr := near.As4()
	for _, private := range []string{"ann@example.org", "ann", "example.org", "192.0.2", "device-nonce", "session-id", string(addr[:]), string(testKey)} {
		if bytes.Contains(loot, []byte(private)) {
			t.Errorf("%q stands in the table", private)
		}
	}
	// Under another key the buckets are others: a key cannot be guessed from a name.
	h.engine = open(t, h.dir)
	foreign := h.limiter(func(c *throttle.Config) { c.Key = []byte("another key, and also 32 bytes long") })
	if st, err := foreign.Inspect(h.ctx, throttle.Account("ann@example.org")); err != nil || st.Attempts != 0 {
		t.Errorf("%+v, %v", st, err)
	}
}

func TestSweep(t *testing.T) {
	h := newHouse(t)
	for i := range 600 {
		h.try(false, throttle.Own("x", throttle.Limit{Burst: 1, Window: time.Minute}, string(rune('a'+i))))
	}
	h.fails(3, throttle.Account("ann"))
	count := func() int {
		r := h.engine.Read(h.ctx)
		defer r.Close()
		n, err := countAll.One(r)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if count() != 601 {
		t.Fatalf("%d rows", count())
	}
	h.clock.Add(time.Minute)
	if err := h.l.Sweep(h.ctx); err != nil {
		t.Fatal(err)
	}
	if count() != 1 {
		t.Errorf("%d rows are left, want the account's", count())
	}
	h.clock.Add(3 * 24 * time.Hour)
	if err := h.l.Sweep(h.ctx); err != nil {
		t.Fatal(err)
	}
	if count() != 0 {
		t.Errorf("%d rows are left", count())
	}
}

// A success leaves no row behind: a site of honest visitors has an empty table.
func TestHonestVisitorsLeaveNothing(t *testing.T) {
	h := newHouse(t)
	for i := range 20 {
		if !h.try(true, throttle.SignIn("user"+string(rune('a'+i)), "", near)...) {
			t.Fatal("refused")
		}
	}
	r := h.engine.Read(h.ctx)
	defer r.Close()
	if n, err := countAll.One(r); err != nil || n != 0 {
		t.Errorf("%d rows, %v", n, err)
	}
}

// The memory of refusals and of rates is of fixed size, whatever comes: a million different addresses.
func TestMemoryIsBounded(t *testing.T) {
	h := newHouse(t)
	rate := throttle.NewRate(throttle.RateConfig{})
	now := h.clock.Now()
	rate.Allow(other, now)
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	var b [16]byte
	b[0] = 0x20
	for i := range 1_000_000 {
		binary.BigEndian.PutUint32(b[1:], uint32(i))
		rate.Allow(netip.AddrFrom16(b), now)
	}
	if grown := int64(heap()) - int64(before); grown > 64<<10 {
		t.Errorf("a million addresses grew the memory by %d bytes", grown)
	}
	runtime.KeepAlive(rate)
	// Full buckets: a store that refuses everything.
	limiter, err := throttle.New(throttle.Config{Store: refusing{}, Key: testKey, Clock: h.clock.Now, Memory: 4096})
	if err != nil {
		t.Fatal(err)
	}
	quiet := context.WithoutCancel(h.ctx)
	try := func(i int) error {
		_, err := limiter.Reserve(quiet, throttle.Account(string(binary.BigEndian.AppendUint32(nil, uint32(i)))))
		return err
	}
	for i := range 10_000 {
		try(i)
	}
	h.events.mu.Lock()
	h.events.all = nil
	h.events.mu.Unlock()
	before = heap()
	for i := range 200_000 {
		if err := try(i); err == nil {
			t.Fatal("granted")
		}
		if i%1000 == 0 {
			h.events.mu.Lock()
			h.events.all = nil
			h.events.mu.Unlock()
		}
	}
	h.events.mu.Lock()
	h.events.all = nil
	h.events.mu.Unlock()
	if grown := int64(heap()) - int64(before); grown > 256<<10 {
		t.Errorf("full buckets grew the memory by %d bytes", grown)
	}
	runtime.KeepAlive(limiter)
}

type refusing struct{ throttle.Store }

func (refusing) Reserve(_ context.Context, now int64, _ []throttle.Ask) (throttle.Answer, error) {
	return throttle.Answer{Refused: []throttle.Refusal{{Until: now + 60e6}}}, nil
}

// broken is a store that does what it must not.
type broken struct {
	throttle.Store
	answer throttle.Answer
	err    error
}

func (b broken) Reserve(context.Context, int64, []throttle.Ask) (throttle.Answer, error) {
	return b.answer, b.err
}

func refusedBy(ask int) throttle.Answer {
	return throttle.Answer{Refused: []throttle.Refusal{{Ask: ask, Until: 1 << 60}}}
}

func TestBrokenStoreGivesNoPermit(t *testing.T) {
	for name, b := range map[string]broken{
		"an error": {err: errors.New("disk full")}, "granted without places": {answer: throttle.Answer{Granted: true}},
		"refused by a bucket that is none": {answer: refusedBy(7)}, "negative": {answer: refusedBy(-1)}, "refused by none": {},
		"granted and an error": {answer: throttle.Answer{Granted: true, Places: make([]throttle.Place, 1)}, err: errors.New("no commit")},
	} {
		l, err := throttle.New(throttle.Config{Store: b, Key: testKey})
		if err != nil {
			t.Fatal(err)
		}
		if p, err := l.Reserve(context.Background(), throttle.Account("a")); err == nil || p != nil {
			t.Errorf("%s: a permit was given", name)
		}
	}
}

// A leader whose client leaves does its work all the same; one that panics does not leave the others waiting for ever.
func TestQueueOutlivesItsLeader(t *testing.T) {
	h := newHouse(t)
	store := throttle.NewStore(&panicking{counting: h.engine})
	done := make(chan struct{})
	go func() {
		defer close(done)
		var wg sync.WaitGroup
		for i := range 40 {
			wg.Go(func() {
				defer func() { _ = recover() }()
				ctx, cancel := context.WithTimeout(h.ctx, time.Duration(i%4)*time.Millisecond)
				defer cancel()
				if i%4 == 3 {
					ctx = h.ctx
				}
				_, _ = store.Reserve(ctx, 1e15, []throttle.Ask{{Kind: "x", Limit: throttle.Limit{Burst: 9, Window: time.Minute}}})
			})
		}
		wg.Wait()
	}()
	select {
	case <-done:
	case <-time.After(2 * time.Minute):
		t.Fatal("the queue is stuck")
	}
	if a, err := store.Reserve(h.ctx, 1e15+120e6, []throttle.Ask{{Kind: "x", Limit: throttle.Limit{Burst: 9, Window: time.Minute}}}); err != nil || !a.Granted {
		t.Errorf("afterwards: %+v, %v", a, err)
	}
}

// A permit is given after the commit: when that fails there is none.
func TestNoPermitWithoutCommit(t *testing.T) {
	h := newHouse(t)
	l := h.limiter(func(c *throttle.Config) { c.Store = throttle.NewStore(uncommitted{h.engine}) })
	for range 3 {
		if p, err := l.Reserve(h.ctx, throttle.Account("ann")); err == nil || p != nil {
			t.Error("a permit without a commit")
		}
	}
	if n := h.fails(12, throttle.Account("ann")); n != 10 {
		t.Errorf("%d passed, want 10", n)
	}
}

type uncommitted struct{ *counting }

func (u uncommitted) Write(ctx context.Context, do func(context.Context, *db.Writer) error) error {
	return u.counting.Write(ctx, func(ctx context.Context, w *db.Writer) error {
		if err := do(ctx, w); err != nil {
			return err
		}
		return db.ErrDiskFull
	})
}

type panicking struct {
	*counting
	mu sync.Mutex
	n  int
}

func (p *panicking) Write(ctx context.Context, do func(context.Context, *db.Writer) error) error {
	p.mu.Lock()
	p.n++
	n := p.n
	p.mu.Unlock()
	time.Sleep(time.Millisecond)
	if n == 2 {
		panic("disk on fire")
	}
	return p.counting.Write(ctx, do)
}

func TestAlarm(t *testing.T) {
	h := newHouse(t)
	h.l = throttletest.NewLimiter(t, h.clock.Now) // thousands of failures, of which none is about the database
	fail := func(n int) {
		for range n {
			p, err := h.l.Reserve(h.ctx, throttle.Own("x", throttle.Limit{Burst: 10000, Window: time.Second}))
			if err != nil {
				t.Fatal(err)
			}
			_ = p.Spend(p.Purpose())
			_ = p.Settle(h.ctx, false)
		}
	}
	for range 30 { // ordinary evenings
		fail(3)
		h.clock.Add(time.Minute)
	}
	if h.l.Alarmed() || h.events.count(throttle.RuleAlarm) != 0 {
		t.Fatal("an ordinary rate alarms")
	}
	fail(60)
	if !h.l.Alarmed() {
		t.Error("sixty failures a minute do not alarm")
	}
	for range 60 { // an hour of it does not become usual
		h.clock.Add(time.Minute)
		fail(60)
		if !h.l.Alarmed() {
			t.Fatal("an attack became usual")
		}
	}
	if n := h.events.count(throttle.RuleAlarm); n != 1 {
		t.Errorf("%d events for one attack, want 1", n)
	}
	h.clock.Add(11 * time.Minute)
	if h.l.Alarmed() {
		t.Error("the alarm does not end")
	}
}
