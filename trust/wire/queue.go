package wire

import (
	"container/list"
	"net/netip"
)

// queue is connections in the order in which they came, of which there is a most. When there are more one has to go: the
// first of its own network if that one holds more than a quarter of the most, else the first of the largest that does, else
// the first of all. So who opens many takes them from nobody else. Not safe for concurrent use.
type queue[T any] struct {
	most int
	all  list.List                   // of *place[T]
	near map[netip.Prefix]*list.List // likewise, of each network
	over map[netip.Prefix]*list.List // those of near that hold more than a quarter: three or four at the most
}

// place is where a connection stands in a queue.
type place[T any] struct {
	of          T
	from        netip.Prefix
	all, beside *list.Element
}

func newQueue[T any](most int) *queue[T] {
	return &queue[T]{most: most, near: map[netip.Prefix]*list.List{}, over: map[netip.Prefix]*list.List{}}
}

// quarter is what one network may hold of a full queue without being the first that loses: one connection always.
func (q *queue[T]) quarter() int { return max(q.most/4, 1) }

// push puts a connection of a network at the end.
func (q *queue[T]) push(of T, from netip.Prefix) *place[T] {
	near := q.near[from]
	if near == nil {
		near = new(list.List)
		q.near[from] = near
	}
	p := &place[T]{of: of, from: from}
	p.all, p.beside = q.all.PushBack(p), near.PushBack(p)
	if near.Len() > q.quarter() {
		q.over[from] = near
	}
	return p
}

// remove takes a connection out; nothing if it is out already.
func (q *queue[T]) remove(p *place[T]) {
	if p.all == nil {
		return
	}
	near := q.near[p.from]
	q.all.Remove(p.all)
	near.Remove(p.beside)
	p.all, p.beside = nil, nil
	if near.Len() <= q.quarter() {
		delete(q.over, p.from)
	}
	if near.Len() == 0 {
		delete(q.near, p.from)
	}
}

// excess returns the one that has to go now that one of a network has come; nil: there are not too many.
func (q *queue[T]) excess(from netip.Prefix) *place[T] {
	if q.all.Len() <= q.most {
		return nil
	}
	first := &q.all
	if own := q.over[from]; own != nil {
		first = own
	} else {
		for _, near := range q.over {
			if first == &q.all || near.Len() > first.Len() {
				first = near
			}
		}
	}
	return first.Front().Value.(*place[T])
}
