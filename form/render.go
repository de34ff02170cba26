package form

import (
	"reflect"
	"strconv"
)

// Render says how forms are printed: as plain HTML that works without script and passes the strictest content policy. Each
// field is
//
//	<div class="field [invalid]"> label, <p class="help">, <p class="error">, control </div>
//
// where the control is tied to help and error by aria-describedby and marked by aria-invalid (WCAG 2.2 1.3.1, 3.3.1, 3.3.2).
// The id of a control is the prefix and the field's name. What was typed is shown again, passwords never. All text is
// escaped. The zero Render prints in English. A Render may be used by several goroutines at once.
type Render struct {
	Text   Text                      // the framework's messages; nil: [English]
	Author func(words string) string // translates labels, help, choices and messages of the form's author; nil: as written
	Sealer Sealer                    // seals hidden values; nil: they are left out, and the form that comes back is refused
	Prefix string                    // of ids, for a second form on one page; "": "f-"
}

// AppendField appends one field, by its name, with label, help, problem and control. Path fields, and names that the form
// lacks, append nothing.
func (r *Render) AppendField(dst []byte, f Any, name string) []byte {
	s := f.FormSpec()
	if at, ok := s.find(name); ok {
		return r.field(dst, s, f.stateOf(), at)
	}
	return dst
}

// AppendFields appends all fields in the order of the struct.
func (r *Render) AppendFields(dst []byte, f Any) []byte {
	s, st := f.FormSpec(), f.stateOf()
	for at := range s.fields {
		dst = r.field(dst, s, st, at)
	}
	return dst
}

// AppendProblems appends the error summary, which belongs at the top of the page: a heading, and a link to each field that
// has a problem. It appends nothing when there is none.
func (r *Render) AppendProblems(dst []byte, f Any) []byte {
	s, st := f.FormSpec(), f.stateOf()
	if st == nil || len(st.problems) == 0 {
		return dst
	}
	dst = append(dst, `<div class="problems" role="alert" aria-labelledby="`...)
	dst = r.id(dst, "problems")
	dst = append(dst, `"><h2 id="`...)
	dst = r.id(dst, "problems")
	dst = append(dst, `">`...)
	dst = appendText(dst, r.text(MsgSummary))
	dst = append(dst, "</h2><ul>\n"...)
	for i := range st.problems {
		if p := &st.problems[i]; p.field == wholeForm {
			dst = append(dst, `<li>`...)
			dst = appendText(dst, r.message(nil, p))
			dst = append(dst, "</li>\n"...)
		}
	}
	for at := range s.fields {
		p := st.firstAt(at)
		if p == nil {
			continue
		}
		f := &s.fields[at]
		shown := !f.Path && !f.Hidden && f.Kind != KindSealed
		dst = append(dst, `<li>`...)
		if shown {
			dst = append(dst, `<a href="#`...)
			dst = r.id(dst, f.Go)
			dst = append(dst, `">`...)
		}
		dst = appendText(dst, r.author(f.Label))
		dst = append(dst, `: `...)
		dst = appendText(dst, r.message(f, p))
		if shown {
			dst = append(dst, `</a>`...)
		}
		dst = append(dst, "</li>\n"...)
	}
	return append(dst, "</ul></div>\n"...)
}

// AppendAgain is [Render.AppendFields] for a page that only asks to send the same form once more, and that nobody made offers
// for ([Form.Offer]): what was chosen among offers is carried along, hidden and not judged.
func (r *Render) AppendAgain(dst []byte, f Any) []byte {
	s, st := f.FormSpec(), f.stateOf()
	for at := range s.fields {
		f := &s.fields[at]
		made := st == nil
		if !made {
			_, made = st.offered[at]
		}
		if !f.Offered || made {
			dst = r.field(dst, s, st, at)
			continue
		}
		for i := range st.typed[at].len() {
			dst = appendHidden(dst, f.Name, st.typed[at].at(i))
		}
	}
	return dst
}

// Problem returns the first problem of a field in words, "" when there is none; the empty field name asks for the whole form.
func (r *Render) Problem(f Any, field string) string {
	return r.problem(f.FormSpec(), f.stateOf(), field)
}

func (r *Render) problem(s *Spec, st *state, field string) string {
	p := st.first(s, field)
	switch {
	case p == nil:
		return ""
	case p.field == wholeForm:
		return r.message(nil, p)
	}
	return r.message(&s.fields[p.field], p)
}

// AppendField is [Render.AppendField] in English.
func AppendField(dst []byte, f Any, name string) []byte { return new(Render).AppendField(dst, f, name) }

// AppendFields is [Render.AppendFields] in English.
func AppendFields(dst []byte, f Any) []byte { return new(Render).AppendFields(dst, f) }

// AppendProblems is [Render.AppendProblems] in English.
func AppendProblems(dst []byte, f Any) []byte { return new(Render).AppendProblems(dst, f) }

