package form

import (
	"fmt"
	"mime/multipart"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/secret"
)

var (
	timeType      = reflect.TypeFor[time.Time]()
	durationType  = reflect.TypeFor[time.Duration]()
	secretString  = reflect.TypeFor[secret.String]()
	secretBytes   = reflect.TypeFor[secret.Bytes]()
	fileFieldType = reflect.TypeFor[File]()
	imageType     = reflect.TypeFor[Image]()
	validatorType = reflect.TypeFor[Validator]()
	rawFiles      = []reflect.Type{
		reflect.TypeFor[*multipart.FileHeader](), reflect.TypeFor[multipart.FileHeader](), reflect.TypeFor[multipart.File](),
		reflect.TypeFor[*os.File](), reflect.TypeFor[[]byte](),
	}
)

// compiler collects the faults of one struct.
type compiler struct {
	spec    *Spec
	purpose purpose
	where   string // type and field, for findings
}

func (c *compiler) fault(rule check.Rule, what, do string) {
	c.spec.faults = append(c.spec.faults, rule.Finding(c.where, what, do))
}

func compile(t reflect.Type, p purpose) *Spec {
	s := &Spec{typ: t, label: t.String(), body: map[string]int{}, goNames: map[string]int{}}
	if t.Name() == "" && len(s.label) > 60 {
		s.label = "struct{…}"
	}
	c := &compiler{spec: s, purpose: p, where: s.label}
	if t.Kind() != reflect.Struct || t == timeType || t == secretString || t == secretBytes {
		c.fault(RuleStruct, fmt.Sprintf("%s is not a struct of form fields", t), "declare a struct with one tagged field for each control of the form")
	} else {
		for i := range t.NumField() {
			c.where = s.label + "." + t.Field(i).Name
			c.field(t.Field(i), i)
		}
		c.where = s.label
		if len(s.fields) == 0 && len(s.faults) == 0 && t.NumField() > 0 {
			c.fault(RuleStruct, "the struct has no exported field", "export the fields that may come in, or use struct{} for a form that is only a button")
		}
	}
	if len(s.faults) > 0 { // closed: a struct with faults binds and shows nothing
		return &Spec{typ: t, label: s.label, faults: s.faults}
	}
	s.public = make([]Field, len(s.fields))
	for i := range s.fields {
		s.public[i] = s.fields[i].Field
	}
	s.validates = t.Implements(validatorType) || reflect.PointerTo(t).Implements(validatorType)
	return s
}

// The keys of tags that are read here, and those of others that look like them. A tag's key stands at its beginning or behind
// the value before it.
var (
	tagKeys   = []string{"form", "path", "query", "label", "help", "autocomplete"}
	otherKeys = []string{"db", "json", "xml", "yaml", "toml", "bson", "env"}
	tagKey    = regexp.MustCompile(`(?:^|" *)([a-z_]+):"`)
)

