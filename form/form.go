package form

import (
	"fmt"
	"io"
	"log/slog"
	"reflect"
	"slices"
	"strings"

	"github.com/merlon-web/merlon/secret"
)

// A Form is what a visitor typed for a T, with the verdict on it. The zero value is an empty form: nothing typed yet, shown
// with empty fields. T is a struct as [SpecOf] describes it.
//
// A Form is a value: its methods return changed copies and never change the original, so it is safe for concurrent use.
type Form[T any] struct {
	value T
	state *state
}

// Any is every Form, whatever its T: what a page needs to print one. Only [Form] implements it, by value and by pointer; as
// a pointer it goes into the interface without an allocation.
type Any interface {
	FormSpec() *Spec
	stateOf() *state
}

// New returns a form that shows the values of initial and was not sent: an edit form on its GET page. Passwords are left
// out.
func New[T any](initial T) Form[T] {
	s := specFor(reflect.TypeFor[T](), forForm)
	st := newState(s, false)
	v := reflect.ValueOf(&initial).Elem()
	for i := range s.fields {
		f, t := &s.fields[i], &st.typed[i]
		switch from := v.Field(f.index); {
		case f.Path, f.Kind.isUpload():
		case f.List:
			for j := range from.Len() {
				t.add(f.text(from.Index(j)))
			}
		default:
			if text := f.text(from); text != "" {
				t.add(text)
			}
		}
	}
	return Form[T]{initial, st}
}

// Value returns the values, and whether they may be used: the form was sent, every field keeps its rules, nothing was
// rejected, and what had to be offered was. Otherwise the T has its path fields and nothing else.
func (f Form[T]) Value() (T, bool) {
	if f.state != nil && f.state.sent && len(f.state.problems) == 0 {
		return f.value, true
	}
	return onlyPath(f.FormSpec(), f.value), false
}

// onlyPath is a function of its own so that only a failed form is moved to the heap.
func onlyPath[T any](s *Spec, value T) T {
	var none T
	if s.paths {
		from, to := reflect.ValueOf(&value).Elem(), reflect.ValueOf(&none).Elem()
		for i := range s.fields {
			if s.fields[i].Path {
				to.Field(s.fields[i].index).Set(from.Field(s.fields[i].index))
			}
		}
	}
	return none
}

// Reject returns a copy of the form with a problem in the caller's own words: the field is shown with the message, and Value
// answers false. The empty field name means the whole form, and so does a name that the form lacks.
func (f Form[T]) Reject(field, message string) Form[T] {
	st := f.state.clone(f.FormSpec())
	at, ok := st.spec.goNames[field]
	if !ok {
		at = wholeForm
	}
	if message == "" { // a rejection without words is still one
		message = English(MsgInvalid)
	}
	st.problems = append(st.problems, problemOf{field: at, words: message})
	return Form[T]{f.value, st}
}

// Offer returns a copy of the form whose choice field has these options, for choices that are known only at run time: such a
// field is tagged choices, without values. It is needed in both places: before the form is shown, and, with the options of
// that moment, before Value is asked, which answers false until then. Offer panics when T has no such field: that is a
// fault of the program.
func (f Form[T]) Offer(field string, options ...Option) Form[T] {
	spec := f.FormSpec()
	at, ok := spec.goNames[field]
	if !ok || !spec.fields[at].Offered {
		panic(fmt.Sprintf("form: Offer(%q): %s has no such field with choices to offer; tag it form:\"choices\"", field, spec.label))
	}
	st := f.state.clone(spec)
	if st.offered == nil {
		st.offered = map[int][]Option{}
	}
	st.offered[at] = slices.Clone(options)
	st.problems = slices.DeleteFunc(st.problems, func(p problemOf) bool {
		return p.field == at && (p.id == MsgNotOffered || p.id == MsgChoice)
	})
	for i := range st.typed[at].len() {
		if v := st.typed[at].at(i); st.sent && v != "" && !hasOption(options, v) {
			st.problems = append(st.problems, problemOf{field: at, id: MsgChoice})
			break
		}
	}
	return Form[T]{f.value, st}
}

func hasOption(options []Option, value string) bool {
	return slices.ContainsFunc(options, func(o Option) bool { return o.Value == value })
}

// Reveal returns a copy of the form in which a password field is shown in the clear, with what was typed: for a button "show
// the password" that works without script. It has no problems, since nobody has asked for a judgement yet. The page with it
// is for the visitor who typed it, once: answer it with a status of 400 or more, so that it is kept nowhere.
func (f Form[T]) Reveal(field string) Form[T] {
	st := f.state.clone(f.FormSpec())
	st.problems = nil
	if at, ok := st.spec.goNames[field]; ok && st.spec.fields[at].Kind == KindPassword {
		st.revealed = map[int]bool{at: true}
	}
	return Form[T]{f.value, st}
}

// Secret returns what was typed into a password field, whatever the other fields say: for judging it together with them.
func (f Form[T]) Secret(field string) secret.String {
	at, ok := f.FormSpec().find(field)
	if !ok || f.state == nil {
		return secret.String{}
	}
	return f.state.secrets[at]
}

// Raw returns what was typed into a field, before any rule, or what [New] shows in it; of a list the first value. Of
// passwords it returns "".
func (f Form[T]) Raw(field string) string { return f.state.raw(f.FormSpec(), field) }

