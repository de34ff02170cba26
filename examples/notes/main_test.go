package main

import (
	"testing"

	"github.com/merlon-web/merlon/merlontest"
)

func TestNotes(t *testing.T) {
	s := merlontest.Start(t, open)
	s.Visitor().Get("/notes/1").At("/sign-in?next=%2Fnotes%2F1")
	ann, ben := s.SignedIn("Ann"), s.SignedIn("Ben")
	ann.Get("/").Submit("/notes", merlontest.Values{"Text": "Buy <b>milk</b>"}).At("/notes/1").Has("Buy <b>milk</b>")
	ann.Get("/?words=milk").Has("Buy").Get("/?words=bread").HasNot("Buy").Has("Nothing found.")
	ben.Get("/notes/1").Is(404)
}
