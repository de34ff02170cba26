package form

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/secret"
)

// A Validator is a T with rules of its own, on T or *T: it returns messages by Go field name, "" for the whole form, and is
// asked by [Bind] only when every field keeps its own rules. Choices that are offered at run time are not judged yet.
type Validator interface{ Validate() map[string]string }

// Bound is what [Bind] found besides the values.
type Bound struct {
	// Undeclared are the names that were sent and that the form's struct lacks, in the order sent, each once, cut to 64 bytes:
	// to be recorded by [RuleUndeclared]. They are a visitor's bytes, valid UTF-8 without control characters.
	Undeclared []string
	// Refusal, when not nil, says why nothing was bound. The form is then empty, and its Value answers false.
	Refusal *Refusal
}

// Bind binds a parsed body to a T: the declared fields only, each judged by its rules. The form it returns has the values,
// or what was typed with what is wrong with it. A scalar given twice, a file sent for a text, a broken seal and a path value
// that is not of its type refuse the request as a whole; ask [Bound].Refusal before the form is used.
//
// Path returns the values of path fields, as [http.Request.PathValue] does; it may be nil for a T without any.
func Bind[T any](body *Body, path func(name string) string) (Form[T], Bound) {
	spec := specFor(reflect.TypeFor[T](), forForm)
	var f Form[T]
	var bound Bound
	f.state, bound = spec.bind(body, path, reflect.ValueOf(&f.value).Elem())
	if bound.Refusal != nil {
		return Form[T]{}, bound
	}
	if spec.validates && !f.state.failedItself() {
		f.state.validate(any(&f.value).(Validator))
	}
	return f, bound
}

func (s *Spec) bind(body *Body, path func(string) string, into reflect.Value) (*state, Bound) {
	if len(s.faults) > 0 {
		return nil, Bound{Refusal: refuse(500, ruleOf(s.faults[0].ID), "the form's struct "+s.label+" has faults: "+s.faults[0].What)}
	}
	st := newState(s, true)
	var bound Bound
	if s.paths {
		bound.Refusal = s.bindPath(path, into)
	}
	if body == nil {
		body = newBody(false, 0)
	}
	for i := range body.entries {
		e := &body.entries[i]
		if e.taken {
			continue
		}
		at, declared := s.body[e.name]
		if !declared {
			if name := cut(e.name); !slices.Contains(bound.Undeclared, name) {
				bound.Undeclared = append(bound.Undeclared, strings.Clone(name))
			}
			continue
		}
		f, t := &s.fields[at], &st.typed[at]
		switch {
		case bound.Refusal != nil: // still go on: undeclared names are reported in any case
		case f.Kind.isUpload():
			bound.Refusal = st.addUpload(at, e)
		case body.json:
			bound.Refusal = f.addJSON(t, e, body)
		case e.file:
			bound.Refusal = refuse(400, RuleFile, fmt.Sprintf("the field %q was sent as a file", f.Name))
		case t.given && !f.List:
			bound.Refusal = refuse(400, RuleTwice, fmt.Sprintf("the field %q was given twice", f.Name))
		default:
			t.add(body.keep(e.value))
		}
	}
	for i := range s.fields {
		if f := &s.fields[i]; !f.Path && bound.Refusal == nil {
			if f.Kind.isUpload() {
				bound.Refusal = st.bindUpload(i, body.content, into.Field(f.index))
			} else {
				bound.Refusal = s.bindField(st, i, body.Sealer, into.Field(f.index))
			}
		}
	}
	return st, bound
}

// keep copies a value that would keep a large buffer alive for as long as the value is.
func (b *Body) keep(s string) string {
	if b.large {
		return strings.Clone(s)
	}
	return s
}

func (s *Spec) bindPath(path func(string) string, into reflect.Value) *Refusal {
	for i := range s.fields {
		f := &s.fields[i]
		if !f.Path {
			continue
		}
		sent := ""
		if path != nil {
			sent = path(f.Name)
		}
		clean, problem := f.read(sent)
		// One spelling for one address: no spaces that read trims, no zeros in front.
		if problem == "" && (clean == "" || clean != sent || f.Kind != KindText && hasLeadingZero(clean)) {
			problem = MsgRequired
		}
		if problem != "" {
			return refuse(404, RulePath, fmt.Sprintf("the path value %q is not one of kind %s", f.Name, f.Kind))
		}
		f.set(into.Field(f.index), clean)
	}
	return nil
}

