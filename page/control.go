package page

import (
	"fmt"
	"path"
	"strings"
	"text/template/parse"
	"unsafe"
)

// action compiles {{pipeline}}: it prints, or declares and assigns variables.
func (c *compiler) action(n *parse.ActionNode) {
	e := c.pipeline(n.Pipe)
	if len(n.Pipe.Decl) > 0 || e == nil {
		if e == nil && len(n.Pipe.Decl) == 0 {
			if _, ok := c.place(n.Pos); ok { // a fault of the place is told too
				c.hole()
			}
		}
		return
	}
	c.print(e, n.Pos)
}

// branch compiles several ways through the page, of which one will be taken, and joins the states in which they end.
func (c *compiler) branch(pos parse.Pos, arms ...func()) []*block {
	c.settle(pos)
	start, dead, out := c.h, c.dead, c.out
	pre := c.prefixes()
	c.brand++
	id := c.brand
	var blocks []*block
	var end *htmlState
	var endPre []string
	for i, arm1 := range arms {
		c.h, c.dead = start, dead
		c.setPrefixes(pre)
		c.out = &block{}
		blocks = append(blocks, c.out)
		c.path = append(c.path, arm{id, i})
		vars := len(c.vars)
		arm1()
		c.vars = c.vars[:vars]
		c.path = c.path[:len(c.path)-1]
		if c.dead {
			continue
		}
		c.h = settled(c.h)
		if end == nil {
			h := c.h
			end, endPre = &h, c.prefixes()
			continue
		}
		joined, why := join(*end, c.h)
		if why != "" {
			c.abort(RuleBranches, pos, "the branches end in different places: "+why, "let each branch hold whole elements, whole attributes, or text within one quoted value")
		}
		end = &joined
		endPre = union(endPre, c.prefixes())
	}
	c.out, c.dead = out, dead
	if end == nil { // every way ends in break or continue
		c.h, c.dead = start, true
		return blocks
	}
	c.h = *end
	c.setPrefixes(endPre)
	return blocks
}

// ifWith compiles {{if}} and {{with}}.
func (c *compiler) ifWith(n *parse.BranchNode, with bool) {
	vars := len(c.vars)
	e := c.pipeline(n.Pipe)
	bad := e == nil
	if bad {
		e = c.unknown()
	}
	if with {
		e = c.bind(e)
	}
	var s step
	if !bad {
		s = c.condition(e, n.Pipe.Position())
	}
	blocks := c.branch(n.Pos, func() {
		if with && !bad {
			dot := c.dot
			c.dot = c.present(e)
			c.list(n.List)
			c.dot = dot
			return
		}
		if !bad || !with { // the body of a bad with has no dot to be judged by
			c.list(n.List)
		}
	}, func() { c.list(n.ElseList) })
	c.vars = c.vars[:vars]
	s.body, s.els = blocks[0].steps, blocks[1].steps
	c.out.add(s)
}

// condition makes the step that asks for the truth of e.
func (c *compiler) condition(e *expr, pos parse.Pos) step {
	if e.direct && !e.absent {
		switch {
		case isBool(e.typ):
			return step{op: opIfBool, slot: int32(e.slot), off: e.off}
		case isString(e.typ):
			return step{op: opIfText, slot: int32(e.slot), off: e.off}
		}
	}
	return step{op: opIf, cond: c.truth(e, pos)}
}

// rangeOver compiles {{range}}.
func (c *compiler) rangeOver(n *parse.RangeNode) {
	vars := len(c.vars)
	pipe := *n.Pipe
	pipe.Decl = nil // they take the elements, not the value of the pipeline
	e := c.pipeline(&pipe)
	var r ranged
	if e != nil {
		r = c.ranged(e, n.Pipe.Position(), len(n.Pipe.Decl))
	}
	if r.elem == nil { // it was refused: its body has no dot to be judged by
		c.vars = c.vars[:vars]
		return
	}
	c.settle(n.Pos)
	if c.h.tag != nil && c.h.attr == nil {
		c.h.mode, c.h.space = inGap, false // an iteration begins where another ended
	}
	if a := c.h.attr; a != nil && a.isAddress() {
		c.fault(RuleBranches, n.Pos, "a range within an address", "let a method make the address, or write it out")
	}
	start := c.h
	loop := &openLoop{start: start}
	c.loops = append(c.loops, loop)
	var body step
	blocks := c.branch(n.Pos, func() {
		dot := c.dot
		c.dot = r.elem
		c.rangeVars(n.Pipe, r)
		c.list(n.List)
		c.dot = dot
		if !c.dead {
			if _, why := join(start, c.h); why != "" {
				c.abort(RuleBranches, n.Pos, "the body of the range does not end where it began: "+why, "let it hold whole elements, whole attributes, or text within one quoted value")
			}
		}
	}, func() {
		loop.els = true
		c.list(n.ElseList)
	})
	c.loops = c.loops[:len(c.loops)-1]
	c.vars = c.vars[:vars]
	body = r.step
	body.body, body.els = blocks[0].steps, blocks[1].steps
	c.out.add(body)
}

