package page

import (
	"fmt"
	"strconv"
	"sync"
	"unsafe"
)

// A page is compiled to steps. A step appends its text and then does one thing. Steps read the data at fixed offsets from
// pointers in the slots of a frame; what makes that safe:
//
//   - each offset was computed by package reflect from the very type that the slot points to, and the type of a slot's
//     value is fixed when the page is compiled;
//   - a slot holds an unsafe.Pointer into memory that the garbage collector knows by its type: the page's data, memory
//     reachable from it, or a cell made by reflect.New; never a uintptr;
//   - a pointer of the data is checked for nil before it is followed, an index for its range;
//   - steps only write to cells, never to the data.
type step struct {
	text string
	op   opcode
	slot int32
	off  uintptr

	do   func(f *frame, dst []byte) []byte // opDo
	cond func(f *frame) bool               // opIf
	body []step
	els  []step
	more *extra
}

type opcode uint8

const (
	opText    opcode = iota // the text alone
	opString                // a string, escaped
	opInt                   // an int
	opInt64                 // an int64
	opInt32                 // an int32
	opSegment               // a string as one segment of an address
	opDo                    // what a closure does
	opIf                    // body or els
	opIfBool                // the same, by a bool of the data
	opIfText                // the same, by a string of the data
	opRange                 // body for each element of a slice
	opLoop                  // body for each element of something else
	opBreak
	opContinue
	opToken // the hidden field of form number off
)

// extra is what few steps need.
type extra struct {
	// opRange, opLoop
	size  uintptr // of an element
	elem  int32   // slot of the element
	index int32   // slot of the index's cell, -1 for none
	walk  func(f *frame, dst []byte, body func(dst []byte) ([]byte, signal)) ([]byte, bool)

	// opSegment
	tail  string // what follows in the address
	back  int    // how many bytes of the address stand before; -1 if more than constants do: the address is guarded
	inner bool   // another segment follows
	where string
}

// signal says why steps stopped.
type signal uint8

const (
	done signal = iota
	broke
	continued
)

// program is the compiled form of a page, or of a template that calls itself.
type program struct {
	steps  []step
	slots  int
	cells  []cell
	frames sync.Pool
}

// cell is a slot that points to memory of its own, for what is computed while a page is printed.
type cell struct {
	slot int
	make func() unsafe.Pointer
	zero func(unsafe.Pointer) // forgets what it holds
}

// frame is one activation of a program.
type frame struct {
	slots []unsafe.Pointer
	env   *env
}

// env is one rendering: what all its frames share.
type env struct {
	tmp    []byte // a stack of texts being made; users cut it back to where they found it
	render *Render
	site   Frame
	lang   int
	stray  bool // an address of the tag being written leads to another host
	refuse bool // an address of data was refused
	depth  int
	at     string // the place of the last call into the site's own code, for errors
}

var envs = sync.Pool{New: func() any { return &env{tmp: make([]byte, 0, 512)} }}

// frame returns a frame with its cells; slot 0 is for the data, slot 1 for $site.
func (p *program) frame(e *env) *frame {
	f, ok := p.frames.Get().(*frame)
	if !ok {
		f = &frame{slots: make([]unsafe.Pointer, p.slots)}
		for _, c := range p.cells {
			f.slots[c.slot] = c.make()
		}
	}
	f.env = e
	f.slots[1] = unsafe.Pointer(&e.site)
	return f
}

// release forgets all that the frame points to, so that one visitor's data does not stay in memory for the next.
func (p *program) release(f *frame) {
	f.env = nil
	kept := 0
	for i := range f.slots {
		if kept < len(p.cells) && p.cells[kept].slot == i {
			p.cells[kept].zero(f.slots[i])
			kept++
			continue
		}
		f.slots[i] = nil
	}
	p.frames.Put(f)
}

// maxDepth is how often templates may call themselves within each other: data that points to itself has no end.
const maxDepth = 1000

// call runs the program of a template that calls itself.
func (p *program) call(e *env, dst []byte, dot unsafe.Pointer, where string) []byte {
	if e.depth++; e.depth > maxDepth {
		panic(failure{where, "templates call themselves more than 1,000 deep; does the data point to itself?"})
	}
	f := p.frame(e)
	f.slots[0] = dot
	dst, _ = f.run(dst, p.steps)
	p.release(f)
	e.depth--
	return dst
}

// failure is a fault of the data, met while a page is printed. It is a panic within the package and an error outside.
type failure struct{ where, what string }