// Has reports whether value was typed into a field, or chosen in it: what a hand-written checkbox or option needs to know.
func (f Form[T]) Has(field, value string) bool {
	at, ok := f.FormSpec().find(field)
	return ok && f.state != nil && f.state.typed[at].has(value)
}

// Problem returns the first problem of a field in English or in the caller's own words, "" when there is none. The empty
// field name asks for the whole form. A page in another language asks [Render.Problem].
func (f Form[T]) Problem(field string) string {
	return new(Render).problem(f.FormSpec(), f.state, field)
}

// ProblemID returns the message id of the first problem of a field, one of the Msg constants; "" when there is none.
func (f Form[T]) ProblemID(field string) string {
	if p := f.state.first(f.FormSpec(), field); p != nil {
		if p.id == "" {
			return MsgInvalid
		}
		return p.id
	}
	return ""
}

// Failed reports whether the form has a problem: it was sent and breaks a rule, or was rejected.
func (f Form[T]) Failed() bool { return f.state != nil && len(f.state.problems) > 0 }

// Sent reports whether the form came from a visitor; a zero Form and one made by [New] did not.
func (f Form[T]) Sent() bool { return f.state != nil && f.state.sent }

// FormSpec returns the compiled description of T. For a struct with faults it has no fields: ask [SpecOf] for them.
func (f Form[T]) FormSpec() *Spec {
	if f.state != nil {
		return f.state.spec
	}
	return specFor(reflect.TypeFor[T](), forForm)
}

func (f Form[T]) stateOf() *state { return f.state }

// String returns the type's name and the number of problems, never what was typed: that may be a password.
func (f Form[T]) String() string {
	problems := 0
	if f.state != nil {
		problems = len(f.state.problems)
	}
	return fmt.Sprintf("form of %s with %d problems", reflect.TypeFor[T](), problems)
}

// GoString is [Form.String].
func (f Form[T]) GoString() string { return f.String() }

// LogValue implements [slog.LogValuer] as [Form.String].
func (f Form[T]) LogValue() slog.Value { return slog.StringValue(f.String()) }

// Format implements [fmt.Formatter]: every verb prints [Form.String].
func (f Form[T]) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, f.String()) }

// state is what a form knows beside its values. It is never changed after it was made: changes are made to a clone.
type state struct {
	spec     *Spec
	sent     bool
	typed    []typed // by field
	problems []problemOf
	offered  map[int][]Option
	secrets  map[int]secret.String // passwords as typed, for Reveal
	revealed map[int]bool          // password fields that are shown in the clear
	uploads  map[int]*upload       // what came for the upload fields
	few      [4]typed              // room for typed of a small form
}

func newState(s *Spec, sent bool) *state {
	st := &state{spec: s, sent: sent}
	if len(s.fields) <= len(st.few) {
		st.typed = st.few[:len(s.fields):len(s.fields)]
	} else {
		st.typed = make([]typed, len(s.fields))
	}
	return st
}

// typed is what was typed for one field.
type typed struct {
	given bool
	value string
	more  []string // of a list: the second value and on
}

func (t *typed) add(s string) {
	if t.given {
		t.more = append(t.more, s)
		return
	}
	t.given, t.value = true, s
}

func (t *typed) len() int {
	if !t.given {
		return 0
	}
	return 1 + len(t.more)
}

func (t *typed) at(i int) string {
	if i == 0 {
		return t.value
	}
	return t.more[i-1]
}

func (t *typed) has(s string) bool {
	return t.given && (t.value == s || slices.Contains(t.more, s))
}

const wholeForm = -1

// problemOf is one problem: a message id, or somebody's own words.
type problemOf struct {
	field     int
	id, words string
}

func (st *state) clone(spec *Spec) *state {
	if st == nil {
		return newState(spec, false)
	}
	c := &state{spec: spec, sent: st.sent, typed: st.typed}                                // what was typed is never changed any more
	c.problems, c.secrets, c.revealed = slices.Clone(st.problems), st.secrets, st.revealed // neither is changed any more
	if st.offered != nil {
		c.offered = make(map[int][]Option, len(st.offered)+1)
		for k, v := range st.offered {
			c.offered[k] = v
		}
	}
	return c
}

// failedItself reports problems other than choices that wait for their offer.
func (st *state) failedItself() bool {
	return slices.ContainsFunc(st.problems, func(p problemOf) bool { return p.id != MsgNotOffered })
}

func (st *state) raw(spec *Spec, field string) string {
	at, ok := spec.find(field)
	if !ok || st == nil {
		return ""
	}
	return strings.Clone(st.typed[at].value)
}

// first returns the first problem of a field, nil for none.
func (st *state) first(spec *Spec, field string) *problemOf {
	at := wholeForm
	if field != "" {
		var ok bool
		if at, ok = spec.find(field); !ok {
			return nil
		}
	}
	return st.firstAt(at)
}

func (st *state) firstAt(at int) *problemOf {
	if st == nil {
		return nil
	}
	for i := range st.problems {
		if st.problems[i].field == at {
			return &st.problems[i]
		}
	}
	return nil
}

// options returns the choices of a field, declared or offered.
func (st *state) options(s *Spec, at int) []Option {
	if f := &s.fields[at]; !f.Offered {
		return f.Choices
	}
	if st == nil {
		return nil
	}
	return st.offered[at]
}