// rangeVars declares or assigns the variables of a range: with two the index comes first, with one it is the element.
func (c *compiler) rangeVars(pipe *parse.PipeNode, r ranged) {
	values := []*expr{r.elem}
	if len(pipe.Decl) == 2 {
		values = []*expr{r.index, r.elem}
	}
	for i, v := range pipe.Decl {
		if pipe.IsAssign {
			c.assignTo(v, values[i])
		} else {
			c.declareVar(v.Ident[0], values[i])
		}
	}
}

// leave compiles {{break}} and {{continue}}: what is open must be as it was where the iteration began.
func (c *compiler) leave(pos parse.Pos, op opcode) {
	if len(c.loops) == 0 {
		c.abort(RuleParse, pos, "break or continue outside of a range", "move it into the range")
	}
	i := len(c.loops) - 1
	for op == opContinue && i > 0 && c.loops[i].els {
		i--
	}
	l := c.loops[i]
	c.settle(pos)
	if _, why := join(l.start, c.h); why != "" {
		c.abort(RuleBranches, pos, "the iteration is left in another place than it began in: "+why, "close what the iteration opened before it is left")
	}
	c.out.add(step{op: op})
	c.dead = true
}

// callTemplate compiles {{template}} and {{block}}.
func (c *compiler) callTemplate(n *parse.TemplateNode) {
	tree := c.trees[n.Name]
	if tree == nil {
		do := "define it, or put it into a shared file: layout.html, or one in the folder shared"
		if hidden(n.Name) {
			do = "go:embed leaves out files that begin with _ or .: name it shared" + "/" + strings.TrimLeft(path.Base(n.Name), "_.")
		}
		c.fault(RuleTemplate, n.Pos, fmt.Sprintf("there is no template %q", n.Name), didYouMean(n.Name, names(c.trees), do))
		return
	}
	var dot *expr
	if n.Pipe != nil {
		if dot = c.pipeline(n.Pipe); dot == nil {
			return
		}
		if dot.typ == nil {
			c.fault(RuleArguments, n.Pos, fmt.Sprintf("template %q is given %s, which has no one type", n.Name, dot.src), "give it a value of one type")
			return
		}
		dot = c.bind(dot)
	}
	for _, open := range c.calls {
		if open.tree == tree && open.typ == typeOf(dot) {
			c.recurse(n, tree, dot)
			return
		}
	}
	if len(c.calls) >= 100 { // each call of a growing type would be another template
		c.abort(RuleLarge, n.Pos, "templates call each other 100 deep", "let templates call each other less often")
	}
	c.template(tree, dot, n.Pos)
}

// recurse compiles the call of a template from within itself: it runs as a program with frames of its own.
func (c *compiler) recurse(n *parse.TemplateNode, tree *parse.Tree, dot *expr) {
	if c.h.mode != inText || c.h.raw != nil || c.h.open != nil && c.h.open.space != "" {
		c.abort(RuleBranches, n.Pos, fmt.Sprintf("template %q calls itself within a tag or a picture", n.Name), "let it call itself between whole elements")
	}
	if dot == nil {
		c.abort(RuleLarge, n.Pos, fmt.Sprintf("template %q calls itself without data, so without end", n.Name), "give it the next value: {{template \"…\" .Next}}")
	}
	key := subKey{tree, dot.typ, baseOf(c.h)}
	sub := c.subs[key]
	if sub == nil {
		sub = &subprogram{subKey: key, file: c.file, h: c.h}
		if c.subs == nil {
			c.subs = map[subKey]*subprogram{}
		}
		c.subs[key] = sub
		c.queue = append(c.queue, sub)
	}
	at, where := dot.addr(), position(c.file, int(n.Pos))
	c.out.do(func(f *frame, dst []byte) []byte {
		p := at(f)
		if p == nil {
			panic(failure{where, "the data of the template is a missing key of a map"})
		}
		return sub.prog.call(f.env, dst, p, where)
	})
}

// compileSub compiles a template that calls itself, between elements as they were around its first call.
func (c *compiler) compileSub(sub *subprogram) {
	c.slots, c.cells, c.out = 2, nil, &block{}
	c.h = sub.base.state(sub.h)
	c.path, c.loops, c.calls, c.dead = nil, nil, nil, false
	start := c.h
	c.file = sub.file
	dot := &expr{typ: sub.typ, slot: 0, direct: true, stable: true, src: "."}
	c.template(sub.tree, dot, sub.tree.Root.Position())
	if _, why := join(start, c.h); why != "" {
		c.abort(RuleBranches, sub.tree.Root.Position(), fmt.Sprintf("template %q calls itself and does not end where it began: %s", sub.tree.Name, why), "let it hold whole elements")
	}
	p := c.program(c.out.steps)
	sub.prog.steps, sub.prog.slots, sub.prog.cells = p.steps, p.slots, p.cells
}

// unknown is the value of an expression that was refused: what is judged by its type is not judged at all.
func (c *compiler) unknown() *expr {
	no := false
	return &expr{typ: boolType, at: func(*frame) unsafe.Pointer { return unsafe.Pointer(&no) }, src: "?"}
}