func (f failure) Error() string { return fmt.Sprintf("page: %s: %s", f.where, f.what) }

func (f *frame) run(dst []byte, steps []step) ([]byte, signal) {
	for i := range steps {
		s := &steps[i]
		dst = append(dst, s.text...)
		switch s.op {
		case opText:
		case opString:
			dst = appendHTML(dst, *(*string)(unsafe.Add(f.slots[s.slot], s.off)))
		case opInt:
			dst = strconv.AppendInt(dst, int64(*(*int)(unsafe.Add(f.slots[s.slot], s.off))), 10)
		case opInt64:
			dst = strconv.AppendInt(dst, *(*int64)(unsafe.Add(f.slots[s.slot], s.off)), 10)
		case opInt32:
			dst = strconv.AppendInt(dst, int64(*(*int32)(unsafe.Add(f.slots[s.slot], s.off))), 10)
		case opSegment:
			dst = f.segment(dst, s)
		case opDo:
			dst = s.do(f, dst)
		case opIf:
			body := s.els
			if s.cond(f) {
				body = s.body
			}
			var sig signal
			if dst, sig = f.run(dst, body); sig != done {
				return dst, sig
			}
		case opIfBool:
			body := s.els
			if *(*bool)(unsafe.Add(f.slots[s.slot], s.off)) {
				body = s.body
			}
			var sig signal
			if dst, sig = f.run(dst, body); sig != done {
				return dst, sig
			}
		case opIfText:
			body := s.els
			if *(*string)(unsafe.Add(f.slots[s.slot], s.off)) != "" {
				body = s.body
			}
			var sig signal
			if dst, sig = f.run(dst, body); sig != done {
				return dst, sig
			}
		case opRange:
			var sig signal
			if dst, sig = f.rangeSlice(dst, s); sig != done {
				return dst, sig
			}
		case opLoop:
			var sig signal
			if dst, sig = f.rangeOther(dst, s); sig != done {
				return dst, sig
			}
		case opBreak:
			return dst, broke
		case opContinue:
			return dst, continued
		case opToken:
			dst = f.env.render.Tokens.AppendField(dst, int(s.off))
		}
	}
	return dst, done
}

// slice is the header of every slice.
type slice struct {
	data unsafe.Pointer
	len  int
	cap  int
}

// rangeSlice runs the body for each element of a slice of the data.
func (f *frame) rangeSlice(dst []byte, s *step) ([]byte, signal) {
	l := (*slice)(unsafe.Add(f.slots[s.slot], s.off))
	if l.len == 0 {
		return f.otherwise(dst, s)
	}
	m := s.more
	data, n := l.data, l.len
	for i := range n {
		f.slots[m.elem] = unsafe.Add(data, uintptr(i)*m.size)
		if m.index >= 0 {
			*(*int)(f.slots[m.index]) = i
		}
		var sig signal
		if dst, sig = f.run(dst, s.body); sig == broke {
			break
		}
	}
	return dst, done
}

// rangeOther runs the body for each element that walk brings.
func (f *frame) rangeOther(dst []byte, s *step) ([]byte, signal) {
	dst, any := s.more.walk(f, dst, func(dst []byte) ([]byte, signal) { return f.run(dst, s.body) })
	if !any {
		return f.otherwise(dst, s)
	}
	return dst, done
}

// otherwise runs the else of a range. As in text/template a break in it ends the else; a continue is the outer range's.
func (f *frame) otherwise(dst []byte, s *step) ([]byte, signal) {
	dst, sig := f.run(dst, s.els)
	if sig == broke {
		sig = done
	}
	return dst, sig
}

// segment appends a string of the data as one segment of an address. A segment that browsers would resolve away, or that
// is empty in the middle of a path, takes the whole address with it.
func (f *frame) segment(dst []byte, s *step) []byte {
	v := *(*string)(unsafe.Add(f.slots[s.slot], s.off))
	if dots(v) || v == "" && s.more.inner {
		f.env.refusal(s.more.where)
		if s.more.back < 0 {
			return dst
		}
		return append(dst[:len(dst)-s.more.back], refused...)
	}
	return append(appendComponent(dst, v), s.more.tail...)
}

// refusal tells who shows the page that an address was refused.
func (e *env) refusal(where string) {
	e.refuse = true
	if e.render.Refused != nil {
		e.render.Refused(RuleRefused, where)
	}
}
