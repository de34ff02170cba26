package attack_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/merlon-web/merlon/attack"
)

// TestNothingTried: a class that had nothing to try says so in every form of the report, and never that it passed.
func TestNothingTried(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte("<title>x</title><p>nothing to see</p>"))
	}))
	defer srv.Close()
	report, err := attack.URL(t.Context(), srv.URL, attack.Profile{}, attack.Options{Classes: []string{"access"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range report.Coverage.Classes {
		if c.Class == "access" && (c.Tried != 0 || !c.Complete) {
			t.Fatalf("access has tried something: %+v", c)
		}
	}
	var text, sarif, junit bytes.Buffer
	doc, err := json.Marshal(report)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []func() error{func() error { return report.Text(&text) }, func() error { return report.SARIF(&sarif, "v1") }, func() error { return report.JUnit(&junit) }} {
		if err := f(); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct{ got, want string }{
		"text":  {text.String(), "NONE  access     0 tried"},
		"json":  {string(doc), `"complete":true,"open":true,"verdict":"NONE"`},
		"sarif": {sarif.String(), "NONE access: 0 tried: nothing was tried"},
		"junit": {junit.String(), `<skipped message="nothing was tried`},
		"log":   {report.Coverage.String(), "NONE  access     0 tried"},
	} {
		if !strings.Contains(c.got, c.want) {
			t.Errorf("%s lacks %q:\n%.3000s", name, c.want, c.got)
		}
		if strings.Contains(c.got, "PASS") {
			t.Errorf("%s says that something passed:\n%.3000s", name, c.got)
		}
	}
}

// TestNotAllReached: SARIF says of a class that was ended and left something open, and of one that has found something before the
// time was over, why it is not clean.
func TestNotAllReached(t *testing.T) {
	report := &attack.Report{Coverage: attack.Coverage{Classes: []attack.Tally{
		{Class: "backup", Asked: true, Tried: 3, Complete: true, Open: true, Verdict: "OPEN", Left: []string{"one thing", "another"}},
		{Class: "limits", Asked: true, Tried: 3, Found: 1, Verdict: "FAIL"},
		{Class: "clean-as-far-as-it-goes", Asked: true, Tried: 3, Complete: true, Verdict: "PASS"},
	}}}
	var sarif bytes.Buffer
	if err := report.SARIF(&sarif, "v1"); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"OPEN backup: 3 tried: some was left out: this is not clean: one thing; another", "FAIL limits: 3 tried: it was not ended"} {
		if !strings.Contains(sarif.String(), want) {
			t.Errorf("SARIF lacks %q:\n%s", want, sarif.String())
		}
	}
	if strings.Contains(sarif.String(), "clean-as-far-as-it-goes") {
		t.Errorf("a clean class is told of:\n%s", sarif.String())
	}
}

// TestOpenHasAWord: behind OPEN stands what it means, for people and in the log of a test, and behind no other verdict.
func TestOpenHasAWord(t *testing.T) {
	report := &attack.Report{Unchanged: true, Coverage: attack.Coverage{Classes: []attack.Tally{
		{Class: "backup", Asked: true, Tried: 3, Complete: true, Open: true, Verdict: "OPEN", Left: []string{"one thing", "another"}},
		{Class: "limits", Asked: true, Tried: 3, Verdict: "OPEN"},
		{Class: "input", Asked: true, Tried: 3, Complete: true, Verdict: "PASS"},
	}}}
	var text bytes.Buffer
	if err := report.Text(&text); err != nil {
		t.Fatal(err)
	}
	for name, got := range map[string]string{"text": text.String(), "log": report.Coverage.String()} {
		for _, want := range []string{`0.0 s: 2 left out, so that nobody knows of the rest: see "not reached"`, "0.0 s: it was not ended, so that nobody knows of the rest"} {
			if !strings.Contains(got, want) {
				t.Errorf("%s lacks %q:\n%s", name, want, got)
			}
		}
		if strings.Count(got, "nobody knows of the rest") != 2 {
			t.Errorf("%s says it of others too:\n%s", name, got)
		}
	}
}

// TestFirst: what comes before a request is told in every form that people read.
func TestFirst(t *testing.T) {
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte(`<title>x</title><a href="/?q=a">a</a>` + r.FormValue("q")))
	})
	said := &recorder{ctx: t.Context()}
	report := attack.Handler(said, h, attack.Profile{}, func(o *attack.Options) { o.Classes = []string{"injection"} })
	if len(report.Findings) == 0 {
		t.Fatalf("nothing was found\n%s", report.Coverage)
	}
	var text, junit bytes.Buffer
	if err := errors.Join(report.Text(&text), report.JUnit(&junit)); err != nil {
		t.Fatal(err)
	}
	for name, got := range map[string]string{"text": text.String(), "junit": junit.String(), "test": strings.Join(said.errors(), "\n")} {
		if !strings.Contains(got, "first for curl put the origin at which the site listens in the place of https://site.test:") {
			t.Errorf("%s does not say what comes first:\n%.2000s", name, got)
		}
	}
}
