package page

import (
	"fmt"
	"reflect"
	"text/template/parse"
)

// sinkKind is how a value is made harmless in its place.
type sinkKind uint8

const (
	sinkNone      sinkKind = iota // no value may stand there
	sinkText                      // escaped
	sinkID                        // escaped, with a prefix if it is the whole value
	sinkLocal                     // an address of this site
	sinkLink                      // an address of any site
	sinkNumber                    // numeric types only
	sinkNumbers                   // the same, among constant text
	sinkEnum                      // one of some values
	sinkComponent                 // percent-encoded: a value of a query, a fragment
	sinkSegment                   // percent-encoded, and no dots: a segment of a path
)

// print compiles the action that prints e in the place at hand.
func (c *compiler) print(e *expr, pos parse.Pos) {
	switch {
	case e.json != nil:
		c.printJSON(e, pos)
		return
	case e.fields != nil:
		c.printFields(e, pos)
		return
	case e.typ == htmlType:
		c.printRaw(e, pos)
		return
	}
	sink, ok := c.place(pos)
	if !ok {
		return
	}
	c.hole()
	switch sink.kind {
	case sinkText, sinkID:
		c.printText(e, sink, pos)
	case sinkNumber, sinkNumbers:
		if !isNumber(e.typ) || printsItself(e.typ) {
			c.fault(RuleAttribute, pos, fmt.Sprintf("%s, %s, where a number is asked for", e.src, aType(e.typ)), "give it a value of a numeric type")
			return
		}
		c.printText(e, Text, pos)
	default:
		c.printSpecial(e, sink, pos)
	}
}

// printText compiles a value as text; the usual ones have steps of their own.
func (c *compiler) printText(e *expr, sink Sink, pos parse.Pos) {
	if sink.kind == sinkID {
		c.out.text(idPrefix)
	}
	if e.word != nil {
		c.out.text(string(appendHTML(nil, *e.word)))
		return
	}
	if e.direct && !e.absent && e.typ != nil && !printsItself(e.typ) {
		s := step{slot: int32(e.slot), off: e.off}
		switch e.typ.Kind() {
		case reflect.String:
			s.op = opString
		case reflect.Int:
			s.op = opInt
		case reflect.Int64:
			s.op = opInt64
		case reflect.Int32:
			s.op = opInt32
		}
		if s.op != opText {
			c.out.add(s)
			return
		}
	}
	if e.alts == nil && e.typ != nil && !e.absent && !printsItself(e.typ) {
		if a := appenderOf(e.typ); a != nil && classOf(e.typ) != floatClass { // digits and words need no escaping
			at := e.addr()
			c.out.do(func(f *frame, dst []byte) []byte { return a(dst, at(f)) })
			return
		}
	}
	text := c.textOf(e, pos)
	if text == nil {
		return
	}
	c.out.do(func(f *frame, dst []byte) []byte {
		n := len(f.env.tmp)
		dst = appendHTML(dst, text(f))
		f.env.tmp = f.env.tmp[:n]
		return dst
	})
}

// printSpecial compiles a value for the sinks of addresses and for enums.
func (c *compiler) printSpecial(e *expr, sink Sink, pos parse.Pos) {
	where := position(c.file, int(pos))
	if isNumber(e.typ) && !printsItself(e.typ) && !e.absent && classOf(e.typ) != floatClass && sink.kind != sinkEnum {
		c.printText(e, Text, pos) // digits and a minus lead nowhere
		return
	}
	if sink.kind == sinkSegment && e.direct && !e.absent && isString(e.typ) && !printsItself(e.typ) {
		x := &extra{where: where}
		c.h.attr.segments = append(c.h.attr.segments, x)
		c.out.add(step{op: opSegment, slot: int32(e.slot), off: e.off, more: x})
		return
	}
	text := c.textOf(e, pos)
	if text == nil {
		return
	}
	values, kind := sink.values, sink.kind
	seg := &extra{}
	if kind == sinkSegment {
		c.h.attr.segments = append(c.h.attr.segments, seg)
	}
	c.out.do(func(f *frame, dst []byte) []byte {
		n := len(f.env.tmp)
		s := text(f)
		switch kind {
		case sinkEnum:
			dst = appendEnum(dst, s, values)
		case sinkComponent:
			dst = appendComponent(dst, s)
		case sinkSegment:
			if s == "" && seg.inner || dots(s) {
				f.env.refusal(where)
			}
			dst = appendComponent(dst, s)
		case sinkLocal, sinkLink:
			switch r := reachOf(s); {
			case r == local, r == mail && kind == sinkLink:
				dst = appendAddress(dst, s)
			case r == foreign && kind == sinkLink:
				f.env.stray = true
				dst = appendAddress(dst, s)
			default:
				f.env.refusal(where)
				dst = append(dst, refused...)
			}
		}
		f.env.tmp = f.env.tmp[:n]
		return dst
	})
}

// printRaw compiles a value of type HTML: it stands where elements may.
func (c *compiler) printRaw(e *expr, pos parse.Pos) {
	if _, ok := c.place(pos); !ok {
		return
	}
	if why := c.rawPlace(); why != "" {
		c.fault(RuleRaw, pos, fmt.Sprintf("%s, raw HTML, %s", e.src, why), "print it between the tags of the body; elsewhere print a string")
		return
	}
	c.facts.Raw = append(c.facts.Raw, RawFact{position(c.file, int(pos)), e.src})
	at := e.addr()
	c.out.do(func(f *frame, dst []byte) []byte {
		if p := at(f); p != nil {
			return append(dst, (*HTML)(p).text...)
		}
		return dst
	})
}

// printJSON compiles {{data .X}}.
func (c *compiler) printJSON(e *expr, pos parse.Pos) {
	r := c.h.raw
	if r == nil || r.kind != rawJSON {
		if _, ok := c.place(pos); ok { // in a script the script is the fault
			c.fault(RuleData, pos, "data stands outside of a JSON data block", `write <script type="application/json" id="…">{{data .X}}</script>; print texts without data`)
		}
		return
	}
	if r.holes++; r.holes > 1 || r.text != "" && !blank(r.text) {
		c.fault(RuleData, pos, "a data block that is more than one {{data}}", "give it one struct: a value beside constant JSON can change its structure")
		return
	}
	x := e.json
	if x.typ == nil || x.alts != nil {
		c.fault(RuleData, pos, fmt.Sprintf("%s, which has no one type", x.src), "give data a value of one type")
		return
	}
	enc := c.encoder(x.typ, x.src, pos)
	if enc == nil {
		return
	}
	at, where := x.addr(), position(c.file, int(pos))
	c.out.do(func(f *frame, dst []byte) []byte {
		p := at(f)
		if p == nil {
			return append(dst, "null"...)
		}
		f.env.at = where
		return enc(dst, p, 0)
	})
}

// guarded makes an address one step: if one of its values is refused, the whole address is.
func guarded(steps []step) step {
	return step{op: opDo, do: func(f *frame, dst []byte) []byte {
		n := len(dst)
		f.env.refuse = false
		dst, _ = f.run(dst, steps)
		if f.env.refuse {
			dst = append(dst[:n], refused...)
		}
		return dst
	}}
}
