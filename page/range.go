package page

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"text/template/parse"
	"unsafe"
)

// ranged is a range that was compiled up to its body.
type ranged struct {
	step        step
	elem, index *expr // elem is nil if it was refused
}

// ranged compiles what a range runs over: a slice, an array, a map in the order of its keys, an iterator, a whole number.
func (c *compiler) ranged(e *expr, pos parse.Pos, vars int) ranged {
	if e.alts != nil || e.typ == nil {
		c.fault(RuleRange, pos, fmt.Sprintf("range over %s, which has no one type", e.src), "range over a slice, an array, a map, an iterator or a whole number")
		return ranged{}
	}
	src := "range " + e.src
	for e.typ.Kind() == reflect.Pointer {
		e = c.follow(e, src, pos)
	}
	t := e.typ
	switch {
	case t.Kind() == reflect.Slice:
		return c.rangeSliceOf(c.orEmpty(e))
	case t.Kind() == reflect.Array:
		return c.rangeArray(e)
	case t.Kind() == reflect.Map:
		if t.Key().Kind() == reflect.Bool || classOf(t.Key()) != otherClass {
			return c.rangeMap(e)
		}
		c.fault(RuleRange, pos, fmt.Sprintf("%s: keys of type %s have no order", src, typeName(t.Key())), "range over a map with texts or numbers as keys, or over a slice")
		return ranged{}
	case integer(t) != nil || unsigned(t) != nil:
		if vars > 1 {
			c.fault(RuleRange, pos, src+": a number gives one variable, not two", "leave the second out")
			return ranged{}
		}
		return c.rangeNumber(e)
	case isSequence(t):
		if vars > 1 && !t.CanSeq2() {
			c.fault(RuleRange, pos, src+": the iterator gives one value at a time", "leave the second variable out")
			return ranged{}
		}
		return c.rangeSequence(e, vars)
	}
	c.fault(RuleRange, pos, fmt.Sprintf("%s: %s has no elements", src, aType(t)), "range over a slice, an array, a map, an iterator or a whole number")
	return ranged{}
}

// orEmpty makes a missing key an empty value, which is what a range takes it for.
func (c *compiler) orEmpty(e *expr) *expr {
	if !e.absent {
		return e
	}
	r := *e
	r.at, r.direct = e.addr(), false
	r.zeroed(e.typ)
	return &r
}

func (c *compiler) rangeSliceOf(e *expr) ranged {
	if !e.direct {
		e = c.bind(e)
	}
	x := &extra{size: e.typ.Elem().Size(), elem: int32(c.slot()), index: int32(c.cell(intType))}
	r := ranged{
		elem:  &expr{typ: e.typ.Elem(), direct: true, slot: int(x.elem), stable: true, addressable: true, src: "."},
		index: &expr{typ: intType, direct: true, slot: int(x.index), src: "the index"},
	}
	r.step = step{op: opRange, slot: int32(e.slot), off: e.off, more: x}
	return r
}

// loop makes a range whose elements walk brings. Elements stand in elem's slot, the index in index's.
func (c *compiler) loop(elem, index *expr, walk func(f *frame, dst []byte, body func(dst []byte) ([]byte, signal)) ([]byte, bool)) ranged {
	return ranged{step: step{op: opLoop, more: &extra{walk: walk}}, elem: elem, index: index}
}

func (c *compiler) rangeArray(e *expr) ranged {
	e = c.bind(c.orEmpty(e))
	at, size, n := e.addr(), e.typ.Elem().Size(), e.typ.Len()
	slot, index := c.slot(), c.cell(intType)
	return c.loop(
		&expr{typ: e.typ.Elem(), direct: true, slot: slot, stable: e.stable, addressable: e.addressable, src: "."},
		&expr{typ: intType, direct: true, slot: index, src: "the index"},
		func(f *frame, dst []byte, body func(dst []byte) ([]byte, signal)) ([]byte, bool) {
			p := at(f)
			for i := range n {
				f.slots[slot] = unsafe.Add(p, uintptr(i)*size)
				*(*int)(f.slots[index]) = i
				var sig signal
				if dst, sig = body(dst); sig == broke {
					break
				}
			}
			return dst, n > 0
		})
}

