package browser

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/chromedp/cdproto/audits"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// A Finding is one rule of axe-core that the page breaks.
type Finding struct {
	ID     string `json:"id"`     // image-alt, color-contrast …
	Impact string `json:"impact"` // minor, moderate, serious, critical
	Help   string `json:"help"`
	Nodes  []struct {
		HTML    string `json:"html"`
		Summary string `json:"failureSummary"`
	} `json:"nodes"`
}

// String returns the finding with the first element that has it.
func (f Finding) String() string {
	if len(f.Nodes) == 0 {
		return fmt.Sprintf("axe %s (%s): %s", f.ID, f.Impact, f.Help)
	}
	return fmt.Sprintf("axe %s (%s): %s: %s, %d in all; %s", f.ID, f.Impact, f.Help, f.Nodes[0].HTML, len(f.Nodes), strings.ReplaceAll(f.Nodes[0].Summary, "\n", " "))
}

// Axe returns what axe-core finds against WCAG 2.2 A and AA and its own best practices, in the present look. It runs in a
// world of its own, so the page neither sees it nor has to open its policy for it; scripts must be on.
func (tab *Tab) Axe() []Finding {
	tab.t.Helper()
	w := tab.world()
	// Once a page: a world of the same name is the same one until the page goes, and half a megabyte of script takes its time.
	if string(evaluate(tab, w, "axe: look for it", "typeof axe")) != `"object"` {
		evaluate(tab, w, "axe: load", tab.axe+";0")
	}
	text := evaluate(tab, w, "axe: run", `axe.run(document, {resultTypes: ['violations'], runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']}).then(r => JSON.stringify(r.violations))`)
	var found []Finding
	var list string
	err := json.Unmarshal(text, &list)
	if err == nil {
		err = json.Unmarshal([]byte(list), &found)
	}
	if err != nil {
		tab.fail("axe: read its answer", err)
	}
	return found
}

// Sideways returns the widest element of a page that scrolls sideways in the present width, "" when the page does not.
func (tab *Tab) Sideways() string {
	tab.t.Helper()
	return Eval[string](tab, `(() => {
		const d = document.documentElement;
		if (d.scrollWidth <= d.clientWidth) return '';
		let widest = d, right = 0;
		for (const e of document.querySelectorAll('body *')) {
			const r = e.getBoundingClientRect().right + window.scrollX;
			if (r > right) { right = r; widest = e; }
		}
		return d.scrollWidth + ' px in ' + d.clientWidth + ': ' + widest.cloneNode(false).outerHTML;
	})()`)
}

// A Violation is something that the page's Content-Security-Policy blocked.
type Violation struct {
	Directive string // style-src-attr, img-src …
	Blocked   string // the address, "" for what stood in the page
	Where     string // the address and line of what asked for it, when the browser knows
}

// String returns the violation on one line.
func (v Violation) String() string {
	what := v.Blocked
	if what == "" {
		what = "inline"
	}
	return fmt.Sprintf("policy: %s blocked %s at %s", v.Directive, what, v.Where)
}

// Violations returns what the policies of the tab's pages blocked since it was last asked.
func (tab *Tab) Violations() []Violation {
	tab.t.Helper()
	Eval[int](tab, "0") // what the page did before this has been told when it answers
	tab.seen.Lock()
	defer tab.seen.Unlock()
	all := tab.seen.violations
	tab.seen.violations = nil
	return all
}

// Errors returns what the tab's pages wrote to the console as errors since it was last asked: exceptions, console.error,
// things that did not load. The policy's refusals are in [Tab.Violations]; the page's own status is in [Answer].
func (tab *Tab) Errors() []string {
	tab.t.Helper()
	Eval[int](tab, "0")
	tab.seen.Lock()
	defer tab.seen.Unlock()
	all := tab.seen.errors
	tab.seen.errors = nil
	return all
}

// Faults judges the page 320, 768 and 1280 pixels wide, light and dark, by [Tab.Axe] and [Tab.Sideways], and adds its
// [Tab.Violations] and [Tab.Errors]. Each fault says in which look it was seen first. The tab is left 1280 wide and light.
func (tab *Tab) Faults() []string {
	tab.t.Helper()
	var all []string
	known := make(map[string]bool)
	add := func(look, fault string) {
		if !known[fault] {
			known[fault] = true
			all = append(all, look+": "+fault)
		}
	}
	for _, look := range []struct {
		name  string
		width int
		dark  bool
	}{{"320 light", 320, false}, {"320 dark", 320, true}, {"768 dark", 768, true}, {"768 light", 768, false}, {"1280 dark", 1280, true}, {"1280 light", 1280, false}} {
		tab.Width(look.width)
		tab.Dark(look.dark)
		for _, f := range tab.Axe() {
			add(look.name, f.String())
		}
		if wide := tab.Sideways(); wide != "" {
			add(look.name, "scrolls sideways: "+wide)
		}
	}
	for _, v := range tab.Violations() {
		add("any", v.String())
	}
	for _, e := range tab.Errors() {
		add("any", "console: "+e)
	}
	return all
}