// field appends one field.
func (r *Render) field(dst []byte, s *Spec, st *state, at int) []byte {
	f := &s.fields[at]
	switch {
	case f.Path:
		return dst
	case f.Kind == KindSealed:
		return r.sealed(dst, s, st, at)
	case f.Hidden:
		value := ""
		if st != nil {
			value = st.typed[at].value
		}
		return appendHidden(dst, f.Name, value)
	}
	p := st.firstAt(at)
	box := `<div class="field`
	if f.List {
		box = `<fieldset class="field`
	}
	dst = append(dst, box...)
	if p != nil {
		dst = append(dst, ` invalid`...)
	}
	if f.List {
		dst = r.described(append(dst, '"'), f, p)
		dst = append(dst, `><legend>`...)
		dst = appendText(dst, r.author(f.Label))
		dst = append(dst, `</legend>`...)
	} else {
		dst = append(dst, `">`...)
	}
	if !f.List && f.Kind != KindCheckbox {
		dst = r.label(dst, f)
	}
	if f.hasHelp() {
		dst = append(dst, `<p class="help" id="`...)
		dst = r.id(dst, f.Go)
		dst = append(dst, `-help">`...)
		dst = appendText(dst, r.author(f.Help))
		if f.Kind.isUpload() {
			dst = r.fileHelp(dst, f, st != nil && st.typed[at].given)
		}
		dst = append(dst, `</p>`...)
	}
	if p != nil {
		dst = append(dst, `<p class="error" id="`...)
		dst = r.id(dst, f.Go)
		dst = append(dst, `-error">`...)
		dst = appendText(dst, r.message(f, p))
		dst = append(dst, `</p>`...)
	}
	t := typed{}
	if st != nil {
		t = st.typed[at]
	}
	switch {
	case f.List && f.Kind == KindChoice:
		dst = r.checkboxes(dst, f, p, &t, st.options(s, at))
	case f.List:
		dst = r.inputs(dst, f, p, &t)
	case f.Kind == KindChoice:
		dst = r.choice(dst, f, p, &t, st.options(s, at))
	case f.Kind.isUpload():
		dst = r.file(dst, f, p)
	case f.Kind == KindLines:
		dst = r.lines(dst, f, p, &t)
	case f.Kind == KindCheckbox:
		dst = r.checkbox(dst, f, p, &t)
		dst = r.label(dst, f)
	default:
		if st != nil && st.revealed[at] {
			dst = r.clear(dst, f, p, st.secrets[at].Reveal())
		} else {
			dst = r.input(dst, f, p, t.value)
		}
	}
	if f.List {
		return append(dst, "</fieldset>\n"...)
	}
	return append(dst, "</div>\n"...)
}

func (r *Render) label(dst []byte, f *field) []byte {
	dst = append(dst, `<label for="`...)
	dst = r.id(dst, f.Go)
	dst = append(dst, `">`...)
	dst = appendText(dst, r.author(f.Label))
	return append(dst, `</label>`...)
}

// described appends what ties a control, or the group of a list, to its help and its error.
func (r *Render) described(dst []byte, f *field, p *problemOf) []byte {
	if p == nil && !f.hasHelp() {
		return dst
	}
	dst = append(dst, ` aria-describedby="`...)
	if f.hasHelp() {
		dst = r.id(dst, f.Go)
		dst = append(dst, `-help`...)
	}
	if p != nil {
		if f.hasHelp() {
			dst = append(dst, ' ')
		}
		dst = r.id(dst, f.Go)
		dst = append(dst, `-error`...)
	}
	return append(dst, '"')
}

func (r *Render) id(dst []byte, name string) []byte {
	if r.Prefix == "" {
		return append(append(dst, "f-"...), name...)
	}
	return append(appendText(dst, r.Prefix), name...)
}

// sealed appends a hidden control: what came back as it came, or the value of New, sealed.
func (r *Render) sealed(dst []byte, s *Spec, st *state, at int) []byte {
	f := &s.fields[at]
	switch {
	case st == nil:
		return r.seal(dst, s, f, "")
	case st.sent:
		return appendHidden(dst, f.Name, st.typed[at].value)
	}
	return r.seal(dst, s, f, st.typed[at].value)
}

func (r *Render) seal(dst []byte, s *Spec, f *field, value string) []byte {
	if r.Sealer == nil {
		return dst
	}
	if value == "" && f.kind != reflect.String {
		value = "0"
	}
	dst = appendAttr(dst, `<input type="hidden" name="`, f.Name)
	dst = append(dst, ` value="`...)
	dst = r.Sealer.Seal(dst, s.sealLabel(f), []byte(value))
	return append(dst, "\">\n"...)
}

func appendHidden(dst []byte, name, value string) []byte {
	dst = appendAttr(dst, `<input type="hidden" name="`, name)
	dst = append(dst, ` value="`...)
	dst = appendText(dst, value)
	return append(dst, "\">\n"...)
}

func appendInt(dst []byte, name string, n int) []byte {
	dst = append(dst, name...)
	dst = strconv.AppendInt(dst, int64(n), 10)
	return append(dst, '"')
}