func (c *compiler) field(sf reflect.StructField, index int) {
	formTag, hasForm := sf.Tag.Lookup("form")
	pathTag, hasPath := sf.Tag.Lookup("path")
	queryTag, hasQuery := sf.Tag.Lookup("query")
	for _, m := range tagKey.FindAllStringSubmatch(string(sf.Tag), -1) {
		if n, ok := check.Nearest(m[1], tagKeys); ok && !slices.Contains(tagKeys, m[1]) && !slices.Contains(otherKeys, m[1]) {
			c.fault(RuleTag, fmt.Sprintf("the tag %s is none that is read", m[1]), "did you mean "+n+"?")
		}
	}
	switch {
	case sf.Anonymous:
		c.fault(RuleEmbedded, fmt.Sprintf("%s is embedded", sf.Type), "write its fields down, one by one")
		return
	case !sf.IsExported():
		if hasForm || hasPath || hasQuery {
			c.fault(RuleStruct, "the field has a tag but is not exported, so it can never be bound", "export the field or take the tag away")
		}
		return
	case formTag == "-" || strings.HasPrefix(formTag, "-,") || pathTag == "-" || queryTag == "-":
		c.fault(RuleExclusion, "the tag excludes the field", "take the field out of the struct: a field is in by its tag")
		return
	case c.purpose == forForm && hasQuery:
		c.fault(RuleTag, "the field has a query tag, and a form is bound from its body only", "give it a form tag, or take it in a GET")
		return
	case c.purpose == forQuery && hasForm:
		c.fault(RuleTag, "the field has a form tag, and a GET is bound from path and query", `give it a query tag: query:"name"`)
		return
	case hasPath && (hasForm || hasQuery):
		c.fault(RuleTag, "the field has two sources", "leave one of the tags")
		return
	case !hasForm && !hasPath && !hasQuery:
		do := `give it a form tag, such as form:"required,max=500", or take it out of the struct`
		if c.purpose == forQuery {
			do = `give it a path:"name" or query:"name" tag, or take it out of the struct`
		}
		c.fault(RuleUntagged, "the exported field has no tag", do)
		return
	}
	before := len(c.spec.faults)
	f := field{Field: Field{Name: sf.Name, Go: sf.Name, Path: hasPath, Query: hasQuery}, index: index}
	tag := formTag
	if !hasForm {
		f.Name, tag, _ = strings.Cut(pathTag+queryTag, ",")
		if !validName(f.Name) {
			c.fault(RuleTag, fmt.Sprintf("%q is no name in an address", f.Name), "use letters, digits, _ - and ., at most 64")
			return
		}
	}
	f.Label, f.Help, f.Autocomplete = sf.Tag.Get("label"), sf.Tag.Get("help"), sf.Tag.Get("autocomplete")
	if f.Label == "" {
		f.Label = words(sf.Name)
	}
	for _, r := range f.Autocomplete {
		if !(r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' || r == ' ') {
			c.fault(RuleTag, fmt.Sprintf("autocomplete %q is no list of autofill tokens", f.Autocomplete), `use the tokens of HTML, such as "username", "new-password", "one-time-code"`)
			break
		}
	}
	o := c.options(tag)
	if o == nil || !c.kind(&f, sf.Type, o) || !c.place(&f) {
		return
	}
	c.rules(&f, o)
	o.rest(func(name string) {
		c.fault(RuleTag, fmt.Sprintf("the option %s does not fit a field of kind %s", name, f.describe()), "take it out, or change the field's type")
	})
	if len(c.spec.faults) > before {
		return
	}
	c.add(f)
}

func (c *compiler) add(f field) {
	at := len(c.spec.fields)
	for _, other := range c.spec.fields {
		if other.Name == f.Name {
			c.fault(RuleStruct, fmt.Sprintf("the name %q is taken by the field %s", f.Name, other.Go), "give each field a name of its own")
			return
		}
	}
	c.spec.fields = append(c.spec.fields, f)
	c.spec.goNames[f.Go] = at
	if f.Path {
		c.spec.paths = true
	} else {
		c.spec.body[f.Name] = at
	}
	c.spec.sealed = c.spec.sealed || f.Kind == KindSealed
	c.spec.uploads = c.spec.uploads || f.Kind.isUpload()
}

// kind decides the kind of a field by its type and options.
func (c *compiler) kind(f *field, t reflect.Type, o *options) bool {
	switch isFile := t == fileFieldType || t == imageType; {
	case !isFile && (o.has("max_bytes") || o.has("types") || slices.Contains(rawFiles, t) || t.Kind() == reflect.Slice && slices.Contains(append(rawFiles, fileFieldType, imageType), t.Elem())):
		c.fault(RuleUpload, fmt.Sprintf("%s cannot take an upload", t), "use form.File or form.Image, one field a file: they stay on the disk, and what they are is proven")
		return false
	case t == imageType:
		f.Kind = KindImage
		return true
	case isFile:
		f.Kind = KindFile
		return true
	}
	if t.Kind() == reflect.Slice {
		f.List = true
		t = t.Elem()
	}
	f.kind = t.Kind()
	switch {
	case t == durationType:
		return c.badType(t, "say in which unit: an int with a label such as \"Minutes\"")
	case t == timeType && !f.List:
		f.isTime = true
		switch {
		case o.take("date"):
			f.Kind = KindDate
		case o.take("datetime"):
			f.Kind = KindDateTime
		default:
			c.fault(RuleTag, "a time.Time does not say whether it is a date or a time", `add date or datetime to its tag`)
			return false
		}
	case t == secretString && !f.List:
		f.isSecret = true
		if !o.take("password") {
			c.fault(RuleTag, "a secret.String in a form is a password, and its tag does not say so", `add password to its tag`)
			return false
		}
		f.Kind = KindPassword
	case f.kind == reflect.String:
		return c.textKind(f, o)
	case f.kind >= reflect.Int && f.kind <= reflect.Int64:
		f.Kind = KindInt
	case f.kind >= reflect.Uint && f.kind <= reflect.Uint64:
		f.Kind = KindUint
	case f.kind == reflect.Float32 || f.kind == reflect.Float64:
		f.Kind = KindFloat
	case f.kind == reflect.Bool && !f.List:
		f.Kind = KindCheckbox
	case f.kind == reflect.Pointer:
		return c.badType(t, "use the type itself: what is absent is the zero value")
	case f.kind == reflect.Interface:
		return c.badType(t, "use the concrete type: a form has no values of unknown type")
	case f.kind == reflect.Map:
		return c.badType(t, "write its keys down as fields: a map would take any name")
	default:
		return c.badType(t, "use string, a number, bool, time.Time, secret.String, or a slice of strings or numbers")
	}
	if (f.Kind == KindInt || f.Kind == KindUint) && o.take("sealed") {
		f.Kind = KindSealed
	}
	return true
}

