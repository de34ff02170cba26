package main

import (
	"testing"

	"github.com/merlon-web/merlon/merlontest"
)

func TestSigningTheBook(t *testing.T) {
	v := merlontest.Start(t, open).Visitor().Get("/").Is(200).Has("Nobody has written yet.")
	v.Submit("/notes", merlontest.Values{"Author": "Ann", "Text": "<b>Hello</b>"}).Is(200).At("/").Has("Thank you.", "Ann", "<b>Hello</b>")
	v.Get("/").HasNot("Thank you.").Submit("/notes", merlontest.Values{"Author": "Ben", "Text": ""}).Is(422)
	if got := v.Value("/notes", "Author"); got != "Ben" {
		t.Errorf("after a refused form the name is %q, want what was typed", got)
	}
}
