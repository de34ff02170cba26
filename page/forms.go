package page

import (
	"fmt"
	"reflect"
	"strings"
	"text/template/parse"
	"unsafe"

	"github.com/merlon-web/merlon/form"
)

// openForm is a form element that is being, or was, read.
type openForm struct {
	fact  *FormFact
	where string
	tag   *tag
	file  *file
}

// strayControl is a control that belongs to a form elsewhere, by its attribute form.
type strayControl struct {
	form    string
	control Control
	tag     *tag
}

// judgeForm judges a form element: it is sent to this site, by a method that is written down.
func (c *compiler) judgeForm(t *tag) {
	where := position(t.file, int(t.pos))
	method, there, _ := t.constant("method")
	method = strings.ToLower(strings.TrimSpace(method))
	switch {
	case !there:
		method = "get"
	case method != "get" && method != "post" && method != "dialog":
		c.tagFault(RuleForm, t, fmt.Sprintf("method %q, which browsers take for get", method), "write get or post; routes have no other method for forms")
		return
	}
	enctype, _, _ := t.constant("enctype")
	enctype = strings.ToLower(strings.TrimSpace(enctype))
	if enctype != "" && enctype != "application/x-www-form-urlencoded" && enctype != "multipart/form-data" {
		c.tagFault(RuleForm, t, fmt.Sprintf("enctype %q", enctype), "leave it out, or write multipart/form-data")
		return
	}
	actions := []string{""}
	if a := t.one("action"); a != nil {
		actions = a.pre
		if len(a.pre) != 1 || len(a.path) > t.depth {
			c.tagFault(RuleForm, t, "an action that differs from branch to branch", "choose the whole form with if")
			return
		}
	}
	p := ""
	if len(actions) == 1 {
		p = decoded(actions[0])
	}
	if isForeign(p) {
		c.tagFault(RuleFormOrigin, t, fmt.Sprintf("the form is sent to %s", pattern(p)), "send it to a route of this site; a page of another host is reached by a link or a redirect")
		return
	}
	f := &openForm{fact: &FormFact{Where: where, Method: method, Action: strings.ReplaceAll(p, holeMark, "{}"), Enctype: enctype, Token: -1}, where: where, tag: t, file: t.file}
	if method == "post" {
		for _, o := range c.forms {
			if o.fact.Method == "post" {
				f.fact.Token++
			}
		}
		f.fact.Token++
		c.facts.HasForm = true
	}
	c.forms = append(c.forms, f)
	if id, there, ok := t.constant("id"); there && ok && id != "" {
		if c.ids == nil {
			c.ids = map[string]*openForm{}
		}
		c.ids[id] = f
	}
	c.h.form = f
}

// judgeControl judges a control and records it with its form.
func (c *compiler) judgeControl(t *tag) {
	kind := t.name
	if t.name == "input" {
		kind, _, _ = t.constant("type")
		if kind = strings.ToLower(strings.TrimSpace(kind)); kind == "" {
			kind = "text"
		}
	}
	if kind == "image" {
		if a := t.one("src"); a != nil {
			for _, v := range a.pre {
				c.openSource(a, &c.facts.Policy.Img, decoded(v))
			}
		}
	}
	if kind == "password" {
		c.facts.Password = true
		if a := t.one("value"); a != nil && a.data {
			c.tagFault(RulePassword, t, "a password field that shows a value again", "leave value out: it is typed again")
			return
		}
	}
	if f := c.h.form; kind == "file" && f != nil && t.one("form") == nil {
		c.judgeFileForm(f, func(what, do string) { c.tagFault(RuleForm, t, what, do) })
	}
	for _, a := range t.attrs {
		if a.name == "formaction" {
			c.judgeFormaction(t, a)
		}
	}
	var names []string
	for _, a := range t.attrs {
		if a.name == "name" {
			for _, v := range a.pre {
				names = append(names, decoded(v))
			}
		}
	}
	if owner := t.one("form"); owner != nil {
		id, _, ok := t.constant("form")
		if !ok {
			c.tagFault(RuleForm, t, "a control whose form is chosen by a branch", "choose the whole control with if")
			return
		}
		for _, n := range append(names, "") {
			c.strays = append(c.strays, strayControl{id, Control{n, kind, position(t.file, int(t.pos))}, t})
		}
		return
	}
	if c.h.form == nil {
		return
	}
	if kind == "password" && c.h.form.fact.Method != "post" {
		c.tagFault(RulePassword, t, fmt.Sprintf("a password field in a form with method %s", c.h.form.fact.Method), `write <form method="post">`)
		return
	}
	for _, n := range names {
		c.h.form.fact.Controls = append(c.h.form.fact.Controls, Control{n, kind, position(t.file, int(t.pos))})
	}
}

