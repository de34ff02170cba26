package form

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// maxUpload is the most that a field may take, in bytes: the limit of a body.
const maxUpload = 1 << 34

// uploadRules reads the options of an upload. Size and types are needed, of pictures the pixels too.
func (c *compiler) uploadRules(f *field, o *options) {
	f.MaxBytes = c.amount(o, "max_bytes", maxUpload, "add max_bytes=…: the most bytes that the file may have")
	c.types(f, o)
	picture := slices.ContainsFunc(f.Types, isPicture)
	if f.Kind == KindImage || o.has("pixels") && picture {
		missing := ""
		if f.Kind == KindImage {
			missing = "add pixels=…: the most that width times height may be; a small file can hold a picture that fills the memory"
		}
		f.Pixels = int(c.amount(o, "pixels", maxPixels, missing))
	}
	if picture {
		f.Fit = int(c.amount(o, "fit", 1<<14, ""))
	}
}

// amount reads an option that is a number up to most; it is needed when missing tells what to do without it.
func (c *compiler) amount(o *options, name string, most int64, missing string) int64 {
	text, ok := o.get(name)
	if !ok {
		if missing != "" {
			c.fault(RuleNoLimit, "the upload has no "+name, missing)
		}
		return 0
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 1 || n > most || strconv.FormatInt(n, 10) != text {
		c.fault(RuleTag, fmt.Sprintf("%s=%s is not a number from 1 to %d", name, text, most), "write a whole number")
		return 0
	}
	return n
}

func (c *compiler) types(f *field, o *options) {
	text, ok := o.get("types")
	if !ok {
		c.fault(RuleNoLimit, "the upload has no types", "add types=…, such as image/jpeg|image/png: what it may be")
		return
	}
	var known []string
	for _, t := range fileTypes {
		if f.Kind != KindImage || isPicture(t.name) {
			known = append(known, t.name)
		}
	}
	for name := range strings.SplitSeq(text, "|") {
		switch {
		case !slices.Contains(known, name):
			c.fault(RuleUpload, fmt.Sprintf("the type %q is none whose files can be proven to be of it", name), "use some of "+strings.Join(known, ", "))
		case slices.Contains(f.Types, name):
			c.fault(RuleTag, fmt.Sprintf("the type %q is given twice", name), "leave one of them")
		default:
			f.Types = append(f.Types, name)
		}
	}
}

// typeWords are the field's types as visitors know them: JPEG, PNG.
func (f *field) typeWords() string {
	var words []string
	for _, name := range f.Types {
		words = append(words, fileTypeOf(name).words)
	}
	return strings.Join(words, ", ")
}

// accept is what the control lets a visitor choose: the types and the extensions, which is a help and no limit.
func (f *field) accept() string {
	var all []string
	for _, name := range f.Types {
		all = append(all, name)
		for _, e := range fileTypeOf(name).extensions {
			all = append(all, "."+e)
		}
	}
	return strings.Join(all, ",")
}

// sizeWords is a number of bytes for visitors, rounded down: 8 MB, 1500 kB.
func sizeWords(n int64) string {
	switch {
	case n >= 10_000_000 || n >= 1_000_000 && n%1_000_000 == 0: // no fraction: languages write it in different ways
		return strconv.FormatInt(n/1_000_000, 10) + " MB"
	case n >= 1000:
		return strconv.FormatInt(n/1000, 10) + " kB"
	}
	return strconv.FormatInt(n, 10) + " B"
}
