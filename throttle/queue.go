package throttle

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// queue lets reservations that come while a transaction is running share the next one. Whoever finds nobody at work leads:
// it runs the waiting batch, its own request in it, and hands the lead to a waiting one. So n requests at the same time cost
// far fewer than n commits, and none waits for longer than two.
type queue struct {
	mu      sync.Mutex
	working bool
	waiting []*request
}

// maxBatch bounds a transaction.
const maxBatch = 64

type request struct {
	now    int64
	asks   []Ask
	answer Answer
	err    error
	done   chan struct{} // closed when answered
	lead   chan struct{} // closed when this request is to run the next batch
}

// do answers a request. If ctx ends while it waits, it leaves; but once it is in a batch it is answered.
func (q *queue) do(ctx context.Context, r *request, run func(context.Context, []*request) error) (Answer, error) {
	r.done, r.lead = make(chan struct{}), make(chan struct{})
	q.mu.Lock()
	q.waiting = append(q.waiting, r)
	lead := !q.working
	q.working = true
	q.mu.Unlock()
	if !lead {
		gone := ctx.Done()
		for waiting := true; waiting; {
			select {
			case <-r.done:
				return r.answer, r.err
			case <-r.lead:
				waiting = false
			case <-gone:
				if q.leave(r) {
					return Answer{}, context.Cause(ctx)
				}
				gone = nil
			}
		}
	}
	q.work(ctx, run)
	<-r.done
	return r.answer, r.err
}

// leave takes a request out of the waiting ones, unless it is in a batch already or has been given the lead.
func (q *queue) leave(r *request) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	select {
	case <-r.lead:
		return false
	default:
	}
	for i, other := range q.waiting {
		if other == r {
			q.waiting = append(q.waiting[:i], q.waiting[i+1:]...)
			return true
		}
	}
	return false
}

var errAborted = errors.New("the transaction of the reservation was aborted")

// batchTime bounds a transaction: longer than any that succeeds, shorter than people wait.
const batchTime = 20 * time.Second

// work runs one batch, with the leader's own request in it, and hands the lead on, whatever happens. The leader's client may
// leave meanwhile; the others have not.
func (q *queue) work(ctx context.Context, run func(context.Context, []*request) error) {
	q.mu.Lock()
	n := min(len(q.waiting), maxBatch)
	batch := slices.Clone(q.waiting[:n])
	q.waiting = slices.Delete(q.waiting, 0, n)
	q.mu.Unlock()
	err := errAborted
	defer func() {
		for _, r := range batch {
			if err != nil {
				r.answer, r.err = Answer{}, err
			}
			close(r.done)
		}
		q.mu.Lock()
		defer q.mu.Unlock()
		if len(q.waiting) > 0 {
			close(q.waiting[0].lead)
		} else {
			q.working = false
		}
	}()
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), batchTime)
	defer stop()
	err = run(ctx, batch)
}
