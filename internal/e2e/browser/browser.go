// Package browser is the visitor with a real browser: it drives Chromium in tests, by chromedp.
//
// One browser runs per test binary, one browser context per test: each [Tab] has its own cookies and storage, and nothing
// leaves the machine (only localhost, *.localhost and 127.0.0.1 resolve). A test looks like this:
//
//	func TestMain(m *testing.M) { browser.Main(m) }
//
//	func TestSignIn(t *testing.T) {
//		t.Parallel() // at most three tests have tabs open at once
//		site := httptest.NewServer(handler)
//		defer site.Close()
//
//		tab := browser.Open(t)           // skips the test when there is no Chromium
//		answer := tab.Go(site.URL + "/sign-in")
//		tab.Type("#email", "ann@example.org")
//		answer = tab.Follow("button")    // clicks, and waits for the page that comes
//		if answer.Status != 200 || tab.Text("h1") != "Welcome" { … }
//		for _, fault := range tab.Faults() { t.Error(fault) }
//	}
//
// What a method cannot do ends the test: there are no errors to handle. Selectors are CSS. Methods that look for an element
// wait until it is there, and to click or type until nothing lies over it: ten seconds at most, see [Tab.Patience].
//
//   - Going: [Tab.Go], [Tab.Follow], [Tab.Back], [Tab.Reload]; they answer with status and headers.
//   - Doing: [Tab.Click], [Tab.Type], [Tab.Choose], [Tab.Press].
//   - Reading: [Tab.Text], [Tab.Value], [Tab.Attr], [Tab.Count], [Tab.Title], [Tab.URL], [Tab.HTML], [Tab.Cookies], [Eval].
//   - Looking: [Tab.Width], [Tab.Dark], [Tab.Script], [Tab.Language], [Tab.Screenshot]. They last for the tab.
//   - Judging: [Tab.Axe], [Tab.Sideways], [Tab.Violations], [Tab.Errors], and [Tab.Faults], which does all of them narrow and
//     wide, light and dark. A page that ships has none. [Tab.Loads] is what it weighs.
//   - Tabs: [Tab.Beside] is another one of the same browser, [Tab.In] the same one in a subtest.
//
// The address of a site under test is http://127.0.0.1:PORT, http://localhost:PORT or http://NAME.localhost:PORT: browsers
// keep __Host- cookies and send Fetch Metadata on all three over plain http, and cookies ignore the port. Frames from other
// origins run in processes of their own; what happens inside them is not seen here. A Tab is not for several goroutines.
//
// With MERLON_SHOTS=FOLDER a test that fails leaves a picture of its page in that folder.
package browser

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/audits"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/merlon-web/merlon/internal/e2e/need"
)

const (
	patience = time.Minute // for a page or an element
	atOnce   = 3           // tests with open tabs: more are slower on two cores, and each tab costs about 40 MB
)

// The one browser of the test binary.
var (
	places  = make(chan struct{}, atOnce)
	running struct {
		sync.Mutex
		main    bool // Main runs the tests
		browser context.Context
		stop    func()
		tests   map[testing.TB]bool // those that have a place
	}
)

// Main runs the tests of a binary and then stops its browser. Call it from TestMain; [Open] demands it.
func Main(m *testing.M) {
	running.Lock()
	running.main = true
	running.Unlock()

	code := m.Run()

	running.Lock()
	if running.stop != nil {
		running.stop()
	}
	running.Unlock()
	os.Exit(code)
}

// A Tab is one page of a browser context of its own.
type Tab struct {
	t    testing.TB
	ctx  context.Context
	axe  string
	wait time.Duration
	seen *witness
}

// Open opens a tab with empty cookies and storage, 1280 CSS pixels wide, light, in English, with scripts on. It is closed
// when the test ends. Without Chromium on this machine the test is skipped, or fails when MERLON_TEST_ALL=1. It is Chromium's
// headless shell where that is installed, which is the same engine without windows and takes half of the time, but for
// MERLON_TEST_LONG=1: then it is the browser that people have.
func Open(t testing.TB) *Tab {
	t.Helper()
	path, axe := Need(t)

	takePlace(t)

	browser, err := start(path)
	if err != nil {
		t.Fatalf("browser: %v", err)
	}
	ctx, done := chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
	t.Cleanup(done)
	return open(t, ctx, axe)
}

// Need returns the paths of the browser and of axe-core, and ends the test as [Open] does where one is missing.
func Need(t testing.TB) (program, axe string) {
	t.Helper()
	program, err := exec.LookPath("chromium-headless-shell")
	if err != nil || need.Long() {
		program = need.Program(t, "chromium", "chromium")
	}
	return program, need.Axe(t)
}

// open opens the tab of a chromedp context.
func open(t testing.TB, ctx context.Context, axe string) *Tab {
	t.Helper()
	tab := &Tab{t: t, ctx: ctx, axe: axe, wait: patience, seen: &witness{documents: make(map[string]bool), loading: make(map[network.RequestID]Load)}}
	if err := chromedp.Listen(ctx, tab.seen.note); err != nil { // opens it; with no deadline, which would close it again
		t.Fatalf("browser: open a tab: %v", err)
	}
	if _, err := chromedp.Call(ctx, audits.Enable, cdp.Empty{}); err != nil {
		t.Fatalf("browser: open a tab: %v", err)
	}
	t.Cleanup(tab.leavePicture)
	tab.Width(1280)
	tab.Dark(false)
	return tab
}

