package page

import (
	"cmp"
	"fmt"
	"reflect"
	"text/template/parse"
	"unsafe"
)

// equal compiles eq: is the first argument one of the others.
func (c *compiler) equal(args []*expr, pos parse.Pos) *expr {
	first, a := c.bindIn(args[0])
	var tests []func(f *frame) bool
	for _, b := range args[1:] {
		t := c.pair("eq", a, b, pos)
		if t == nil {
			return nil
		}
		tests = append(tests, t)
	}
	if len(tests) == 1 {
		t := tests[0]
		return c.computedBool(func(f *frame) bool { first(f); return t(f) }, "eq …")
	}
	return c.computedBool(func(f *frame) bool {
		first(f)
		for _, t := range tests {
			if t(f) {
				return true
			}
		}
		return false
	}, "eq …")
}

// compare compiles ne, lt, le, gt and ge.
func (c *compiler) compare(op string, a, b *expr, pos parse.Pos) *expr {
	if op == "ne" {
		t := c.pair("eq", a, b, pos)
		if t == nil {
			return nil
		}
		return c.computedBool(func(f *frame) bool { return !t(f) }, "ne …")
	}
	t := c.pair(op, a, b, pos)
	if t == nil {
		return nil
	}
	return c.computedBool(t, op+" …")
}

// pair compiles the comparison of two values.
func (c *compiler) pair(op string, a, b *expr, pos parse.Pos) func(f *frame) bool {
	bad := func() func(f *frame) bool {
		c.fault(RuleComparison, pos, fmt.Sprintf("%s of %s, %s, and %s, %s", op, a.src, aType(a.typ), b.src, aType(b.typ)),
			"compare values of one kind: texts with texts, whole numbers with whole numbers, floats with floats")
		return nil
	}
	if a.alts != nil || b.alts != nil {
		return bad()
	}
	ka, kb := classOf(a.typ), classOf(b.typ)
	if ka == otherClass || kb == otherClass {
		if op != "eq" {
			return bad()
		}
		return c.sameThing(a, b, bad)
	}
	if ka == boolClass && op != "eq" {
		return bad()
	}
	order := orderOf(a.typ, b.typ)
	if order == nil {
		return bad()
	}
	var test func(order int) bool
	switch op {
	case "eq":
		test = func(o int) bool { return o == 0 }
	case "lt":
		test = func(o int) bool { return o == -1 }
	case "le":
		test = func(o int) bool { return o == -1 || o == 0 }
	case "gt": // text/template: not less or equal, which holds for NaN
		test = func(o int) bool { return o != -1 && o != 0 }
	case "ge":
		test = func(o int) bool { return o != -1 }
	}
	pa, pb := a.addr(), b.addr()
	if a.absent || b.absent {
		where := position(c.file, int(pos))
		return func(f *frame) bool {
			x, y := pa(f), pb(f)
			if x == nil || y == nil {
				if op != "eq" {
					panic(failure{where, fmt.Sprintf("%s of a missing key of a map", op)})
				}
				return x == nil && y == nil // as text/template: a missing key equals nothing but another
			}
			return test(order(x, y))
		}
	}
	if op == "eq" && ka == stringClass {
		return func(f *frame) bool { return *(*string)(pa(f)) == *(*string)(pb(f)) }
	}
	return func(f *frame) bool {
		x := pa(f)
		return test(order(x, pb(f)))
	}
}

// unordered is the order of floats of which one is not a number.
const unordered = 2

// orderOf returns how to compare two values: -1, 0, +1 or unordered.
func orderOf(ta, tb reflect.Type) func(x, y unsafe.Pointer) int {
	switch classOf(ta) {
	case boolClass:
		if classOf(tb) == boolClass {
			return func(x, y unsafe.Pointer) int {
				if *(*bool)(x) == *(*bool)(y) {
					return 0
				}
				return 1
			}
		}
	case stringClass:
		if classOf(tb) == stringClass {
			return func(x, y unsafe.Pointer) int { return cmp.Compare(*(*string)(x), *(*string)(y)) }
		}
	case floatClass:
		la, _ := floating(ta)
		if lb, _ := floating(tb); lb != nil {
			return func(x, y unsafe.Pointer) int {
				a, b := la(x), lb(y)
				switch {
				case a < b:
					return -1
				case a == b:
					return 0
				case a > b:
					return 1
				}
				return unordered
			}
		}
	case intClass:
		la := integer(ta)
		if lb := integer(tb); lb != nil {
			return func(x, y unsafe.Pointer) int { return cmp.Compare(la(x), lb(y)) }
		}
		if lb := unsigned(tb); lb != nil {
			return func(x, y unsafe.Pointer) int { return orderSigns(la(x), lb(y)) }
		}
	case uintClass:
		la := unsigned(ta)
		if lb := unsigned(tb); lb != nil {
			return func(x, y unsafe.Pointer) int { return cmp.Compare(la(x), lb(y)) }
		}
		if lb := integer(tb); lb != nil {
			return func(x, y unsafe.Pointer) int { return -orderSigns(lb(y), la(x)) }
		}
	}
	return nil
}

func orderSigns(a int64, b uint64) int {
	if a < 0 {
		return -1
	}
	return cmp.Compare(uint64(a), b)
}

// sameThing compiles eq for what is no basic value: with nil, or two values of one comparable type.
func (c *compiler) sameThing(a, b *expr, bad func() func(f *frame) bool) func(f *frame) bool {
	if a.json != nil || b.json != nil || a.fields != nil || b.fields != nil {
		return bad()
	}
	if a.typ == nil || b.typ == nil {
		if a.typ == nil && b.typ == nil {
			return func(*frame) bool { return true }
		}
		if a.typ == nil {
			a, b = b, a
		}
		switch a.typ.Kind() {
		case reflect.Pointer, reflect.Map, reflect.Slice, reflect.Func:
		default:
			return bad()
		}
		at := a.addr()
		return func(f *frame) bool {
			p := at(f)
			return p == nil || pointerAt(p) == nil
		}
	}
	if a.typ != b.typ || !a.typ.Comparable() || a.absent || b.absent {
		return bad()
	}
	pa, pb, t := a.addr(), b.addr(), a.typ
	if t.Kind() == reflect.Pointer {
		return func(f *frame) bool { return pointerAt(pa(f)) == pointerAt(pb(f)) }
	}
	return func(f *frame) bool {
		x := reflect.NewAt(t, pa(f)).Elem()
		return x.Equal(reflect.NewAt(t, pb(f)).Elem())
	}
}
