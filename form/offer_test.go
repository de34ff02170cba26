package form_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/merlon-web/merlon/form"
)

type joining struct {
	Club  string   `form:"required,choices"`
	Teams []string `form:"choices,max_items=2"`
}

// TestAppendAgain: what was chosen among offers that nobody made is carried along, escaped and without a verdict; what was
// offered, or is no offer, is shown as ever.
func TestAppendAgain(t *testing.T) {
	f, _ := bind[joining](t, "Club=%22x&Teams=1&Teams=2")
	hidden := `<input type="hidden" name="Teams" value="1">` + "\n" + `<input type="hidden" name="Teams" value="2">` + "\n"
	if html := string(new(form.Render).AppendAgain(nil, f)); html != `<input type="hidden" name="Club" value="&#34;x">`+"\n"+hidden {
		t.Errorf("nothing was offered: %s", html)
	}
	html := string(new(form.Render).AppendAgain(nil, f.Offer("Club")))
	if !strings.Contains(html, "<select") || !strings.HasSuffix(html, hidden) {
		t.Errorf("one was offered: %s", html)
	}
	var zero form.Form[joining]
	if html := string(new(form.Render).AppendAgain(nil, zero)); html != string(form.AppendFields(nil, zero)) {
		t.Errorf("nothing was typed: %s", html)
	}
}

func TestOffer(t *testing.T) {
	clubs := []form.Option{{Value: "1", Label: "Chess"}, {Value: "2"}}
	f, _ := bind[joining](t, "Club=2&Teams=1")
	if v, ok := f.Value(); ok || !reflect.ValueOf(v).IsZero() {
		t.Errorf("a choice that was never offered is taken: %v", v)
	}
	if h := f.Offer("Teams", clubs...); !h.Failed() {
		t.Error("the one choice was never offered")
	}
	g := f.Offer("Club", clubs...)
	if _, ok := g.Value(); ok {
		t.Error("one of two fields was never offered")
	}
	g = g.Offer("Teams", clubs...)
	if v, ok := g.Value(); !ok || v.Club != "2" || v.Teams[0] != "1" {
		t.Errorf("got %v, %v (%q)", v, ok, g.Problem("Club"))
	}
	if h := g.Offer("Club", clubs[0]); h.ProblemID("Club") != form.MsgChoice {
		t.Errorf("a choice that is not offered: got %q", h.ProblemID("Club"))
	}
	if h := g.Offer("Teams"); h.ProblemID("Teams") != form.MsgChoice {
		t.Errorf("nothing offered: got %q", h.ProblemID("Teams"))
	}
	f, _ = bind[joining](t, "Club=")
	if f = f.Offer("Club", clubs...).Offer("Teams", clubs...); f.ProblemID("Club") != form.MsgRequired {
		t.Errorf("nothing chosen: got %q", f.ProblemID("Club"))
	}
	clubs[1].Value = "changed"
	if v, ok := g.Value(); !ok || v.Club != "2" || !strings.Contains(string(form.AppendField(nil, g, "Club")), `value="2" selected`) {
		t.Error("the caller's slice is shared")
	}
	var zero form.Form[joining]
	if html := string(form.AppendField(nil, zero.Offer("Club", form.Option{Value: "<x>"}), "Club")); !strings.Contains(html, `value="&lt;x&gt;"`) {
		t.Errorf("got %s", html)
	}
	defer func() {
		if p, ok := recover().(string); !ok || !strings.Contains(p, "no such field") {
			t.Errorf("got panic %v", p)
		}
	}()
	zero.Offer("Nothing")
}