func (c *compiler) rangeNumber(e *expr) ranged {
	t := e.typ
	e = c.orEmpty(e)
	at, slot := e.addr(), c.cell(t)
	elem := &expr{typ: t, direct: true, slot: slot, src: "."}
	load, store := integer(t), storer(t)
	if load == nil {
		u := unsigned(t)
		load = func(p unsafe.Pointer) int64 { return int64(min(u(p), 1<<62)) }
	}
	return c.loop(elem, nil, func(f *frame, dst []byte, body func(dst []byte) ([]byte, signal)) ([]byte, bool) {
		n := load(at(f))
		for i := int64(0); i < n; i++ {
			store(f.slots[slot], i)
			var sig signal
			if dst, sig = body(dst); sig == broke {
				break
			}
		}
		return dst, n > 0
	})
}

func (c *compiler) rangeMap(e *expr) ranged {
	e = c.orEmpty(e)
	at, t := e.addr(), e.typ
	key, val := c.cell(t.Key()), c.cell(t.Elem())
	var order func(a, b reflect.Value) int
	switch classOf(t.Key()) {
	case stringClass:
		order = func(a, b reflect.Value) int { return cmp.Compare(a.String(), b.String()) }
	case intClass:
		order = func(a, b reflect.Value) int { return cmp.Compare(a.Int(), b.Int()) }
	case uintClass:
		order = func(a, b reflect.Value) int { return cmp.Compare(a.Uint(), b.Uint()) }
	case floatClass:
		order = func(a, b reflect.Value) int { return cmp.Compare(a.Float(), b.Float()) }
	case boolClass:
		order = func(a, b reflect.Value) int {
			switch {
			case a.Bool() == b.Bool():
				return 0
			case b.Bool():
				return -1
			}
			return 1
		}
	}
	return c.loop(
		&expr{typ: t.Elem(), direct: true, slot: val, src: "."},
		&expr{typ: t.Key(), direct: true, slot: key, src: "the key"},
		func(f *frame, dst []byte, body func(dst []byte) ([]byte, signal)) ([]byte, bool) {
			m := reflect.NewAt(t, at(f)).Elem()
			entries := make([][2]reflect.Value, 0, m.Len())
			for it := m.MapRange(); it.Next(); {
				entries = append(entries, [2]reflect.Value{it.Key(), it.Value()})
			}
			slices.SortStableFunc(entries, func(a, b [2]reflect.Value) int { return order(a[0], b[0]) })
			for _, entry := range entries {
				reflect.NewAt(t.Key(), f.slots[key]).Elem().Set(entry[0])
				reflect.NewAt(t.Elem(), f.slots[val]).Elem().Set(entry[1])
				var sig signal
				if dst, sig = body(dst); sig == broke {
					break
				}
			}
			return dst, len(entries) > 0
		})
}

// rangeSequence runs over iter.Seq and iter.Seq2. With one variable, or none, a Seq2 gives its first value, as in
// text/template.
func (c *compiler) rangeSequence(e *expr, vars int) ranged {
	e = c.orEmpty(e)
	at, t := e.addr(), e.typ
	yield := t.In(0)
	elemType := yield.In(0)
	first := c.cell(elemType)
	elem := &expr{typ: elemType, direct: true, slot: first, src: "."}
	pairs, second := t.CanSeq2(), 0
	var index *expr
	if pairs {
		second = c.cell(yield.In(1))
		if vars == 2 {
			index, elem = elem, &expr{typ: yield.In(1), direct: true, slot: second, src: "."}
		}
	}
	set := func(f *frame, slot int, t reflect.Type, v reflect.Value) {
		reflect.NewAt(t, f.slots[slot]).Elem().Set(v)
	}
	return c.loop(elem, index, func(f *frame, dst []byte, body func(dst []byte) ([]byte, signal)) ([]byte, bool) {
		v := reflect.NewAt(t, at(f)).Elem()
		if v.IsNil() {
			return dst, false
		}
		any := false
		var sig signal
		if !pairs {
			for x := range v.Seq() {
				any = true
				set(f, first, elemType, x)
				if dst, sig = body(dst); sig == broke {
					break
				}
			}
			return dst, any
		}
		for x, y := range v.Seq2() {
			any = true
			set(f, first, elemType, x)
			set(f, second, yield.In(1), y)
			if dst, sig = body(dst); sig == broke {
				break
			}
		}
		return dst, any
	})
}
