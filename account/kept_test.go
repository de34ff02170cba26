package account_test

import (
	"embed"
	"strings"
	"testing"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/account"
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/merlontest"
	"github.com/merlon-web/merlon/page"
	"github.com/merlon-web/merlon/secret"
	"github.com/merlon-web/merlon/sqlite"
)

type order struct {
	Text string        `form:"required,max=200" label:"What"`
	Pin  secret.String `form:"password,max=20" label:"Pin" autocomplete:"off"`
}

type orderData struct {
	Form form.Form[order]
}

//go:embed testdata/kept
var keptFiles embed.FS

var (
	keptPages    = page.From(keptFiles, "testdata/kept")
	orderPage    = page.New[orderData](keptPages, "order.html")
	keptHomePage = page.New[data](keptPages, "home.html")
)

func keptHome(*merlon.Read[account.Guest], merlon.None) (*merlon.Response, error) {
	return merlon.Show(keptHomePage, data{}), nil
}

// ordersTaken is what the handler was asked to do.
var ordersTaken []string

func showOrder(*merlon.Read[account.User], merlon.None) (*merlon.Response, error) {
	return merlon.Show(orderPage, orderData{}), nil
}

func takeOrder(_ *merlon.Write[account.User], f form.Form[order]) (*merlon.Response, error) {
	in, ok := f.Value()
	if !ok {
		return merlon.ShowStatus(422, orderPage, orderData{Form: f}), nil
	}
	ordersTaken = append(ordersTaken, in.Text)
	return merlon.Redirect("/order"), nil
}

// orders is a site whose one form asks for a fresh sign-in.
func orders(env merlon.Env) (*merlon.Site, error) {
	return merlon.New(env, merlon.Config{Name: "test", Title: "Test", Engine: sqlite.Engine("test.db"), Pages: keptPages,
		Parts: []merlon.Part{account.New(account.Config{})},
		Routes: []merlon.Route{
			merlon.Get("/", account.Anyone(), keptHome),
			merlon.Get("/order", account.SignedIn(), showOrder),
			merlon.Post("/order", account.SignedIn().With(account.NeedRecent()), takeOrder),
		}})
}

// TestFormIsKeptThroughSigningInAgain: what was typed is there afterwards, nothing happened before, and it is its user's alone.
func TestFormIsKeptThroughSigningInAgain(t *testing.T) {
	s := merlontest.Start(t, orders)
	addUser(t, s, "ann@example.test")
	addUser(t, s, "ben@example.test")
	ann := signIn(s.Visitor(), "ann@example.test", good).Is(200)
	ann.Get("/order")
	s.Advance(16 * time.Minute)
	ann.Submit("/order", merlontest.Values{"Text": "forty <lanterns>", "Pin": "canary-pin"}).Is(200).Has("Sign in again")
	if len(ordersTaken) != 0 {
		t.Fatal("the order was taken without a fresh sign-in")
	}
	ben := signIn(s.Visitor(), "ben@example.test", good)
	ben.SetCookie("__Host-test-kept", ann.Cookie("__Host-test-kept"))
	ben.Get("/_merlon/kept").Is(410).HasNot("lanterns")
	early := ann.Clone()
	signIn2 := ann.Submit("/sign-in/again", merlontest.Values{"Password": good}).Is(200)
	signIn2.At("/_merlon/kept").Has("forty <lanterns>").HasNot("canary-pin")
	if strings.Contains(ann.Body, "<lanterns>") {
		t.Error("what was typed is not escaped")
	}
	ann.Submit("/order", nil).At("/order")
	if len(ordersTaken) != 1 || ordersTaken[0] != "forty <lanterns>" {
		t.Errorf("taken: %q", ordersTaken)
	}
	early.Get("/_merlon/kept").At("/sign-in?next=%2F_merlon%2Fkept") // that session has ended
	s.Advance(16 * time.Minute)
	signIn(s.Visitor(), "ann@example.test", good)
	ann.Get("/_merlon/kept").HasNot("lanterns")
}