func hasLeadingZero(s string) bool {
	digits := strings.TrimPrefix(s, "-")
	return len(digits) > 1 && digits[0] == '0' && digits[1] != '.' && isDecimal(digits) || s == "-0"
}

// bindField judges what was typed for one field and stores it. The refusal is for a broken seal.
func (s *Spec) bindField(st *state, at int, sealer Sealer, into reflect.Value) *Refusal {
	f, t := &s.fields[at], &st.typed[at]
	if f.Kind == KindSealed {
		return s.bindSealed(f, t, sealer, into)
	}
	defer func() {
		if f.Kind == KindPassword { // never kept for showing, but for who asks [Form.Reveal]
			if t.value != "" {
				if st.secrets == nil {
					st.secrets = make(map[int]secret.String, 1)
				}
				st.secrets[at] = secret.New(t.value)
			}
			t.value = ""
		}
	}()
	if f.List {
		st.bindList(f, at, into)
		return nil
	}
	clean, problem := "", ""
	if t.given {
		clean, problem = f.read(t.value)
	}
	switch {
	case problem != "":
	case clean == "" && f.Required:
		problem = MsgRequired
	case clean == "":
		return nil
	case f.Offered:
		problem = MsgNotOffered // until Offer has seen it
	}
	if problem != "" {
		st.problems = append(st.problems, problemOf{field: at, id: problem})
		if problem != MsgNotOffered {
			return nil
		}
	}
	f.set(into, clean)
	return nil
}

func (st *state) bindList(f *field, at int, into reflect.Value) {
	t := &st.typed[at]
	problem, n := "", 0
	for i := range t.len() {
		clean, wrong := f.read(t.at(i))
		if wrong != "" {
			problem = wrong
			break
		}
		if clean != "" { // empty boxes of a list are not values
			n++
		}
	}
	switch {
	case problem != "":
	case n > f.MaxItems:
		problem = MsgTooMany
	case n == 0 && f.Required:
		problem = MsgRequired
	case n > 0 && f.Offered:
		problem = MsgNotOffered
	}
	if problem != "" {
		st.problems = append(st.problems, problemOf{field: at, id: problem})
		if problem != MsgNotOffered {
			return
		}
	}
	if n == 0 {
		return
	}
	list := reflect.MakeSlice(into.Type(), n, n)
	n = 0
	for i := range t.len() {
		if clean, _ := f.read(t.at(i)); clean != "" {
			f.set(list.Index(n), clean)
			n++
		}
	}
	into.Set(list)
}

func (s *Spec) bindSealed(f *field, t *typed, sealer Sealer, into reflect.Value) *Refusal {
	broken := func(what string) *Refusal {
		return refuse(400, RuleSeal, fmt.Sprintf("the sealed field %q %s", f.Name, what))
	}
	switch {
	case sealer == nil:
		return broken("cannot be opened: the body has no Sealer")
	case !t.given:
		return broken("was left out")
	}
	value, ok := sealer.Open(s.sealLabel(f), t.value)
	if !ok {
		return broken("was changed, or was sealed for another place")
	}
	clean, bad := string(value), false
	switch {
	case into.CanInt():
		n, problem := readInt(clean)
		bad = problem != "" || into.OverflowInt(n)
	case into.CanUint():
		n, problem := readUint(clean)
		bad = problem != "" || into.OverflowUint(n)
	}
	if bad {
		return broken("holds another type than the struct: the program changed while the page was open")
	}
	f.set(into, clean)
	return nil
}

// sealLabel ties a sealed value to one field of one form.
func (s *Spec) sealLabel(f *field) string { return s.typ.PkgPath() + "." + s.label + "." + f.Go }

func (st *state) validate(v Validator) {
	messages := v.Validate()
	if len(messages) == 0 {
		return
	}
	for i := range st.spec.fields { // in the order of the struct: a map has none
		if m := messages[st.spec.fields[i].Go]; m != "" {
			st.problems = append(st.problems, problemOf{field: i, words: m})
		}
	}
	rest := make([]string, 0, len(messages))
	for name, m := range messages {
		if _, ok := st.spec.goNames[name]; !ok && m != "" {
			rest = append(rest, m)
		}
	}
	slices.Sort(rest)
	for _, m := range rest {
		st.problems = append(st.problems, problemOf{field: wholeForm, words: m})
	}
}

func ruleOf(id string) check.Rule {
	for _, r := range Rules() {
		if r.ID == id {
			return r
		}
	}
	return RuleStruct
}
