package check_test

import (
	"testing"

	"github.com/merlon-web/merlon/check"
)

func TestNearest(t *testing.T) {
	names := []string{"Title", "Text", "Author", "CreatedAt", "créé"}
	for name, want := range map[string]string{"Titel": "Title", "title": "Title", "Txet": "Text", "Autor": "Author", "createdat": "CreatedAt", "cree": "créé", "Password": "", "": "", "X": ""} {
		got, ok := check.Nearest(name, names)
		if ok != (want != "") || ok && got != want {
			t.Errorf("Nearest(%q) = %q, %v, want %q", name, got, ok, want)
		}
	}
	if got, ok := check.Nearest("Title", names); ok && got == "Title" {
		t.Error("the name itself is no suggestion")
	}
	if _, ok := check.Nearest("x", nil); ok {
		t.Error("a suggestion out of nothing")
	}
}
