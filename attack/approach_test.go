package attack_test

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/account"
	"github.com/merlon-web/merlon/attack"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/page"
	"github.com/merlon-web/merlon/sqlite"
)

// Doors, to which no link leads and which ask for a code that nobody makes up.
type (
	Door struct {
		ID    int64
		Owner string
		Code  string
		Label string
	}
	DoorPath struct {
		ID int64 `path:"id"`
	}
	NameDoor struct {
		ID    int64  `path:"id"`
		Code  string `form:"required,max=20"`
		Label string `form:"required,max=80"`
	}
	DoorPage struct {
		Door
		Form form.Form[NameDoor]
	}
)

//go:embed testdata/doors
var doorFiles embed.FS

var (
	doorPages  = page.From(doorFiles, "testdata/doors/pages")
	doorSchema = db.From(doorFiles, "testdata/doors/migrations").Named("doors")
	doorPage   = page.New[DoorPage](doorPages, "door.html")
	oneDoor    = db.Query[Door](doorSchema, "SELECT id, owner, code, label FROM door WHERE id = $1 LIMIT 1")
	addDoor    = db.Returning[int64](doorSchema, "INSERT INTO door (owner, code) VALUES ($1, $2) RETURNING id")
	nameDoor   = db.Exec(doorSchema, "UPDATE door SET label = $2 WHERE id = $1")
)

// house is a part with an approach, and may have a hole: anybody names everybody's door.
type house struct{ anybody bool }

func (house) show(r *merlon.Read[account.User], in DoorPath) (*merlon.Response, error) {
	d, err := oneDoor.One(r.DB, in.ID)
	if errors.Is(err, db.ErrNoRow) || err == nil && d.Owner != r.User.Email {
		return merlon.NotFound(), nil
	}
	return merlon.Show(doorPage, DoorPage{Door: d}), err
}

func (o house) name(w *merlon.Write[account.User], f form.Form[NameDoor]) (*merlon.Response, error) {
	in, ok := f.Value()
	d, err := oneDoor.One(w.DB, in.ID)
	switch {
	case err != nil && !errors.Is(err, db.ErrNoRow):
		return nil, err
	case err != nil, d.Owner != w.User.Email && !o.anybody:
		return merlon.NotFound(), nil
	case !ok || !strings.HasPrefix(in.Code, "code of "):
		return merlon.ShowStatus(422, doorPage, DoorPage{Door: d, Form: f}), nil
	}
	_, err = nameDoor.Run(w.DB, d.ID, in.Label)
	return merlon.Redirect("/doors/{id}", d.ID), err
}

// doors is the part. The second approach fails as it is told to.
func doors(anybody bool, last error) merlon.Part {
	o := house{anybody}
	walk := func(ctx context.Context, h *merlon.House, b merlon.Browser) (map[string]string, error) {
		c, err := account.Comes(ctx, h)
		if err != nil {
			return nil, err
		}
		var id int64
		err = h.Engine.Write(ctx, func(_ context.Context, w *db.Writer) (err error) {
			id, err = addDoor.Run(w, c.Email, "-")
			return err
		})
		if err != nil {
			return nil, err
		}
		b.SetCookie(c.Cookie)
		if status, err := b.Get(ctx, fmt.Sprintf("/doors/%d", id)); err != nil || status != 200 || !b.Has("Name it") || !strings.HasPrefix(b.Path(), "/doors/") {
			return nil, errors.Join(fmt.Errorf("the door answered %d", status), err)
		}
		if _, err := b.Submit(ctx, "/nowhere", nil); err == nil {
			return nil, errors.New("a form that is not there was sent")
		}
		return map[string]string{"Code": "code of " + c.Email[:9]}, nil
	}
	return merlon.Part{Name: "doors", Pages: doorPages, Schema: doorSchema, Routes: []merlon.Route{
		merlon.Get("/doors/{id}", account.SignedIn(), o.show),
		merlon.Post("/doors/{id}/name", account.SignedIn(), o.name),
	}, Approaches: []merlon.Approach{
		{Name: "who has a door", SignedIn: true, Go: walk},
		{Name: "who comes last", SignedIn: true, Last: true, Go: func(context.Context, *merlon.House, merlon.Browser) (map[string]string, error) { return nil, last }},
	}}
}

// TestApproach: a page to which no link leads is walked to, its form takes what the approach knows and is tried as every other, with
// another user's address too; where an approach does not lead is told.
func TestApproach(t *testing.T) {
	open := func(part merlon.Part) func(merlon.Env) (*merlon.Site, error) {
		return func(env merlon.Env) (*merlon.Site, error) {
			return merlon.New(env, merlon.Config{Name: "doors", Engine: sqlite.Engine("doors.db"), Parts: []merlon.Part{account.New(account.Config{}), part}})
		}
	}
	o := attack.Options{Routes: []string{"/doors/*"}, Classes: []string{"access", "injection"}, Budget: 5 * time.Minute}
	report, err := attack.Site(t.Context(), open(doors(true, errors.New("the way is barred"))), o)
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Findings) != 1 || report.Findings[0].ID != attack.RuleOthersDeed.ID || report.Findings[0].Route != "POST /doors/{id}/name" || report.Findings[0].As != "user who has a door" {
		t.Errorf("found %v", report.Findings)
	}
	if !slices.Contains(report.Coverage.NotReached, "what is seen as user who comes last: the way is barred") {
		t.Errorf("an approach that fails is not told:\n%s", report.Coverage)
	}
	o.Classes = []string{"output", "access", "forgery", "injection"}
	if report, err = attack.Site(t.Context(), open(doors(false, nil)), o); err != nil || len(report.Findings) != 0 {
		t.Errorf("invented: %v, %v", report.Findings, err)
	}
	for _, n := range report.Coverage.NotReached {
		if strings.Contains(n, "/doors") || strings.Contains(n, "who has a door") || strings.Contains(n, "who comes last") {
			t.Error(n)
		}
	}
	o.As = []string{"admin"} // those who come by an approach have no role
	if report, err = attack.Site(t.Context(), open(doors(false, nil)), o); err != nil || !slices.Contains(report.Coverage.NotReached, "route GET /doors/{id}: no page or form led there") {
		t.Errorf("asked for an administrator alone, %v:\n%s", err, report.Coverage)
	}
}
