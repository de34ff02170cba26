package site_test

import (
	"context"
	"testing"
	"time"

	"github.com/merlon-web/merlon/examples/club/site"
	"github.com/merlon-web/merlon/merlontest"
)

func TestWhoLeavesTakesEverythingButWhatWasWritten(t *testing.T) {
	s := merlontest.Start(t, site.Open)
	ben, ann := s.SignedIn("Ben", "board"), s.SignedIn("Ann Archer")
	ben.Get("/board/news/new").Submit("/board/news", merlontest.Values{"Title": "A boat", "Text": "She floats."})
	ben.Get("/board/outings/new").Submit("/board/outings", merlontest.Values{"Title": "Lakes", "Place": "Quay", "Day": "2099-05-01", "Places": "1", "About": ""})
	ann.Get("/news/1").Submit("/news/1/comments", merlontest.Values{"Text": "Lovely"})
	ann.Get("/outings/1").Submit("/outings/1/join", nil).Has("full")
	ann.Get("/profile").Submit("/profile", merlontest.Values{"Phone": "0461 12", "Shown": "on"})
	ann.Clone().Get("/account/export/file").Has(`"Lovely"`, `"Lakes"`, `"0461 12"`)
	ben.Clone().Get("/account/export/file").HasNot(`"Lovely"`, `"0461 12"`)

	ann.Get("/account/leave").Submit("/account/leave", merlontest.Values{"Sure": "on"}).At("/").Has("Your account is to be deleted")
	ben.Get("/members").HasNot("Ann Archer") // from the first moment
	ben.Get("/news/1").Has("a former member", "Lovely")
	ben.Get("/outings/1").Has("full") // the place waits for her

	s.Advance(15 * 24 * time.Hour)
	for _, p := range s.Site.Parts() {
		for _, task := range p.Tasks {
			if err := task.Run(context.Background(), s.Site.House()); err != nil {
				t.Fatalf("%s: %v", task.Name, err)
			}
		}
	}
	s.Visitor().Get("/outings/1").Has("1 of 1 free")
	s.Visitor().Get("/news/1").Has("a former member", "Lovely")
}
