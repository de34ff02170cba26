package form

import "strconv"

// start appends the attributes that every control has: id, name, required, aria.
func (r *Render) start(dst []byte, f *field, p *problemOf) []byte {
	dst = append(dst, ` id="`...)
	dst = r.id(dst, f.Go)
	dst = append(dst, `" name="`...)
	dst = append(dst, f.Name...)
	dst = append(dst, '"')
	if f.Required {
		dst = append(dst, ` required`...)
	}
	if f.Autocomplete != "" {
		dst = appendAttr(dst, ` autocomplete="`, f.Autocomplete)
	}
	if p != nil {
		dst = append(dst, ` aria-invalid="true"`...)
	}
	return r.described(dst, f, p)
}

// input appends a control of one line.
func (r *Render) input(dst []byte, f *field, p *problemOf, value string) []byte {
	kind := f.inputType(value)
	dst = append(dst, `<input type="`...)
	dst = append(dst, kind...)
	dst = append(dst, '"')
	dst = r.start(dst, f, p)
	return f.limits(dst, kind, value)
}

// clear appends a password field as a line of text that shows what it holds. No program is to learn or mend what stands in it.
func (r *Render) clear(dst []byte, f *field, p *problemOf, value string) []byte {
	dst = r.start(append(dst, `<input type="text" spellcheck="false" autocapitalize="off"`...), f, p)
	if f.Min > 0 {
		dst = appendInt(dst, ` minlength="`, f.Min)
	}
	dst = append(dst, ` value="`...)
	return append(appendText(dst, value), `">`...)
}

// inputType is the type of a field's input. A browser empties a number or date control whose value it cannot read, so what
// was mistyped is shown in a text control: nothing typed is lost.
func (f *field) inputType(value string) string {
	switch f.Kind {
	case KindEmail:
		return "email"
	case KindURL:
		return "url"
	case KindPassword:
		return "password"
	case KindInt, KindUint, KindFloat:
		if value == "" || isDecimal(value) {
			return "number"
		}
	case KindDate, KindDateTime:
		if _, ok := readTime(f.Kind, value); value == "" || ok {
			if f.Kind == KindDate {
				return "date"
			}
			return "datetime-local"
		}
	}
	return "text"
}

// limits appends the limits and the value of an input of a type, and ends it.
func (f *field) limits(dst []byte, kind, value string) []byte {
	switch f.Kind {
	case KindText, KindEmail, KindURL:
		// maxlength counts UTF-16 units, so the browser is never looser than the field.
		dst = appendInt(dst, ` maxlength="`, f.Max)
		if f.Min > 0 {
			dst = appendInt(dst, ` minlength="`, f.Min)
		}
	case KindPassword:
		// No maxlength: a browser would cut a pasted password without a word, and the one that was kept is then not the one
		// that the visitor has.
		if f.Min > 0 {
			dst = appendInt(dst, ` minlength="`, f.Min)
		}
		return append(dst, '>')
	case KindInt, KindUint, KindFloat, KindDate, KindDateTime:
		if kind != "text" {
			dst = f.bounds(dst)
		}
		switch f.Kind {
		case KindInt, KindUint:
			dst = appendAttr(dst, ` inputmode="`, "numeric")
		case KindFloat:
			dst = appendAttr(dst, ` inputmode="`, "decimal")
		}
	}
	if f.InputMode != "" {
		dst = appendAttr(dst, ` inputmode="`, f.InputMode)
	}
	if value != "" {
		dst = append(dst, ` value="`...)
		dst = appendText(dst, value)
		dst = append(dst, '"')
	}
	return append(dst, '>')
}

// bounds appends min, max and step of a number or date control.
func (f *field) bounds(dst []byte) []byte {
	if f.Low != "" {
		dst = appendAttr(dst, ` min="`, f.Low)
	} else if f.Kind == KindUint {
		dst = appendAttr(dst, ` min="`, "0")
	}
	if f.High != "" {
		dst = appendAttr(dst, ` max="`, f.High)
	}
	switch f.Kind {
	case KindInt, KindUint:
		dst = appendAttr(dst, ` step="`, "1")
	case KindFloat:
		dst = appendAttr(dst, ` step="`, "any")
	}
	return dst
}

// appendAttr appends an attribute whose value is a constant of the program.
func appendAttr(dst []byte, start, value string) []byte {
	dst = append(dst, start...)
	dst = append(dst, value...)
	return append(dst, '"')
}

func (r *Render) lines(dst []byte, f *field, p *problemOf, t *typed) []byte {
	dst = append(dst, `<textarea`...)
	dst = r.start(dst, f, p)
	dst = appendInt(dst, ` maxlength="`, f.Max)
	if f.Min > 0 {
		dst = appendInt(dst, ` minlength="`, f.Min)
	}
	if f.Rows > 0 {
		dst = appendInt(dst, ` rows="`, f.Rows)
	}
	// A parser drops a line break right behind the tag, so one is always there: the visitor's own first one stays.
	dst = append(dst, ">\n"...)
	dst = appendText(dst, lineFeeds(t.value)) // sent as CRLF; the control's own line breaks are line feeds
	return append(dst, `</textarea>`...)
}

