package form

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// optionNames are the options that a tag may have.
var optionNames = []struct {
	name  string
	value int // whether it has a value: 0 never, 1 always, 2 either
}{
	{"required", 0}, {"max", 1}, {"min", 1}, {"lines", 0}, {"rows", 1}, {"password", 0}, {"email", 0}, {"url", 0}, {"date", 0},
	{"datetime", 0}, {"choices", 2}, {"sealed", 0}, {"max_items", 1}, {"inputmode", 1}, {"hidden", 0}, {"types", 1}, {"max_bytes", 1}, {"pixels", 1}, {"fit", 1},
}

// options are the parts of one tag that nothing has taken yet.
type options struct{ left []option }

type option struct {
	name, value string
	hasValue    bool
}

func (o *options) get(name string) (string, bool) {
	for i, one := range o.left {
		if one.name == name {
			o.left = slices.Delete(o.left, i, i+1)
			return one.value, true
		}
	}
	return "", false
}

func (o *options) take(name string) bool { _, ok := o.get(name); return ok }

func (o *options) has(name string) bool {
	return slices.ContainsFunc(o.left, func(one option) bool { return one.name == name })
}

func (o *options) rest(each func(name string)) {
	for _, one := range o.left {
		each(one.name)
	}
}

// options splits a tag; nil after a fault.
func (c *compiler) options(tag string) *options {
	o := &options{}
	if tag == "" {
		return o
	}
	for part := range strings.SplitSeq(tag, ",") {
		var one option
		one.name, one.value, one.hasValue = strings.Cut(part, "=")
		known := -1
		for i, n := range optionNames {
			if n.name == one.name {
				known = i
			}
		}
		switch {
		case known < 0:
			do := "the options are in the documentation of form.SpecOf"
			if near := nearest(one.name); near != "" {
				do = "did you mean " + near + "?"
			}
			c.fault(RuleTag, fmt.Sprintf("the option %q is not known", one.name), do)
			return nil
		case optionNames[known].value == 0 && one.hasValue:
			c.fault(RuleTag, fmt.Sprintf("the option %s takes no value", one.name), "write "+one.name+" alone")
			return nil
		case optionNames[known].value == 1 && one.value == "":
			c.fault(RuleTag, fmt.Sprintf("the option %s has no value", one.name), "write "+one.name+"=…")
			return nil
		case o.has(one.name):
			c.fault(RuleTag, fmt.Sprintf("the option %s is given twice", one.name), "leave one of them")
			return nil
		}
		o.left = append(o.left, one)
	}
	return o
}

// rules reads the options that limit a value.
func (c *compiler) rules(f *field, o *options) {
	if f.Kind != KindSealed && !f.Path {
		f.Required = o.take("required")
	}
	if f.Path || f.Kind == KindSealed {
		f.Required = true
	}
	if o.has("hidden") {
		c.hidden(f, o)
	}
	if f.List {
		if f.Path {
			c.fault(RuleType, "a path value is one value", "use the element's type")
		}
		f.MaxItems = c.number(o, "max_items", noMaxItems)
	}
	switch f.Kind {
	case KindText, KindLines, KindEmail, KindURL, KindPassword:
		c.textRules(f, o)
	case KindInt, KindUint, KindFloat:
		c.numberRules(f, o)
	case KindDate, KindDateTime:
		c.dateRules(f, o)
	case KindChoice:
		c.choiceRules(f, o)
	case KindFile, KindImage:
		c.uploadRules(f, o)
	}
	if mode, ok := o.get("inputmode"); ok {
		if !slices.Contains([]string{"numeric", "decimal", "tel", "search", "email", "url", "text"}, mode) || f.Kind != KindText {
			c.fault(RuleTag, fmt.Sprintf("inputmode %q does not fit a field of kind %s", mode, f.describe()), "one-line texts may have numeric, decimal, tel, search, email, url or text")
		}
		f.InputMode = mode
	}
}

// hidden reads the option hidden: the page carries the value, and nobody is asked for it.
func (c *compiler) hidden(f *field, o *options) {
	switch {
	case c.purpose == forQuery || f.Path:
		c.fault(RuleTag, "a value of an address is not printed, so it cannot be hidden", "take the option out")
	case f.List || f.Kind == KindPassword || f.Kind == KindSealed || f.Kind == KindLines || f.Kind == KindCheckbox || f.Kind.isUpload():
		c.fault(RuleTag, fmt.Sprintf("the option hidden does not fit a field of kind %s", f.describe()), "one value of one line can be hidden; what must not be changed belongs into the session")
	}
	f.Hidden = o.take("hidden")
}

// noMaxItems is the way out of a list without max_items.
const noMaxItems = "add max_items=…: the most values that the list may have"

const maxText = 1 << 20

func (c *compiler) textRules(f *field, o *options) {
	switch {
	case f.Kind == KindEmail && !o.has("max"):
		f.Max = 254 // RFC 5321 4.5.3.1.3, less the angle brackets
	default:
		f.Max = c.number(o, "max", "add max=…: the most code points that the text may have")
	}
	if o.has("min") {
		if f.Min = c.number(o, "min", ""); f.Min > f.Max && f.Max > 0 {
			c.fault(RuleTag, fmt.Sprintf("min=%d is above max=%d", f.Min, f.Max), "no text could pass: change one of them")
		}
	}
	if f.Kind == KindLines && o.has("rows") {
		f.Rows = c.number(o, "rows", "")
	}
}

