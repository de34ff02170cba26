package page

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"text/template/parse"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/static"
)

// maxNodes bounds how much one page may grow by templates that are compiled into it at each call.
const maxNodes = 100_000

// unit is what the pages of one Files are compiled from.
type unit struct {
	opts    Options
	files   map[string]*file
	layers  []*Files               // by the number of a file's layer
	shared  map[string]*parse.Tree // templates of the shared files
	torn    bool                   // a shared file cannot be parsed: that is told, and nothing of the pages
	sources map[string]*source     // by the name of the file
	attrs   map[string]Sink
}

// compiler compiles one page. It walks the nodes of its templates in the order in which they will print, with the state of
// the HTML around them, and compiles the template that is called into the place of the call.
type compiler struct {
	*unit
	decl  *declaration
	file  *file // that the node at hand stands in
	trees map[string]*parse.Tree
	facts *Facts
	found check.Faults

	out    *block
	spare  []step // room for those of the next tag
	h      htmlState
	path   []arm // the branches that the node at hand stands in
	dead   bool  // behind a break or continue
	dot    *expr
	vars   []variable
	used   map[*parse.Tree]bool // templates that were called
	assign map[string]bool      // names that are assigned to somewhere

	slots int
	cells []cell
	nodes int
	calls []call
	loops []*openLoop
	subs  map[subKey]*subprogram
	queue []*subprogram

	typesSeen map[reflect.Type]bool // results of methods that were found allowed

	forms  []*openForm
	ids    map[string]*openForm // forms by constant id
	strays []strayControl       // controls with a form attribute
	brand  int                  // numbers the branches
}

// arm is one way through one branch: the n-th of branch id.
type arm struct{ id, n int }

type call struct {
	tree *parse.Tree
	typ  reflect.Type
}

// openLoop is a range that is being compiled: where break and continue lead.
type openLoop struct {
	start htmlState
	els   bool // in its else: continue leads to the range around it
}

// subprogram is a template that calls itself: it has frames of its own.
type subprogram struct {
	subKey
	file *file
	h    htmlState
	prog program
}

// subKey tells subprograms apart by all that decides how they compile.
type subKey struct {
	tree *parse.Tree
	typ  reflect.Type
	base base
}

// block collects steps.
type block struct{ steps []step }

func (b *block) text(s string) {
	if s != "" {
		b.steps = append(b.steps, step{text: s})
	}
}

func (b *block) add(s step) { b.steps = append(b.steps, s) }

func (b *block) do(f func(f *frame, dst []byte) []byte) { b.add(step{op: opDo, do: f}) }

// fuse joins each text with the step behind it.
func fuse(steps []step) []step {
	others := 0
	for i := range steps {
		if steps[i].op != opText {
			others++
		}
	}
	out := make([]step, 0, others+1)
	from := 0 // the first of the texts that wait
	for i, s := range steps {
		if s.op == opText {
			continue
		}
		s.text = joined(steps[from : i+1])
		s.body, s.els = fuse(s.body), fuse(s.els)
		out = append(out, s)
		from = i + 1
	}
	if text := joined(steps[from:]); text != "" {
		out = append(out, step{text: text})
	}
	return slices.Clip(out)
}

// joined returns the texts of steps in one.
func joined(steps []step) string {
	n, last := 0, ""
	for i := range steps {
		if t := steps[i].text; t != "" {
			n, last = n+len(t), t
		}
	}
	if n == len(last) {
		return last
	}
	var text strings.Builder
	text.Grow(n)
	for i := range steps {
		text.WriteString(steps[i].text)
	}
	return text.String()
}

// stop is the panic that ends the compilation of a page whose HTML cannot be followed any more.
type stop struct{}

// fault records a finding at a byte of the file at hand.
func (c *compiler) fault(r check.Rule, pos parse.Pos, what, do string) {
	f := r.Finding(position(c.file, int(pos)), what, do)
	for _, old := range c.found {
		if old.Where == f.Where && old.ID == f.ID && old.What == f.What {
			return // a template compiled at several calls
		}
	}
	c.found = append(c.found, f)
}