// file appends the control of an upload. It never has a value: a page cannot choose a file of its visitor.
func (r *Render) file(dst []byte, f *field, p *problemOf) []byte {
	dst = r.start(append(dst, `<input type="file"`...), f, p)
	return append(appendAttr(dst, ` accept="`, f.accept()), '>')
}

// fileHelp appends what the file may be, and when one was chosen before, that it must be chosen again.
func (r *Render) fileHelp(dst []byte, f *field, again bool) []byte {
	if f.Help != "" {
		dst = append(dst, ' ')
	}
	dst = appendText(dst, r.text(MsgFileLimits, f.typeWords(), sizeWords(f.MaxBytes)))
	if again {
		dst = append(dst, ' ')
		dst = appendText(dst, r.text(MsgFileAgain))
	}
	return dst
}

// hasHelp reports whether something stands below the label.
func (f *field) hasHelp() bool { return f.Help != "" || f.Kind.isUpload() }

func (r *Render) checkbox(dst []byte, f *field, p *problemOf, t *typed) []byte {
	dst = append(dst, `<input type="checkbox"`...)
	dst = r.start(dst, f, p)
	dst = append(dst, ` value="on"`...)
	if t.value == "on" {
		dst = append(dst, ` checked`...)
	}
	return append(dst, "> "...)
}

func (r *Render) choice(dst []byte, f *field, p *problemOf, t *typed, options []Option) []byte {
	dst = append(dst, `<select`...)
	dst = r.start(dst, f, p)
	dst = append(dst, `><option value="">`...)
	if f.Required {
		dst = appendText(dst, r.text(MsgChoose))
	}
	dst = append(dst, "</option>"...)
	for i := range options {
		o := &options[i]
		dst = append(dst, `<option value="`...)
		dst = appendText(dst, o.Value)
		dst = append(dst, '"')
		if t.given && t.value == o.Value {
			dst = append(dst, ` selected`...)
		}
		dst = append(dst, '>')
		dst = appendText(dst, r.optionLabel(o))
		dst = append(dst, `</option>`...)
	}
	return append(dst, `</select>`...)
}

func (r *Render) optionLabel(o *Option) string {
	if o.Label == "" {
		return r.author(o.Value)
	}
	return r.author(o.Label)
}

// checkboxes appends a list of choices. The first has the field's id, so that the summary leads to it.
func (r *Render) checkboxes(dst []byte, f *field, p *problemOf, t *typed, options []Option) []byte {
	for i := range options {
		o := &options[i]
		dst = append(dst, `<div><input type="checkbox" id="`...)
		dst = r.itemID(dst, f, i)
		dst = append(dst, `" name="`...)
		dst = append(dst, f.Name...)
		dst = append(dst, `" value="`...)
		dst = appendText(dst, o.Value)
		dst = append(dst, '"')
		if t.has(o.Value) {
			dst = append(dst, ` checked`...)
		}
		if p != nil {
			dst = append(dst, ` aria-invalid="true"`...)
		}
		dst = append(dst, `> <label for="`...)
		dst = r.itemID(dst, f, i)
		dst = append(dst, `">`...)
		dst = appendText(dst, r.optionLabel(o))
		dst = append(dst, `</label></div>`...)
	}
	return dst
}

// spareInputs is how many empty boxes a list shows behind the filled ones, within max_items.
const spareInputs = 3

// inputs appends a list of texts or numbers: a box for each value, and some empty ones.
func (r *Render) inputs(dst []byte, f *field, p *problemOf, t *typed) []byte {
	n := max(t.len(), min(f.MaxItems, t.len()+spareInputs))
	for i := range n {
		value := ""
		if i < t.len() {
			value = t.at(i)
		}
		kind := f.inputType(value)
		dst = append(dst, `<input type="`...)
		dst = append(dst, kind...)
		dst = append(dst, `" id="`...)
		dst = r.itemID(dst, f, i)
		dst = append(dst, `" name="`...)
		dst = append(dst, f.Name...)
		dst = append(dst, `" aria-label="`...)
		dst = appendText(dst, r.author(f.Label))
		dst = append(dst, ' ')
		dst = strconv.AppendInt(dst, int64(i+1), 10)
		dst = append(dst, '"')
		if p != nil {
			dst = append(dst, ` aria-invalid="true"`...)
		}
		dst = f.limits(dst, kind, value)
	}
	return dst
}

func (r *Render) itemID(dst []byte, f *field, i int) []byte {
	dst = r.id(dst, f.Go)
	if i > 0 {
		dst = append(dst, '-')
		dst = strconv.AppendInt(dst, int64(i+1), 10)
	}
	return dst
}