// number reads an option that is a count; it is needed when missing tells what to do without it.
func (c *compiler) number(o *options, name, missing string) int {
	text, ok := o.get(name)
	if !ok {
		if missing != "" {
			c.fault(RuleNoLimit, "the field has no "+name, missing)
		}
		return 0
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > maxText || strconv.Itoa(n) != text {
		c.fault(RuleTag, fmt.Sprintf("%s=%s is not a number from 1 to %d", name, text, maxText), "write a whole number")
		return 0
	}
	return n
}

func (c *compiler) numberRules(f *field, o *options) {
	bits := int(bitsOf(f.kind))
	f.Low, _ = o.get("min")
	f.High, _ = o.get("max")
	var errLow, errHigh error
	switch f.Kind {
	case KindInt:
		f.lowInt, f.highInt = -1<<(bits-1), 1<<(bits-1)-1
		f.lowText, f.highText = strconv.FormatInt(f.lowInt, 10), strconv.FormatInt(f.highInt, 10)
		if f.Low != "" {
			f.lowInt, errLow = strconv.ParseInt(f.Low, 10, bits)
		}
		if f.High != "" {
			f.highInt, errHigh = strconv.ParseInt(f.High, 10, bits)
		}
		c.order(f, errLow, errHigh, f.lowInt > f.highInt)
	case KindUint:
		f.lowUint, f.highUint = 0, math.MaxUint64>>(64-bits)
		f.lowText, f.highText = "0", strconv.FormatUint(f.highUint, 10)
		if f.Low != "" {
			f.lowUint, errLow = strconv.ParseUint(f.Low, 10, bits)
		}
		if f.High != "" {
			f.highUint, errHigh = strconv.ParseUint(f.High, 10, bits)
		}
		c.order(f, errLow, errHigh, f.lowUint > f.highUint)
	case KindFloat:
		f.lowFloat, f.highFloat = -math.MaxFloat64, math.MaxFloat64
		if bits == 32 {
			f.lowFloat, f.highFloat = -math.MaxFloat32, math.MaxFloat32
		}
		f.lowText, f.highText = strconv.FormatFloat(f.lowFloat, 'g', 6, bits), strconv.FormatFloat(f.highFloat, 'g', 6, bits)
		if f.Low != "" {
			f.lowFloat, errLow = parseFloat(f.Low)
		}
		if f.High != "" {
			f.highFloat, errHigh = parseFloat(f.High)
		}
		c.order(f, errLow, errHigh, f.lowFloat > f.highFloat)
	}
}

func parseFloat(s string) (float64, error) {
	if !isDecimal(s) {
		return 0, strconv.ErrSyntax
	}
	return strconv.ParseFloat(s, 64)
}

// order reports limits that cannot be read or that let nothing through, and keeps their words.
func (c *compiler) order(f *field, errLow, errHigh error, crossed bool) {
	switch {
	case errLow != nil:
		c.fault(RuleTag, fmt.Sprintf("min=%s is no value of the field", f.Low), "write a value that fits the field's type")
	case errHigh != nil:
		c.fault(RuleTag, fmt.Sprintf("max=%s is no value of the field", f.High), "write a value that fits the field's type")
	case crossed:
		c.fault(RuleTag, fmt.Sprintf("min=%s is above max=%s", f.Low, f.High), "no value could pass: change one of them")
	}
	if f.Low != "" {
		f.lowText = f.Low
	}
	if f.High != "" {
		f.highText = f.High
	}
}

func bitsOf(k reflect.Kind) uintptr {
	switch k {
	case reflect.Int8, reflect.Uint8:
		return 8
	case reflect.Int16, reflect.Uint16:
		return 16
	case reflect.Int32, reflect.Uint32, reflect.Float32:
		return 32
	case reflect.Int, reflect.Uint:
		return strconv.IntSize
	}
	return 64
}

func (c *compiler) dateRules(f *field, o *options) {
	f.Low, _ = o.get("min")
	f.High, _ = o.get("max")
	var errLow, errHigh error
	if f.Low != "" {
		f.lowTime, errLow = parseTime(f.Kind, f.Low)
	}
	if f.High != "" {
		f.highTime, errHigh = parseTime(f.Kind, f.High)
	}
	c.order(f, errLow, errHigh, f.Low != "" && f.High != "" && f.lowTime.After(f.highTime))
}

func parseTime(k Kind, s string) (time.Time, error) {
	t, ok := readTime(k, s)
	if !ok {
		return t, strconv.ErrSyntax
	}
	return t, nil
}

func (c *compiler) choiceRules(f *field, o *options) {
	text, _ := o.get("choices")
	f.Offered = text == ""
	if f.Offered {
		if f.Query || f.Path {
			c.fault(RuleTag, "the choices of an address must be known when the program is written", "write choices=a|b")
		}
		return
	}
	for part := range strings.SplitSeq(text, "|") {
		value, label, labelled := strings.Cut(part, ":")
		value, label = strings.TrimSpace(value), strings.TrimSpace(label)
		switch {
		case value == "" || labelled && label == "":
			c.fault(RuleTag, fmt.Sprintf("the choice %q has no value or an empty label", part), "write value or value:Label; leave required away to let the field be empty")
		case slices.ContainsFunc(f.Choices, func(o Option) bool { return o.Value == value }):
			c.fault(RuleTag, fmt.Sprintf("the choice %q is given twice", value), "leave one of them")
		default:
			f.Choices = append(f.Choices, Option{value, label})
		}
	}
}

// nearest returns the option that a misspelt one was meant to be, "" when none is near.
func nearest(word string) string {
	best, least := "", 3
	for _, n := range optionNames {
		if d := distance(word, n.name); d < least {
			best, least = n.name, d
		}
	}
	return best
}

// distance is the number of letters to insert, delete or change.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
