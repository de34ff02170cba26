package merlontest

import (
	"bytes"
	"mime/multipart"
	"net/http"
)

// Upload is a file that a visitor chooses in a form.
type Upload struct {
	Field   string
	Name    string // of the file, as the visitor's machine calls it
	Content []byte
}

// SubmitFiles is [Visitor.Submit] for a form with uploads: it is sent as multipart/form-data, the fields first, then the files.
// Upload controls without a file are sent as browsers send them, with an empty name.
func (v *Visitor) SubmitFiles(action string, values Values, files ...Upload) *Visitor {
	v.t.Helper()
	f := v.form(action)
	if f == nil {
		v.t.Fatalf("merlontest: %s has no form with action %q; it has %v\n%s", v.Path, action, v.actions(), v.Body)
	}
	if got := attr(f, "enctype"); got != "multipart/form-data" {
		v.t.Fatalf("merlontest: the form %q of %s has the enctype %q: browsers send no file with it", action, v.Path, got)
	}
	fields, names := controls(f)
	for name, value := range values {
		if !names[name] {
			v.t.Fatalf("merlontest: the form %q of %s has no field %q; it has %v", action, v.Path, name, keys(names))
		}
		fields.Set(name, value)
	}
	chosen := map[string]*Upload{}
	for n := range f.Descendants() {
		if attr(n, "type") == "file" {
			fields.Del(attr(n, "name"))
			chosen[attr(n, "name")] = &Upload{Field: attr(n, "name")}
		}
	}
	for i := range files {
		if chosen[files[i].Field] == nil {
			v.t.Fatalf("merlontest: the form %q of %s has no upload %q; it has %v", action, v.Path, files[i].Field, keys(chosen))
		}
		chosen[files[i].Field] = &files[i]
	}
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, name := range keys(fields) {
		for _, value := range fields[name] {
			_ = w.WriteField(name, value)
		}
	}
	for _, name := range keys(chosen) {
		part, err := w.CreateFormFile(name, chosen[name].Name)
		if err != nil {
			v.t.Fatal(err)
		}
		_, _ = part.Write(chosen[name].Content)
	}
	_ = w.Close()
	return v.send(http.MethodPost, action, b.Bytes(), w.FormDataContentType())
}
