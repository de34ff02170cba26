package page

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/secret"
)

var (
	frameType     = reflect.TypeFor[Frame]()
	htmlType      = reflect.TypeFor[HTML]()
	timeType      = reflect.TypeFor[time.Time]()
	errorType     = reflect.TypeFor[error]()
	stringerType  = reflect.TypeFor[fmt.Stringer]()
	formatterType = reflect.TypeFor[fmt.Formatter]()
	anyFormType   = reflect.TypeFor[form.Any]()
	marshalerType = reflect.TypeFor[json.Marshaler]()
	secretString  = reflect.TypeFor[secret.String]()
	secretBytes   = reflect.TypeFor[secret.Bytes]()
)

// typeName is a type's name for messages: without the package of the site's own types it would be longer than it helps.
func typeName(t reflect.Type) string {
	if t == nil {
		return "nil"
	}
	if t.Name() != "" {
		return t.Name()
	}
	if t.Kind() == reflect.Pointer {
		return "*" + typeName(t.Elem())
	}
	if t.Kind() == reflect.Slice {
		return "[]" + typeName(t.Elem())
	}
	return t.String()
}

// aType is typeName with its article: "an int", "a string".
func aType(t reflect.Type) string {
	name := typeName(t)
	if t == nil {
		return name
	}
	if strings.ContainsRune("aeioAEIO", rune(name[0])) {
		return "an " + name
	}
	return "a " + name
}

// opaque reports whether the fields of a type are none of a page's business: forms print themselves, HTML is only printed.
func opaque(t reflect.Type) bool {
	return t == htmlType || t == timeType || isForm(t)
}

func isForm(t reflect.Type) bool {
	return t != nil && t.Kind() == reflect.Struct && t.Implements(anyFormType)
}

// isSequence reports whether a type is an iterator: iter.Seq, iter.Seq2 or a function of their shape.
func isSequence(t reflect.Type) bool {
	return t.Kind() == reflect.Func && (t.CanSeq() || t.CanSeq2()) && t.In(0).NumIn() > 0
}

// typeFault returns the rule that a type breaks wherever it stands in page data, with why and what to do.
func typeFault(t reflect.Type) (r check.Rule, what, do string, bad bool) {
	switch {
	case t == secretString || t == secretBytes:
		return RuleSecret, fmt.Sprintf("is a %s", t), "give the page a struct of what it shows, without the secret", true
	case t.PkgPath() == "html/template":
		return RuleSafeType, fmt.Sprintf("is a %s, which is printed unescaped by html/template", t), "make it a string, which is escaped; markup from a sanitiser is a page.HTML, made by a sanitiser that page.InsecureHTML declares", true
	}
	switch t.Kind() {
	case reflect.Interface:
		return RuleType, fmt.Sprintf("is of interface type %s", t), "give it the type of the value it holds", true
	case reflect.Func:
		if !isSequence(t) {
			return RuleType, "is a function", "make it a method, or call it before and give the page its result", true
		}
	case reflect.Chan:
		return RuleType, "is a channel", "receive before, and give the page a slice or an iterator", true
	case reflect.UnsafePointer:
		return RuleType, "is an unsafe.Pointer", "give the page the value", true
	case reflect.Complex64, reflect.Complex128:
		return RuleType, "is a complex number", "give the page its parts as floats", true
	}
	return r, "", "", false
}

// typeFaults walks all that a page can reach from a type by fields and elements, and reports each place that breaks a rule.
func typeFaults(t reflect.Type, where string) check.Faults {
	var faults check.Faults
	seen := map[reflect.Type]bool{}
	var walk func(t reflect.Type, path string)
	walk = func(t reflect.Type, path string) {
		if r, what, do, bad := typeFault(t); bad {
			faults = append(faults, r.Finding(where, path+" "+what, do))
			return
		}
		if seen[t] || opaque(t) {
			return
		}
		seen[t] = true
		switch t.Kind() {
		case reflect.Pointer:
			walk(t.Elem(), path)
		case reflect.Slice, reflect.Array:
			walk(t.Elem(), path+"[]")
		case reflect.Map:
			walk(t.Key(), path+"[key]")
			walk(t.Elem(), path+"[]")
		case reflect.Func: // an iterator
			yield := t.In(0)
			for i := range yield.NumIn() {
				walk(yield.In(i), path+"[]")
			}
		case reflect.Struct:
			for i := range t.NumField() {
				f := t.Field(i)
				if f.IsExported() || f.Anonymous {
					walk(f.Type, path+"."+f.Name)
				}
			}
		}
	}
	walk(t, typeName(t))
	return faults
}

// allowed reports faults of the type of a method's result, which the walk over the data's fields does not reach.
func (c *compiler) allowed(t reflect.Type, src string, pos int) bool {
	if c.typesSeen[t] {
		return true
	}
	for _, f := range typeFaults(t, position(c.file, pos)) {
		f.What = src + ": " + f.What
		c.found = append(c.found, f)
		return false
	}
	if c.typesSeen == nil {
		c.typesSeen = map[reflect.Type]bool{}
	}
	c.typesSeen[t] = true
	return true
}

// memberNames lists what stands behind a dot: fields and methods.
func memberNames(t reflect.Type) []string {
	var all []string
	for p := t; ; p = p.Elem() {
		for i := range p.NumMethod() {
			all = append(all, p.Method(i).Name)
		}
		if p.Kind() != reflect.Pointer {
			break
		}
	}
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() == reflect.Struct {
		for _, f := range reflect.VisibleFields(t) {
			if f.IsExported() {
				all = append(all, f.Name)
			}
		}
	}
	return all
}
