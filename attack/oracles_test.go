package attack_test

import (
	"encoding/csv"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/merlon-web/merlon/attack"
)

// told are the findings of a report: rule and route.
func told(report *attack.Report) (all []string) {
	for _, f := range report.Findings {
		all = append(all, f.ID+" "+f.Route)
	}
	slices.Sort(all)
	return all
}

// probed attacks a handler with some classes, and holds what is told against what is wanted.
func probed(t *testing.T, h http.Handler, p attack.Profile, want []string, classes ...string) *attack.Report {
	t.Helper()
	report, err := attack.Probe(t.Context(), h, p, attack.Options{Classes: classes, Budget: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(want)
	if got := told(report); !slices.Equal(got, want) {
		t.Errorf("found %q, want %q", got, want)
		for _, f := range report.Findings {
			t.Logf("%s\n%s", f.Text(), f.Curl)
		}
		t.Log(report.Coverage)
	}
	return report
}

// A board has two forms, whose texts come out on one page and in one list, those of the form that is sound beside the others.
type board struct {
	mu    sync.Mutex
	texts map[string][]string
}

// ServeHTTP implements [http.Handler].
func (b *board) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	name := strings.TrimPrefix(r.URL.Path, "/")
	switch {
	case r.Method == http.MethodPost && (name == "sound" || name == "open"):
		b.texts[name] = append(b.texts[name], r.FormValue("Text"))
		http.Redirect(w, r, "/", http.StatusSeeOther)
	case name == "list.csv":
		w.Header().Set("Content-Type", "text/csv; charset=utf-8")
		out := csv.NewWriter(w)
		for _, text := range b.texts["open"] {
			_ = out.Write([]string{text})
		}
		for _, text := range b.texts["sound"] {
			_ = out.Write([]string{"'" + text})
		}
		out.Flush()
	case name == "":
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, `<title>board</title><a href="/list.csv">list</a>`)
		for _, form := range []string{"open", "sound"} {
			fmt.Fprintf(w, `<form method="post" action="/%s"><input name="Text"><button>send</button></form>`, form)
			for _, text := range b.texts[form] {
				if form == "sound" {
					text = template.HTMLEscapeString(text)
				}
				fmt.Fprintf(w, "<p>%s</p>", text)
			}
		}
	default:
		http.NotFound(w, r)
	}
}

func (b *board) state() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return fmt.Sprint(b.texts)
}

// TestMarkupIsTheFormsOwn: of two forms whose texts stand side by side the one is told whose text became markup or a formula.
func TestMarkupIsTheFormsOwn(t *testing.T) {
	b := &board{texts: map[string][]string{}}
	probed(t, b, attack.Profile{State: b.state}, []string{attack.RuleFormula.ID + " POST /open", attack.RuleMarkup.ID + " POST /open"}, "injection")
}
