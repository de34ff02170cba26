// Package sitetest holds the tests of the club, which it passes on every engine.
package sitetest

import (
	"bytes"
	"context"
	"image"
	"image/jpeg"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/merlontest"
)

// Open returns what opens the club for one test, with data of its own.
type Open func(t *testing.T) func(merlon.Env) (*merlon.Site, error)

// Run runs the tests as subtests.
func Run(t *testing.T, open Open) {
	for _, one := range []struct {
		name string
		test func(t *testing.T, open Open)
	}{
		{"visitor reads and writes", visitorReadsAndWrites},
		{"news and comments", newsAndComments},
		{"the last place is given once", theLastPlaceIsGivenOnce},
		{"members are found sorted and private", membersAreFoundSortedAndPrivate},
		{"a member has a photo", aMemberHasAPhoto},
		{"club speaks german", clubSpeaksGerman},
		{"who leaves takes everything but what was written", whoLeavesTakesEverythingButWhatWasWritten},
	} {
		t.Run(one.name, func(t *testing.T) { one.test(t, open) })
	}
}

func visitorReadsAndWrites(t *testing.T, open Open) {
	s := merlontest.Start(t, open(t))
	v := s.Visitor()
	v.Get("/").Is(200).Has("Row with us", "No news yet")
	v.Get("/contact").Submit("/contact", merlontest.Values{"Name": "Nora", "Email": "nora@example.org", "Text": "Hello"}).At("/contact").Has("Thank you.")
	v.Get("/members").At("/sign-in?next=%2Fmembers")
	v.Get("/board").At("/sign-in?next=%2Fboard")
	ben := s.SignedIn("Ben", "board")
	ben.Get("/board").Has("Nora", "Hello").Submit("/board/messages/1/done", nil).Has("All messages are done with.")
}

func newsAndComments(t *testing.T, open Open) {
	s := merlontest.Start(t, open(t))
	ben, ann := s.SignedIn("Ben", "board"), s.SignedIn("Ann")
	ben.Get("/board/news/new").Submit("/board/news", merlontest.Values{"Title": "A <new> boat", "Text": "She floats."}).At("/news/1").Has("A <new> boat", "Your news is out.")
	ann.Get("/news/1").Submit("/news/1/comments", merlontest.Values{"Text": "<script>alert(1)</script>"}).At("/news/1").Has("<script>alert(1)</script>")
	if strings.Contains(ann.Body, "<script>") {
		t.Error("the comment is markup")
	}
	ann.Submit("/news/1/comments", merlontest.Values{"Text": ""}).Is(422).Has("A <new> boat")
	ann.Get("/board/news/new").Is(403)
	ben.Get("/board/news/1/delete").Submit("/board/news/1/delete", nil).At("/board")
	ann.Get("/news/1").Is(404)
}

func theLastPlaceIsGivenOnce(t *testing.T, open Open) {
	s := merlontest.Start(t, open(t))
	ben := s.SignedIn("Ben", "board")
	ben.Get("/board/outings/new").Submit("/board/outings", merlontest.Values{"Title": "Lakes", "Place": "Quay", "Day": "2099-05-01", "Places": "1", "About": ""}).At("/outings/1").Has("1 of 1 free")
	ann, eve := s.SignedIn("Ann").Get("/outings/1"), s.SignedIn("Eve").Get("/outings/1")
	ann.Submit("/outings/1/join", nil).Has("You have a place.", "full")
	eve.Submit("/outings/1/join", nil).Has("The last place has just been taken.").HasNot("Eve,")
	ann.Submit("/outings/1/leave", nil).Has("1 of 1 free")
	s.Visitor().Get("/outings/1").HasNot("Who comes along")
}

func membersAreFoundSortedAndPrivate(t *testing.T, open Open) {
	s := merlontest.Start(t, open(t))
	ann := s.SignedIn("Ann Archer")
	s.SignedIn("Zoe 100% Zimmer")
	s.SignedIn("Bob Bruhn")
	ann.Get("/members?sort=name").Has("Ann Archer Bob Bruhn Zoe 100% Zimmer")
	ann.Get("/members?sort=newest").Has("Bob Bruhn Zoe 100% Zimmer Ann Archer")
	ann.Get("/members?q=%25").Has("Zoe").HasNot("Bob Bruhn") // a wildcard is a letter
	ann.Get("/members?sort=name;drop").Is(400)
	ann.Get("/members?sort=password").Is(400)
	ann.Get("/profile").Submit("/profile", merlontest.Values{"Name": "Ann A.", "Phone": "0461 12", "Boat": "eight", "About": "I row."}).At("/profile").Has("Your profile is saved.")
	other := s.SignedIn("Other")
	other.Get("/members/1").Has("Ann A.").HasNot("0461 12", "I row.")
	ann.Get("/profile").Submit("/profile", merlontest.Values{"Shown": "on"})
	other.Get("/members/1").Has("0461 12", "I row.", "eight")
}