func (c *compiler) badType(t reflect.Type, do string) bool {
	c.fault(RuleType, fmt.Sprintf("a form cannot fill a field of type %s", t), do)
	return false
}

// textKind decides what a string is.
func (c *compiler) textKind(f *field, o *options) bool {
	f.Kind = KindText
	given := ""
	for _, one := range [...]struct {
		option string
		kind   Kind
	}{{"lines", KindLines}, {"email", KindEmail}, {"url", KindURL}, {"choices", KindChoice}, {"date", KindDate}, {"datetime", KindDateTime}, {"password", KindPassword}, {"sealed", KindSealed}} {
		if !o.has(one.option) {
			continue
		}
		if given != "" {
			c.fault(RuleTag, fmt.Sprintf("the field is both %s and %s", given, one.option), "leave one of them")
			return false
		}
		given, f.Kind = one.option, one.kind
		if one.option != "choices" { // its value is read later
			o.take(one.option)
		}
	}
	return true
}

// place decides whether a kind may be in a list, in a path or in a query.
func (c *compiler) place(f *field) bool {
	secretive := f.Kind == KindPassword || f.Kind == KindSealed
	switch {
	case f.List && (secretive || f.Kind == KindLines || f.Kind == KindDate || f.Kind == KindDateTime):
		c.fault(RuleTag, fmt.Sprintf("the kind %s does not fit a list", f.Kind), "take it out, or use a field that is no list")
	case (f.Path || f.Query) && f.Kind.isUpload():
		c.fault(RuleTag, fmt.Sprintf("the kind %s does not fit an address", f.Kind), "take it in a POST form")
	case (f.Path || f.Query) && secretive:
		c.fault(RulePasswordQuery, fmt.Sprintf("the value %q of an address is of kind %s", f.Name, f.Kind), "take it in a POST form")
	case f.Kind == KindPassword && !f.isSecret:
		c.fault(RulePlainPassword, "the password is kept as a plain text, which is printed wherever the struct is: in a log, an error, an answer's JSON", "make the field a secret.String: it prints as [redacted], and Reveal returns the text")
	case (f.Path || f.Query) && f.Kind == KindLines, f.Path && f.Kind == KindCheckbox:
		c.fault(RuleTag, fmt.Sprintf("the kind %s does not fit an address", f.Kind), "take it in a POST form")
	default:
		return true
	}
	return false
}

func (f *field) describe() string {
	if f.List {
		return "list of " + f.Kind.String()
	}
	return f.Kind.String()
}

func validName(s string) bool {
	if s == "" || len(s) > 64 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-' || c == '.') {
			return false
		}
	}
	return true
}

// words makes a label of a Go name: FirstName is "First name", UserID "User ID".
func words(name string) string {
	var b strings.Builder
	runes := []rune(name)
	for i, r := range runes {
		upper := unicode.IsUpper(r)
		lowerAfter := i+1 < len(runes) && unicode.IsLower(runes[i+1])
		if i > 0 && upper && (lowerAfter || !unicode.IsUpper(runes[i-1])) {
			b.WriteByte(' ')
		}
		if i > 0 && upper && lowerAfter {
			r = unicode.ToLower(r)
		}
		b.WriteRune(r)
	}
	return b.String()
}