// Beside opens another tab of the same browser: it has the same cookies. It is closed when the test ends.
func (tab *Tab) Beside() *Tab {
	tab.t.Helper()
	ctx, done := chromedp.NewContext(tab.ctx)
	tab.t.Cleanup(done)
	return open(tab.t, ctx, tab.axe)
}

// In returns the same tab for a subtest: what fails there ends the subtest, not the test that opened the tab.
func (tab *Tab) In(t testing.TB) *Tab {
	same := *tab
	same.t = t
	return &same
}

// Context returns the chromedp context, for what Tab does not offer. Most tests use the methods instead.
func (tab *Tab) Context() context.Context { return tab.ctx }

// Patience sets how long the tab's methods wait for an element or a page, instead of ten seconds: for a test of what does
// not come.
func (tab *Tab) Patience(wait time.Duration) { tab.wait = wait }

// takePlace takes a place for the test until it ends. Its further tabs need none: tests that wait for each other's never end.
func takePlace(t testing.TB) {
	running.Lock()
	had := running.tests[t]
	if running.tests == nil {
		running.tests = make(map[testing.TB]bool)
	}
	running.tests[t] = true
	running.Unlock()
	if had {
		return
	}
	places <- struct{}{}
	t.Cleanup(func() {
		<-places
		running.Lock()
		delete(running.tests, t)
		running.Unlock()
	})
}

func (tab *Tab) leavePicture() {
	folder := os.Getenv("MERLON_SHOTS")
	if folder == "" || !tab.t.Failed() {
		return
	}
	name := filepath.Join(folder, strings.NewReplacer("/", "-", " ", "_").Replace(tab.t.Name())+".png")
	png, err := limited(tab, chromedp.FullScreenshot(100))
	if err == nil {
		err = os.WriteFile(name, png, 0o600)
	}
	tab.t.Logf("browser: picture %s: %v", name, err)
}

func start(path string) (context.Context, error) {
	running.Lock()
	defer running.Unlock()
	if !running.main {
		return nil, fmt.Errorf("nobody would stop it: the tests of this package must run through browser.Main; add func TestMain(m *testing.M) { browser.Main(m) }")
	}
	if running.browser != nil {
		return running.browser, nil
	}
	options := []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(path), chromedp.Headless, chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck,
		chromedp.Flag("disable-gpu", true),
		chromedp.Flag("disable-dev-shm-usage", true),
		chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true),
		chromedp.Flag("disable-default-apps", true),
		chromedp.Flag("disable-extensions", true),
		chromedp.Flag("metrics-recording-only", true),
		chromedp.Flag("disable-breakpad", true),
		chromedp.Flag("disable-domain-reliability", true),
		chromedp.Flag("no-pings", true),
		chromedp.Flag("password-store", "basic"),
		chromedp.Flag("disable-features", "Translate,OptimizationHints,MediaRouter,AutofillServerCommunication"),
		chromedp.Flag("force-color-profile", "srgb"),
		chromedp.Flag("lang", "en-US"),
		chromedp.Flag("proxy-server", "direct://"),
		// Nothing leaves the machine.
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND , EXCLUDE localhost , EXCLUDE 127.0.0.1 , EXCLUDE *.localhost"),
	}
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox) // Chromium refuses its sandbox to root
	}
	alloc, stop := chromedp.NewExecAllocator(context.Background(), options...)
	browser, end := chromedp.NewContext(alloc)
	if err := chromedp.Do(browser); err != nil { // starts it; a deadline on this context would stop it again
		end()
		stop()
		return nil, fmt.Errorf("start %s: %w", path, err)
	}
	running.browser, running.stop = browser, func() {
		// Asked to close, it takes its temporary folders with it.
		ctx, cancel := context.WithTimeout(browser, patience)
		defer cancel()
		_ = chromedp.Cancel(ctx)
		end()
		stop()
	}
	return browser, nil
}

// limited runs one action, within the tab's patience.
func limited[T any](tab *Tab, action chromedp.Action[T]) (T, error) {
	ctx, cancel := context.WithTimeout(tab.ctx, tab.wait)
	defer cancel()
	return chromedp.Run(ctx, action)
}

// must runs one action, within the tab's patience, and ends the test when it fails; what names it, as in `click "#b"`.
func must[T any](tab *Tab, what string, action chromedp.Action[T]) T {
	tab.t.Helper()
	value, err := limited(tab, action)
	if err != nil {
		tab.fail(what, err)
	}
	return value
}

// call runs one protocol command, within the tab's patience, and ends the test when it fails.
func call[P, R any](tab *Tab, what string, command cdp.Command[P, R], params P) R {
	tab.t.Helper()
	ctx, cancel := context.WithTimeout(tab.ctx, tab.wait)
	defer cancel()
	result, err := chromedp.Call(ctx, command, params)
	if err != nil {
		tab.fail(what, err)
	}
	return result
}

func (tab *Tab) fail(what string, err error) {
	tab.t.Helper()
	where, _ := limited(tab, chromedp.Location())
	tab.t.Fatalf("browser: %s at %s: %v", what, where, err)
}