// judgeFileForm holds a form with a file to the one way in which browsers send files: otherwise only their names come.
func (c *compiler) judgeFileForm(f *openForm, fault func(what, do string)) {
	switch {
	case f.fact.Method != "post":
		fault(fmt.Sprintf("a file in a form with method %s, which sends its name only", f.fact.Method), `write <form method="post" enctype="multipart/form-data">`)
	case f.fact.Enctype != "multipart/form-data":
		fault("a file in a form without enctype, which sends its name only", `write enctype="multipart/form-data" into the tag of the form`)
	}
}

// judgeFormaction judges a button that sends its form elsewhere: the token is the form's, so it may not.
func (c *compiler) judgeFormaction(t *tag, a *attr) {
	value, _, ok := t.constant("formaction")
	switch {
	case !ok:
		return // told by decisive
	case isForeign(value):
		c.tagFault(RuleFormOrigin, t, fmt.Sprintf("formaction sends the form to %s", value), "send it to a route of this site")
	case c.h.form == nil || c.h.form.fact.Method == "post":
		c.tagFault(RuleForm, t, fmt.Sprintf("formaction %q: the form's token is good for its own action", value), "make it a form of its own, or give the button a name and a value")
	}
}

// finishForms gives the controls outside of their form to it, and hands the forms to the facts.
func (c *compiler) finishForms() {
	for _, s := range c.strays {
		f := c.ids[s.form]
		switch {
		case f == nil:
			c.tagFault(RuleForm, s.tag, fmt.Sprintf("a control of form %q, which is not on the page", s.form), didYouMean(s.form, names(c.ids), "give the form that id, constant and in no branch"))
		case s.control.Type == "password" && f.fact.Method != "post":
			c.tagFault(RulePassword, s.tag, fmt.Sprintf("a password field of the form of %s, whose method is %s", f.where, f.fact.Method), `write <form method="post">`)
		case s.control.Type == "file":
			c.judgeFileForm(f, func(what, do string) { c.tagFault(RuleForm, s.tag, what, do) })
			fallthrough
		case s.control.Name != "":
			f.fact.Controls = append(f.fact.Controls, s.control)
		}
	}
	for _, f := range c.forms {
		c.facts.Forms = append(c.facts.Forms, *f.fact)
	}
}

// fieldCall is {{fields .Form}}, {{field .Form "Text"}} or {{problems .Form}}.
type fieldCall struct {
	fn   string
	form *expr
	name string
}

// fieldFunction compiles the functions that print a form.
func (c *compiler) fieldFunction(n *parse.IdentifierNode, nodes []parse.Node, args []*expr) *expr {
	want := 1
	if n.Ident == "field" {
		want = 2
	}
	if !c.count(n, args, want, want) {
		return nil
	}
	f := args[0]
	for f.typ != nil && f.typ.Kind() == reflect.Pointer && isForm(f.typ.Elem()) {
		f = c.follow(f, n.Ident+" "+f.src, n.Pos)
	}
	if !isForm(f.typ) {
		c.fault(RuleFields, n.Pos, fmt.Sprintf("%s of %s, %s", n.Ident, f.src, aType(f.typ)), "give it a form.Form[T]")
		return nil
	}
	f = c.required(f, n.Ident, n.Pos)
	call := &fieldCall{fn: n.Ident, form: f}
	if want == 2 {
		if args[1].word == nil {
			c.fault(RuleFields, n.Pos, "field with a name that is no constant", `write it in the page: {{field .Form "Text"}}`)
			return nil
		}
		call.name = *args[1].word
	}
	return &expr{fields: call, src: n.Ident + " " + f.src}
}

