package account_test

import (
	"embed"
	"net/url"
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
	For  []string      `form:"choices,max_items=5" label:"For"`
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

// offerGroups is what an order may be for, known only at run time.
func offerGroups(f form.Form[order]) form.Form[order] {
	return f.Offer("For", form.Option{Value: "board", Label: "Board"}, form.Option{Value: "crew", Label: "Crew"}, form.Option{Value: "guests", Label: "Guests"})
}

// ordersTaken is what the handler was asked to do.
var ordersTaken []string

func showOrder(*merlon.Read[account.User], merlon.None) (*merlon.Response, error) {
	return merlon.Show(orderPage, orderData{offerGroups(form.Form[order]{})}), nil
}

func takeOrder(_ *merlon.Write[account.User], f form.Form[order]) (*merlon.Response, error) {
	f = offerGroups(f)
	in, ok := f.Value()
	if !ok {
		return merlon.ShowStatus(422, orderPage, orderData{Form: f}), nil
	}
	ordersTaken = append(ordersTaken, strings.Join(append([]string{in.Text}, in.For...), " "))
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
	ordersTaken = nil
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

// TestChoicesAreCarriedThroughSendingAgain: what was chosen among choices of run time is neither lost nor blamed on the pages
// that ask to send a form once more, since nobody offers anything there.
func TestChoicesAreCarriedThroughSendingAgain(t *testing.T) {
	s := merlontest.Start(t, orders)
	addUser(t, s, "ann@example.test")
	ann := signIn(s.Visitor(), "ann@example.test", good).Is(200)
	ordersTaken = nil
	fill := func(text string) url.Values {
		f := ann.Get("/order").Fields("/order")
		f.Set("Text", text)
		f["For"] = []string{"board", "crew"}
		return f
	}
	stale := fill("stale")
	stale.Set("merlon_token", strings.Repeat("A", 86))
	ann.Post("/order", s.Site.Origin(), stale).Is(403).Has("send it again").HasNot("Choose one of the options shown.")
	ann.Submit("/order", nil).At("/order")

	name := ann.Get("/account/name").Fields("/account/name")
	name.Set("merlon_token", strings.Repeat("A", 86))
	name.Set("Lang", "en")
	ann.Post("/account/name", s.Site.Origin(), name).Is(403).HasNot("Choose one of the options shown.")
	if !strings.Contains(ann.Body, `<input type="hidden" name="Lang" value="en">`) || strings.Contains(ann.Body, "<select") || strings.Contains(ann.Body, "aria-invalid") {
		t.Errorf("a select without options: %s", ann.Body)
	}
	ann.Submit("/account/name", nil).At("/account")
	if got := ann.Get("/account/name").Fields("/account/name"); got.Get("Name") != "Ann" {
		t.Errorf("the settings are %v", got)
	}

	kept := fill("kept")
	s.Advance(16 * time.Minute)
	ann.Post("/order", s.Site.Origin(), kept)
	ann.Get(ann.Header.Get("Location")).Submit("/sign-in/again", merlontest.Values{"Password": good}).At("/_merlon/kept").HasNot("Choose one of the options shown.")
	ann.Submit("/order", nil).At("/order")
	if got := strings.Join(ordersTaken, ", "); got != "stale board crew, kept board crew" {
		t.Errorf("taken: %s", got)
	}
}
