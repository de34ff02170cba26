package attack

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"
)

var origin = &url.URL{Scheme: "https", Host: "site.test"}

// TestFilled: what is typed is what the control says that it takes, and as it always was where the control says nothing.
func TestFilled(t *testing.T) {
	for control, want := range map[string]string{
		`<input name=x type=number>`:                                      "2",
		`<input name=x type=number min=1 max=9 step=1>`:                   "2",
		`<input name=x type=number min=1400 max=2100 step=1>`:             "1400",
		`<input name=x type=number max=-4 step=1>`:                        "-4",
		`<input name=x type=number min=0.5 max=1.2 step=0.25>`:            "1",
		`<input name=x type=number min=1 step=7>`:                         "1",
		`<input name=x type=number min=0.15 max=0.2 step=any>`:            "0.2",
		`<input name=x type=number min=9e99 max=1e999999999>`:             "2",
		`<input name=x type=number value=7 step=10>`:                      "-3",
		`<input name=x type=range min=10>`:                                "10",
		`<input name=x type=date>`:                                        "2031-02-03",
		`<input name=x type=date max=2026-12-31>`:                         "2026-12-31",
		`<input name=x type=date min=2040-01-01>`:                         "2040-01-01",
		`<input name=x type=date min=2031-02-02 step=7>`:                  "2031-02-02",
		`<input name=x type=time min=18:30 max=22:00>`:                    "18:30",
		`<input name=x type=time>`:                                        "10:00",
		`<input name=x type=datetime-local max=2026-12-31T09:30>`:         "2026-12-31T09:30",
		`<input name=x type=datetime-local>`:                              "2031-02-03T10:00",
		`<input name=x type=month min=2035-11>`:                           "2035-11",
		`<input name=x type=month>`:                                       "2031-02",
		`<input name=x type=week>`:                                        "2031-W06",
		`<input name=x type=week max=2026-W53>`:                           "2026-W53",
		`<input name=x maxlength=200>`:                                    "mq1001",
		`<input name=x maxlength=5>`:                                      "q1001",
		`<input name=x minlength=30>`:                                     "mq1001-and-some-more-words-for",
		`<textarea name=x minlength=34 maxlength=40></textarea>`:          "mq1001-and-some-more-words-for-it-",
		`<input name=x pattern="[A-Z]{2}[0-9]{4}">`:                       "MQ1001",
		`<input name=x pattern="[0-9]{6}">`:                               "111111",
		`<input name=x pattern="(DE|AT)-\d{5}(-[a-z]+)?">`:                "DE-11111",
		`<input name=x pattern="[0-9]+" minlength=9>`:                     "000001001",
		`<input name=x pattern="[a-f]+" minlength=3>`:                     "aaaa",
		`<input name=x pattern="(?<=x)y">`:                                "mq1001", // Go cannot read it
		`<input name=x type=tel pattern="\+[0-9]{2,}">`:                   "+11",
		`<input name=x type=email maxlength=20>`:                          "mq1001@a.invalid",
		`<input name=x type=url maxlength=25>`:                            "https://a.invalid/mq1001",
		`<input name=x type=password>`:                                    "Aa1!mq1001-long-enough",
		`<input name=x type=password minlength=30>`:                       "Aa1!mq1001-long-enough-and-som",
		`<input name=x type=password maxlength=16>`:                       "Aa1!mq1001-long-",
		`<select name=x><option value=""><option value=a>a</option>`:      "a",
		`<input name=x type=hidden value=h min=4 maxlength=1>`:            "h",
		`<input name=x type=number min=2 max=1>`:                          "2",
		`<input name=x pattern="([a-z]{9}){99}" maxlength=4>`:             "1001",
		`<input name=x type=text minlength=-3 maxlength=999999999999999>`: "mq1001",
	} {
		root, err := html.Parse(strings.NewReader(`<form method=post action=/x>` + control + `</form>`))
		if err != nil {
			t.Fatal(err)
		}
		tg := &target{origin: origin}
		for n := range root.Descendants() {
			if n.Type == html.ElementNode && n.Data == "form" {
				if got := tg.form(n, "/").filled("mq1001").Get("x"); got != want {
					t.Errorf("%s: %q is typed, not %q", control, got, want)
				}
			}
		}
	}
}

// TestSpellEnds: a pattern of repeats within each other, which takes nothing, is given up in a moment.
func TestSpellEnds(t *testing.T) {
	done := make(chan string, 1)
	go func() {
		text, _ := limit{pattern: "((((^)*)*)*)*b", shortest: 3, longest: 4096}.made()
		done <- text
	}()
	select {
	case text := <-done:
		if text != "" {
			t.Errorf("%q was made", text)
		}
	case <-time.After(time.Minute):
		t.Fatal("it goes on without an end")
	}
	if text, ok := (limit{pattern: "[A-Z]{2}-(\\d{3}-)*x", shortest: 8, longest: 20}).made(); !ok {
		t.Errorf("%q was made", text)
	}
}

// TestRefusal: why a form refused is told in the site's own words.
func TestRefusal(t *testing.T) {
	for body, want := range map[string]string{
		`<div class="problems" role="alert"><h2>Please look</h2><ul><li><a href="#f">Year: Enter 1400 or more.</a></li><li>Title: x</li></ul></div>`: "Year: Enter 1400 or more.; Title: x",
		`<p role="alert"> No
			such   book </p><p class="error">other</p>`: "No such book",
		`<p class="field error">Too long</p>`: "Too long",
		`<p>nothing</p>`:                      "the answer was 422 Unprocessable Entity",
	} {
		ans := &answer{status: 422, header: map[string][]string{"Content-Type": {"text/html"}}, body: body, path: "/"}
		if got := (&target{origin: origin}).refusal(ans); got != want {
			t.Errorf("%s: %q is told, not %q", body, got, want)
		}
	}
}
