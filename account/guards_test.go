package account_test

import (
	"crypto/sha256"
	"net/http"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/account"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/merlontest"
	"github.com/merlon-web/merlon/sqlite"
)

// Guards that another guard stands before: each is tried here by itself.

// TestLinksRestHashed: the code of a mailed link is not in the database, its hash is. (OWASP ASVS 5.0 6.5.2)
func TestLinksRestHashed(t *testing.T) {
	s := merlontest.Start(t, openWith(account.Config{}))
	addUser(t, s, ann)
	askReset(s.Visitor(), ann)
	code := path.Base(link(t, s, ann, 0))
	rests := ""
	s.Read(func(r *db.Reader) (err error) {
		rests, err = account.TicketHashes(r)
		return err
	})
	if strings.Contains(rests, code) {
		t.Error("the code of a link rests as it is in the mail")
	}
	if sum := sha256.Sum256([]byte(code)); !strings.Contains(rests, string(sum[:])) {
		t.Error("the SHA-256 of the code does not rest: this test looks at something else")
	}
}

// TestALinkIsSpentOnceAndInTime: the statement itself takes a link once and only while it lasts, whatever was looked at before.
func TestALinkIsSpentOnceAndInTime(t *testing.T) {
	s := merlontest.Start(t, openWith(account.Config{}))
	id := addUser(t, s, ann)
	issued := s.Now()
	for _, c := range []struct {
		name string
		at   []time.Duration // when it is spent, after it was issued
		want []bool
	}{
		{"at once", []time.Duration{0, 0}, []bool{true, false}},
		{"at its last moment", []time.Duration{30*time.Minute - time.Microsecond, 0}, []bool{true, false}},
		{"too late", []time.Duration{30 * time.Minute}, []bool{false}},
	} {
		s.Write(func(w *db.Writer) error {
			code, err := account.IssueReset(w, id, ann, issued)
			for i, after := range c.at {
				used, useErr := account.SpendReset(w, code, issued.Add(after))
				if useErr != nil {
					return useErr
				}
				if used != c.want[i] {
					t.Errorf("%s, time %d: spent is %t, want %t", c.name, i+1, used, c.want[i])
				}
			}
			return err
		})
	}
}

// TestADisabledAccountIsNobody: also in a session that was not ended.
func TestADisabledAccountIsNobody(t *testing.T) {
	s := merlontest.Start(t, open)
	v := s.SignedIn("Ann").Get("/private").At("/private")
	s.Write(func(w *db.Writer) error { return account.ShutOut(w, v.UserID, s.Now()) })
	v.Get("/private").At("/sign-in?next=%2Fprivate")
}

// TestDisablingEndsSessions: who is let in again signs in again; what a thief had open does not come back.
func TestDisablingEndsSessions(t *testing.T) {
	s := merlontest.Start(t, open)
	v := s.SignedIn("Ann").Get("/private").At("/private")
	s.Write(func(w *db.Writer) error { return account.Disable(s.Site.House(), w, v.UserID, true) })
	s.Write(func(w *db.Writer) error { return account.ShutOut(w, v.UserID, time.UnixMicro(0)) })
	v.Get("/private").At("/sign-in?next=%2Fprivate")
}

func enterByOne(w *merlon.Write[account.Guest], f form.Form[turn]) (*merlon.Response, error) {
	in, _ := f.Value()
	return account.EnterByOne(w, in.User)
}

// TestNoSignInSkipsTheSecondStep: a way in that forgets to ask for the code of a user who has an app signs nobody in.
func TestNoSignInSkipsTheSecondStep(t *testing.T) {
	s := merlontest.Start(t, func(env merlon.Env) (*merlon.Site, error) {
		return merlon.New(env, merlon.Config{Name: "test", Title: "Test", Engine: sqlite.Engine("test.db"), Pages: pages,
			Parts: []merlon.Part{account.New(account.Config{}), {Name: "keys", Pages: keyPages, Routes: []merlon.Route{
				merlon.Get("/key", account.Anyone(), showKey), merlon.Post("/key", account.Anyone(), enterByOne),
				merlon.Post("/key/add", account.SignedIn(), addKey)}}},
			Routes: []merlon.Route{merlon.Get("/", account.Anyone(), home), merlon.Get("/private", account.SignedIn(), private)}})
	})
	addUser(t, s, "ann@example.test")
	addUser(t, s, "ben@example.test")
	v := s.Visitor().Get("/key").Submit("/key", merlontest.Values{"User": "1"}).At("/")
	v.Get("/private").At("/private") // without an app
	setUp(t, s, signIn(s.Visitor(), "ben@example.test", good))
	v = s.Visitor().Get("/key").Submit("/key", merlontest.Values{"User": "2"}).Is(500)
	v.Get("/private").At("/sign-in?next=%2Fprivate")
}

// TestAnOldLinkIsNotTraded: what became of it is said where it was opened.
func TestAnOldLinkIsNotTraded(t *testing.T) {
	s := merlontest.Start(t, openWith(account.Config{}))
	addUser(t, s, ann)
	askReset(s.Visitor(), ann)
	to := link(t, s, ann, 0)
	open := func() *merlontest.Visitor {
		r, err := http.NewRequest(http.MethodGet, s.URL(to), nil)
		if err != nil {
			t.Fatal(err)
		}
		return s.Visitor().Do(r)
	}
	open().Is(http.StatusSeeOther)
	s.Advance(30 * time.Minute)
	if v := open().Is(http.StatusGone); v.Cookie("__Host-test-step") != "" || !strings.Contains(s.Log.String(), account.RuleLink.ID) {
		t.Error("an old link was traded, or is no event")
	}
}