// Eval evaluates a JavaScript expression, or waits for the promise that it returns, in a world of its own: it sees the
// document, not the page's variables, and is not subject to the page's policy.
func Eval[T any](tab *Tab, expression string) T {
	tab.t.Helper()
	what := "evaluate " + expression
	text, err := tryEvaluate(tab, tab.world(), what, expression)
	for try := 1; err != nil && try < 5 && strings.Contains(err.Error(), "Cannot find context"); try++ {
		time.Sleep(50 * time.Millisecond) // the page has gone on to the next one since the world was made
		text, err = tryEvaluate(tab, tab.world(), what, expression)
	}
	if err != nil {
		tab.fail(what, err)
	}
	var value T
	if len(text) == 0 { // undefined
		return value
	}
	if err := json.Unmarshal(text, &value); err != nil {
		tab.fail(what, err)
	}
	return value
}

func (tab *Tab) world() runtime.ExecutionContextID {
	tab.t.Helper()
	tree := call(tab, "frame tree", page.GetFrameTree, cdp.Empty{})
	return call(tab, "isolated world", page.CreateIsolatedWorld, page.CreateIsolatedWorldParams{FrameID: tree.FrameTree.Frame.ID, WorldName: "merlon-test"}).ExecutionContextID
}

func evaluate(tab *Tab, world runtime.ExecutionContextID, what, expression string) []byte {
	tab.t.Helper()
	text, err := tryEvaluate(tab, world, what, expression)
	if err != nil {
		tab.fail(what, err)
	}
	return text
}

func tryEvaluate(tab *Tab, world runtime.ExecutionContextID, what, expression string) ([]byte, error) {
	tab.t.Helper()
	ctx, cancel := context.WithTimeout(tab.ctx, tab.wait)
	defer cancel()
	yes := true
	r, err := chromedp.Call(ctx, runtime.Evaluate, runtime.EvaluateParams{Expression: expression, ContextID: world, AwaitPromise: &yes, ReturnByValue: &yes})
	if err != nil {
		return nil, err
	}
	if r.ExceptionDetails != nil {
		tab.fail(what, fmt.Errorf("%s", exception(r.ExceptionDetails)))
	}
	return r.Result.Value, nil
}

func exception(d *runtime.ExceptionDetails) string {
	if d.Exception != nil && d.Exception.Description != "" {
		return d.Exception.Description
	}
	return d.Text
}

// A witness notes what the browser tells about the page. Its note runs on chromedp's goroutine that reads the messages.
type witness struct {
	sync.Mutex
	documents  map[string]bool // requests of whole pages: their status is the test's to judge
	violations []Violation
	errors     []string
	loads      []Load
	loading    map[network.RequestID]Load
}

func (w *witness) note(event any) {
	w.Lock()
	defer w.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		// The request of a page's main document has the id of its loader. A redirect keeps the id.
		if string(e.RequestID) == string(e.LoaderID) && e.Type == network.ResourceTypeDocument {
			w.documents[string(e.RequestID)] = true
		}
	case *network.EventResponseReceived:
		w.loading[e.RequestID] = Load{URL: e.Response.URL, Kind: string(e.Type)}
	case *network.EventLoadingFinished:
		if l, ok := w.loading[e.RequestID]; ok {
			delete(w.loading, e.RequestID)
			l.Bytes = int(e.EncodedDataLength)
			w.loads = append(w.loads, l)
		}
	case *audits.EventIssueAdded:
		if d := e.Issue.Details.ContentSecurityPolicyIssueDetails; d != nil && !d.IsReportOnly {
			v := Violation{Directive: d.ViolatedDirective, Blocked: d.BlockedURL}
			if at := d.SourceCodeLocation; at != nil {
				v.Where = fmt.Sprintf("%s:%d", at.URL, at.LineNumber+1)
			}
			w.violations = append(w.violations, v)
		}
	case *runtime.EventExceptionThrown:
		w.errors = append(w.errors, exception(e.ExceptionDetails))
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError {
			var parts []string
			for _, a := range e.Args {
				parts = append(parts, strings.Trim(string(a.Value), `"`))
			}
			w.errors = append(w.errors, strings.Join(parts, " "))
		}
	case *log.EventEntryAdded:
		switch {
		case e.Entry.Level != log.EntryLevelError, e.Entry.Source == log.EntrySourceSecurity, w.documents[string(e.Entry.NetworkRequestID)]:
		default:
			w.errors = append(w.errors, strings.TrimSpace(e.Entry.Text+" "+e.Entry.URL))
		}
	}
}
