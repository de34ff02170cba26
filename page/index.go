package page

import (
	"fmt"
	"reflect"
	"text/template/parse"
	"unsafe"
)

// through follows all pointers of e, as text/template does before it indexes.
func (c *compiler) through(e *expr, src string, pos parse.Pos) *expr {
	for e.typ != nil && e.typ.Kind() == reflect.Pointer {
		e = c.follow(c.required(e, src, pos), src, pos)
	}
	return e
}

// single reports values that have not one type.
func (c *compiler) single(e *expr, what string, pos parse.Pos) bool {
	if e.typ != nil && e.alts == nil {
		return true
	}
	c.fault(RuleArguments, pos, fmt.Sprintf("%s of %s, which has no one type", what, e.src), "give it a value of one type")
	return false
}

// length compiles len.
func (c *compiler) length(e *expr, pos parse.Pos) *expr {
	if !c.single(e, "len", pos) {
		return nil
	}
	e = c.through(c.required(e, "len", pos), "len "+e.src, pos)
	at, t := e.addr(), e.typ
	switch t.Kind() {
	case reflect.String:
		return c.computedInt(func(f *frame) int { return len(*(*string)(at(f))) }, "len "+e.src)
	case reflect.Slice:
		return c.computedInt(func(f *frame) int { return (*slice)(at(f)).len }, "len "+e.src)
	case reflect.Array:
		n := t.Len()
		return c.computedInt(func(f *frame) int { at(f); return n }, "len "+e.src)
	case reflect.Map:
		return c.computedInt(func(f *frame) int { return reflect.NewAt(t, at(f)).Elem().Len() }, "len "+e.src)
	}
	c.fault(RuleArguments, pos, fmt.Sprintf("len of %s, %s", e.src, aType(e.typ)), "texts, slices, arrays and maps have a length")
	return nil
}

// index compiles index: elements of slices, arrays, texts and maps, one dimension after the other.
func (c *compiler) index(e *expr, indexes []*expr, pos parse.Pos) *expr {
	if !c.single(e, "index", pos) {
		return nil
	}
	src := "index " + e.src
	e = c.required(e, "index", pos)
	for _, i := range indexes {
		if !c.single(i, "index", pos) {
			return nil
		}
		e = c.through(e, src, pos)
		switch e.typ.Kind() {
		case reflect.Map:
			if k := c.mapKey(e, i, pos); k != nil {
				e = c.mapValue(e, k, src)
				e.zeroed(e.typ)
				continue
			}
			return nil
		case reflect.Slice, reflect.Array, reflect.String:
			if e = c.element(e, i, src, pos); e == nil {
				return nil
			}
			continue
		}
		c.fault(RuleArguments, pos, fmt.Sprintf("%s: %s has no elements", src, aType(e.typ)), "index slices, arrays, maps and texts")
		return nil
	}
	return e
}

// zeroed makes a missing key the zero value, which is what index answers.
func (e *expr) zeroed(t reflect.Type) {
	at, zero := e.at, reflect.New(t).UnsafePointer()
	e.absent = false
	e.at = func(f *frame) unsafe.Pointer {
		if p := at(f); p != nil {
			return p
		}
		return zero
	}
}

// position of an index: any whole number.
func (c *compiler) whole(i *expr, src string, pos parse.Pos) func(f *frame) int64 {
	i = c.required(i, src, pos)
	at := i.addr()
	if load := integer(i.typ); load != nil {
		return func(f *frame) int64 { return load(at(f)) }
	}
	if load := unsigned(i.typ); load != nil {
		return func(f *frame) int64 {
			if n := load(at(f)); n <= 1<<62 {
				return int64(n)
			}
			return -1
		}
	}
	c.fault(RuleArguments, pos, fmt.Sprintf("%s: %s, %s, is no index", src, i.src, aType(i.typ)), "index with a whole number")
	return nil
}

func (c *compiler) element(e, i *expr, src string, pos parse.Pos) *expr {
	n := c.whole(i, src, pos)
	if n == nil {
		return nil
	}
	at, t, where := e.addr(), e.typ, position(c.file, int(pos))
	outside := func(i int64, length int) bool {
		if i < 0 || i >= int64(length) {
			panic(failure{where, fmt.Sprintf("%s: index out of range: %d of %d", src, i, length)})
		}
		return false
	}
	switch t.Kind() {
	case reflect.Slice:
		size := t.Elem().Size()
		return &expr{typ: t.Elem(), stable: true, addressable: true, src: src, at: func(f *frame) unsafe.Pointer {
			s := (*slice)(at(f))
			data, length := s.data, s.len // before the index, which may be made in the same cell
			i := n(f)
			outside(i, length)
			return unsafe.Add(data, uintptr(i)*size)
		}}
	case reflect.Array:
		size, length := t.Elem().Size(), t.Len()
		return &expr{typ: t.Elem(), stable: e.stable, addressable: e.addressable, src: src, at: func(f *frame) unsafe.Pointer {
			p, i := at(f), n(f)
			outside(i, length)
			return unsafe.Add(p, uintptr(i)*size)
		}}
	}
	slot := c.cell(reflect.TypeFor[uint8]())
	return &expr{typ: reflect.TypeFor[uint8](), src: src, at: func(f *frame) unsafe.Pointer {
		s := *(*string)(at(f))
		i := n(f)
		outside(i, len(s))
		*(*uint8)(f.slots[slot]) = s[i]
		return f.slots[slot]
	}}
}