// Photo is a picture as a telephone sends it: larger than what is kept, and with something behind its end.
func Photo(t testing.TB) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, image.NewGray(image.Rect(0, 0, 600, 400)), nil); err != nil {
		t.Fatal(err)
	}
	return append(b.Bytes(), "<script>alert(1)</script>"...)
}

func aMemberHasAPhoto(t *testing.T, open Open) {
	s := merlontest.Start(t, open(t))
	ann, other := s.SignedIn("Ann"), s.SignedIn("Other")
	photo := merlontest.Upload{Field: "Photo", Name: "../../me.jpg", Content: Photo(t)}
	ann.Get("/members/1/photo").Is(404)
	ann.Get("/profile").SubmitFiles("/profile/photo", nil).Is(422).Has("Choose a file.")
	ann.Get("/profile").SubmitFiles("/profile/photo", nil, merlontest.Upload{Field: "Photo", Name: "me.jpg", Content: []byte("<svg onload=alert(1)>")}).Is(422).Has("Choose one of these: JPEG, PNG.")
	ann.Get("/profile").SubmitFiles("/profile/photo", nil, photo).At("/profile").Has("Your photo is saved.", "Remove the photo")
	if ann.Get("/members/1/photo").Is(200); ann.Header.Get("Content-Type") != "image/jpeg" || ann.Header.Get("Cache-Control") != "no-store" || strings.Contains(ann.Body, "script") {
		t.Errorf("the photo: %v", ann.Header)
	}
	if c, err := jpeg.DecodeConfig(strings.NewReader(ann.Body)); err != nil || c.Width != 240 || c.Height != 160 {
		t.Errorf("the photo is %v, %v", c, err)
	}
	s.Visitor().Get("/members/1/photo").At("/sign-in?next=%2Fmembers%2F1%2Fphoto")
	other.Get("/members/1/photo").Is(404) // her profile is not shown
	ann.Get("/profile").Submit("/profile", merlontest.Values{"Shown": "on"})
	other.Get("/members/1/photo").Is(200)
	if other.Get("/members"); !strings.Contains(other.Body, `src="/members/1/photo" alt="Photo of Ann"`) {
		t.Errorf("the list shows no photo:\n%s", other.Body)
	}
	ann.Get("/account/export/file").Has("/members/1/photo")
	ann.Get("/profile").SubmitFiles("/profile/photo", nil, photo).Has("Your photo is saved.")
	ann.Get("/profile").Submit("/profile/photo/remove", nil).At("/profile").Has("Your photo is removed.").HasNot("Remove the photo")
	other.Get("/members/1/photo").Is(404)
}

// clubSpeaksGerman visits the club as a German browser does: every page of its own is German.
func clubSpeaksGerman(t *testing.T, open Open) {
	s := merlontest.Start(t, open(t))
	ben := s.SignedIn("Ben", "board")
	for _, c := range []struct{ path, want string }{
		{"/", "Rudern Sie mit"}, {"/news", "Hier ist noch nichts."}, {"/outings", "Noch ist keine Ausfahrt geplant."}, {"/members", "nach Namen"},
		{"/members/1", "Lieblingsboot"}, {"/profile", "Foto speichern"}, {"/profile", "Einer"}, {"/contact", "Ihre Nachricht"}, {"/board", "Alle Nachrichten sind erledigt."},
		{"/board/news/new", "Veröffentlichen"}, {"/board/outings/new", "Treffpunkt"}, {"/board/log", "Zurück zum Vorstand"}, {"/nowhere", "Diese Seite gibt es nicht"},
	} {
		r, err := http.NewRequest("GET", s.URL(c.path), nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Accept-Language", "de-DE,de;q=0.9,en;q=0.5")
		ben.Do(r).Has(c.want, "Neues", "Zum Inhalt")
		if !strings.Contains(ben.Body, `<html lang="de">`) {
			t.Errorf("%s does not say that it is German", c.path)
		}
	}
	ben.Get("/").Has("Row with us", "Sign out")
}

func whoLeavesTakesEverythingButWhatWasWritten(t *testing.T, open Open) {
	s := merlontest.Start(t, open(t))
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