// abort is fault for what leaves the rest of the page without a meaning.
func (c *compiler) abort(r check.Rule, pos parse.Pos, what, do string) {
	c.fault(r, pos, what, do)
	panic(stop{})
}

// slot returns a new slot for a pointer.
func (c *compiler) slot() int {
	c.slots++
	return c.slots - 1
}

// cell returns a new slot with memory for a value of type t.
func (c *compiler) cell(t reflect.Type) int {
	i := c.slot()
	c.cells = append(c.cells, newCell(i, t))
	return i
}

// compile compiles the page. It returns nil with faults.
func (c *compiler) compile() (prog *program) {
	defer func() {
		if p := recover(); p != nil {
			if _, ok := p.(stop); !ok {
				panic(p)
			}
			prog = nil
		}
		if len(c.found) > 0 {
			prog = nil
		}
	}()
	tree := c.trees[c.decl.name]
	c.slots = 2
	c.out = &block{}
	c.dot = &expr{typ: c.decl.data, slot: 0, direct: true, stable: true, src: "."}
	c.begin()
	c.template(tree, c.dot, tree.Root.Position())
	c.end(parse.Pos(len(c.file.text)))
	prog = c.program(c.out.steps)
	for len(c.queue) > 0 {
		sub := c.queue[0]
		c.queue = c.queue[1:]
		c.compileSub(sub)
	}
	c.finishForms()
	return prog
}

// program makes the program of the steps, with the slots and cells that were given out for it.
func (c *compiler) program(steps []step) *program {
	return &program{steps: fuse(steps), slots: c.slots, cells: c.cells}
}

// template compiles a tree in the place at hand, with its own dot and variables.
func (c *compiler) template(tree *parse.Tree, dot *expr, pos parse.Pos) {
	file, oldDot, vars := c.file, c.dot, c.vars
	if src := c.sources[tree.ParseName]; src != nil {
		c.file = src.file
	}
	if c.used == nil {
		c.used = map[*parse.Tree]bool{}
	}
	c.used[tree] = true
	c.dot = dot
	c.vars = []variable{{name: "$", value: dot}}
	c.calls = append(c.calls, call{tree, typeOf(dot)})
	c.list(tree.Root)
	c.calls = c.calls[:len(c.calls)-1]
	c.file, c.dot, c.vars = file, oldDot, vars
}

func typeOf(e *expr) reflect.Type {
	if e == nil {
		return nil
	}
	return e.typ
}

func (c *compiler) list(l *parse.ListNode) {
	if l == nil {
		return
	}
	for _, n := range l.Nodes {
		c.node(n)
	}
}

// node compiles one node of a list. The kinds that text/template/parse puts into lists are these and no others.
func (c *compiler) node(n parse.Node) {
	if c.nodes++; c.nodes > maxNodes {
		c.abort(RuleLarge, n.Position(), fmt.Sprintf("the page has more than %d nodes", maxNodes), "let templates call each other less often")
	}
	switch n := n.(type) {
	case *parse.TextNode:
		c.text(string(n.Text), int(n.Pos))
	case *parse.CommentNode:
	case *parse.ActionNode:
		c.action(n)
	case *parse.IfNode:
		c.ifWith(&n.BranchNode, false)
	case *parse.WithNode:
		c.ifWith(&n.BranchNode, true)
	case *parse.RangeNode:
		c.rangeOver(n)
	case *parse.TemplateNode:
		c.callTemplate(n)
	case *parse.BreakNode:
		c.leave(n.Pos, opBreak)
	case *parse.ContinueNode:
		c.leave(n.Pos, opContinue)
	case *parse.ListNode:
		c.list(n)
	default:
		c.abort(RuleNode, n.Position(), fmt.Sprintf("%T: %s", n, n), "write it with if, with, range and template")
	}
}

// static finds who serves an address.
func (u *unit) static(address string) *static.Files {
	for _, f := range u.opts.Static {
		if p := f.Prefix(); len(address) >= len(p) && address[:len(p)] == p {
			return f
		}
	}
	return nil
}