// mapKey makes i a key of the map.
func (c *compiler) mapKey(m, i *expr, pos parse.Pos) *expr {
	key := m.typ.Key()
	if k := constantAs(i, key); k != nil {
		return k
	}
	i = c.required(i, "index", pos)
	if i.typ == key {
		return i
	}
	ki, kk := classOf(i.typ), classOf(key)
	if (ki == intClass || ki == uintClass) && (kk == intClass || kk == uintClass) {
		at, from, slot := i.addr(), i.typ, c.cell(key)
		return &expr{typ: key, src: i.src, at: func(f *frame) unsafe.Pointer {
			v := reflect.NewAt(from, at(f)).Elem().Convert(key)
			reflect.NewAt(key, f.slots[slot]).Elem().Set(v)
			return f.slots[slot]
		}}
	}
	c.fault(RuleArguments, pos, fmt.Sprintf("index %s: %s is %s, and the keys are of type %s", m.src, i.src, aType(i.typ), typeName(key)), "index with a key of the map's type")
	return nil
}

// mapValue looks a key up; at is nil if the map lacks it. Maps of texts, the usual ones, are read as they are; others
// through package reflect, with an allocation.
func (c *compiler) mapValue(m, k *expr, src string) *expr {
	t := m.typ
	at, key := m.addr(), k.addr()
	slot := c.cell(t.Elem())
	e := &expr{typ: t.Elem(), src: src}
	absent := m.absent
	lookup := func(f *frame, p unsafe.Pointer) unsafe.Pointer {
		v := reflect.NewAt(t, p).Elem().MapIndex(reflect.NewAt(t.Key(), key(f)).Elem())
		if !v.IsValid() {
			return nil
		}
		reflect.NewAt(t.Elem(), f.slots[slot]).Elem().Set(v)
		return f.slots[slot]
	}
	if t == reflect.TypeFor[map[string]string]() {
		lookup = func(f *frame, p unsafe.Pointer) unsafe.Pointer {
			v, ok := (*(*map[string]string)(p))[*(*string)(key(f))]
			if !ok {
				return nil
			}
			*(*string)(f.slots[slot]) = v
			return f.slots[slot]
		}
	}
	e.absent = true
	e.at = func(f *frame) unsafe.Pointer {
		p := at(f)
		if absent && p == nil {
			return nil
		}
		return lookup(f, p)
	}
	return e
}

// slicing compiles slice.
func (c *compiler) slicing(e *expr, indexes []*expr, pos parse.Pos) *expr {
	if !c.single(e, "slice", pos) {
		return nil
	}
	src, where := "slice "+e.src, position(c.file, int(pos))
	e = c.through(c.required(e, "slice", pos), src, pos)
	t := e.typ
	switch {
	case t.Kind() == reflect.String && len(indexes) < 3, t.Kind() == reflect.Slice, t.Kind() == reflect.Array && e.addressable:
	case t.Kind() == reflect.Array:
		c.fault(RuleArguments, pos, src+": an array without an address cannot be sliced", "make the field a slice")
		return nil
	default:
		c.fault(RuleArguments, pos, fmt.Sprintf("%s, %s, with %d indexes", src, aType(t), len(indexes)), "slice a text with two indexes, a slice or an array with three at most")
		return nil
	}
	var ns []func(f *frame) int64
	for _, i := range indexes {
		if !c.single(i, "slice", pos) {
			return nil
		}
		n := c.whole(i, src, pos)
		if n == nil {
			return nil
		}
		ns = append(ns, n)
	}
	out := t
	if t.Kind() == reflect.Array {
		out = reflect.SliceOf(t.Elem())
	}
	at, slot := e.addr(), c.cell(out)
	return &expr{typ: out, src: src, at: func(f *frame) unsafe.Pointer {
		v := reflect.NewAt(t, at(f)).Elem()
		most := v.Len()
		if t.Kind() != reflect.String {
			most = v.Cap()
		}
		idx := [3]int{0, v.Len(), most}
		for i, n := range ns {
			x := n(f)
			if x < 0 || x > int64(most) {
				panic(failure{where, fmt.Sprintf("%s: index out of range: %d", src, x)})
			}
			idx[i] = int(x)
		}
		if idx[0] > idx[1] || idx[1] > idx[2] {
			panic(failure{where, fmt.Sprintf("%s: invalid slice index: %d > %d", src, idx[0], idx[1])})
		}
		var r reflect.Value
		if len(ns) == 3 {
			r = v.Slice3(idx[0], idx[1], idx[2])
		} else {
			r = v.Slice(idx[0], idx[1])
		}
		reflect.NewAt(out, f.slots[slot]).Elem().Set(r)
		return f.slots[slot]
	}}
}