// spec compiles the struct of a form type, and reports its faults once.
func (c *compiler) spec(t reflect.Type, pos parse.Pos) *form.Spec {
	m, ok := t.MethodByName("Value")
	if !ok {
		return nil
	}
	spec, faults := form.SpecOf(m.Type.Out(0))
	for _, f := range faults {
		dup := false
		for _, old := range c.found {
			dup = dup || old == f
		}
		if !dup {
			c.found = append(c.found, f)
		}
	}
	return spec
}

// printFields compiles the printing of a form by room form, which escapes what it prints.
func (c *compiler) printFields(e *expr, pos parse.Pos) {
	call := e.fields
	if call.fn == tokenFn {
		c.printToken(call.name, pos)
		return
	}
	if _, ok := c.place(pos); !ok {
		return
	}
	if why := c.rawPlace(); why != "" {
		c.fault(RuleFields, pos, fmt.Sprintf("%s %s", e.src, why), "print it between the tags of the body")
		return
	}
	if c.h.open.within("p") {
		c.fault(RuleFields, pos, e.src+" in a paragraph, which the first field would end", "put it into a div, or directly into the form")
		return
	}
	spec := c.spec(call.form.typ, pos)
	if spec == nil {
		return
	}
	if call.fn != "problems" && !c.takeFields(call, spec, pos) {
		return
	}
	at := call.form.addr()
	sample, ok := reflect.New(call.form.typ).Interface().(form.Any)
	if !ok {
		return
	}
	name := call.name
	c.out.do(func(f *frame, dst []byte) []byte {
		a := sample
		(*[2]unsafe.Pointer)(unsafe.Pointer(&a))[1] = at(f) // see stringerAt
		r := f.env.render.Form
		if r == nil {
			r = &form.Render{}
		}
		switch call.fn {
		case "fields":
			return r.AppendFields(dst, a)
		case "field":
			return r.AppendField(dst, a, name)
		}
		return r.AppendProblems(dst, a)
	})
}

// takeFields holds the fields that will be printed against the form element around them.
func (c *compiler) takeFields(call *fieldCall, spec *form.Spec, pos parse.Pos) bool {
	f := c.h.form
	if f == nil {
		c.fault(RuleFields, pos, call.fn+" outside of a form element", `write <form method="post" action="…">{{fields .Form}}<button>…</button></form>`)
		return false
	}
	if f.fact.Spec != nil && f.fact.Spec.Type() != spec.Type() {
		c.fault(RuleFields, pos, fmt.Sprintf("fields of %s in a form with fields of %s", spec.Type(), f.fact.Spec.Type()), "give each struct a form of its own")
		return false
	}
	if call.name != "" && !c.hasField(spec, call.name, pos) {
		return false
	}
	f.fact.Spec = spec
	for _, field := range spec.Fields() {
		if field.Path || call.name != "" && field.Name != call.name {
			continue
		}
		if field.Kind == form.KindPassword {
			c.facts.Password = true
			if f.fact.Method != "post" {
				c.fault(RulePassword, pos, fmt.Sprintf("the password field %s in a form with method %s", field.Name, f.fact.Method), `write <form method="post">`)
				return false
			}
		}
		if field.Kind == form.KindFile || field.Kind == form.KindImage {
			bad := false
			c.judgeFileForm(f, func(what, do string) { bad = true; c.fault(RuleForm, pos, what, do) })
			if bad {
				return false
			}
		}
		f.fact.Controls = append(f.fact.Controls, Control{field.Name, field.Kind.String(), position(c.file, int(pos))})
	}
	return true
}
