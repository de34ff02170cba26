package browser

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/chromedp/chromedp"
)

// Elements are found by small scripts in an isolated world and worked by mouse and keys, not by chromedp's own queries:
// those keep a copy of the page's tree, which stays stale after a page comes back from the back-forward cache (chromedp
// v0.23.0, Chromium 156).

// Click clicks an element and waits for nothing.
func (tab *Tab) Click(css string) {
	tab.t.Helper()
	what := fmt.Sprintf("click %q", css)
	at := tab.find(what, css)
	must(tab, what, chromedp.MouseClickXY(at.X, at.Y))
}

// Type clicks a field and replaces what it holds by typing text, key by key.
func (tab *Tab) Type(css, text string) {
	tab.t.Helper()
	what := fmt.Sprintf("type into %q", css)
	at := tab.find(what, css)
	must(tab, what, chromedp.MouseClickXY(at.X, at.Y))
	waitFor[bool](tab, what, css, "(e.focus(), e.select(), true)")
	must(tab, what, chromedp.KeyEvent("\b"+text))
}

// Choose sets the value of a select, a date, or another field that is not typed into.
func (tab *Tab) Choose(css, value string) {
	tab.t.Helper()
	what := fmt.Sprintf("choose %q in %q", value, css)
	tab.find(what, css)
	held := waitFor[string](tab, what, css, fmt.Sprintf("(e.value = %q, e.dispatchEvent(new Event('input', {bubbles: true})), e.dispatchEvent(new Event('change', {bubbles: true})), e.value)", value))
	if held != value {
		tab.fail(what, fmt.Errorf("the field does not take it: it holds %q", held))
	}
}

// Press types keys to whatever has the focus: the constants of chromedp's package kb, "\t" for Tab, "\r" for Enter.
func (tab *Tab) Press(keys string) {
	tab.t.Helper()
	must(tab, fmt.Sprintf("press %q", keys), chromedp.KeyEvent(keys))
}

// A point is where an element can be clicked, or why it cannot.
type point struct {
	X, Y float64
	Why  string
}

// find waits until an element can be clicked: visible, enabled, and nothing lies over its middle.
func (tab *Tab) find(what, css string) point {
	tab.t.Helper()
	return poll(tab, what, fmt.Sprintf(`(e => {
		if (!e) return {Why: 'no such element'};
		e.scrollIntoView({block: 'center', inline: 'center', behavior: 'instant'});
		const r = e.getBoundingClientRect(), x = r.left + r.width / 2, y = r.top + r.height / 2;
		if (!e.checkVisibility({visibilityProperty: true}) || r.width === 0 || r.height === 0) return {Why: 'it is not visible'};
		if (e.matches(':disabled')) return {Why: 'it is disabled'};
		const top = document.elementFromPoint(x, y);
		if (!top || !(e.contains(top) || top.contains(e) && top.localName === 'label')) return {Why: 'it is covered by ' + (top ? top.cloneNode(false).outerHTML : 'nothing on the page')};
		return {X: x, Y: y};
	})(document.querySelector(%q))`, css), func(p point) error {
		if p.Why != "" {
			return errors.New(p.Why)
		}
		return nil
	})
}

// waitFor waits until an element is there and evaluates an expression of it, which calls it e.
func waitFor[T any](tab *Tab, what, css, expression string) T {
	tab.t.Helper()
	type found struct {
		Is    bool
		Value T
	}
	return poll(tab, what, fmt.Sprintf("(e => e ? {Is: true, Value: %s} : {})(document.querySelector(%q))", expression, css), func(f found) error {
		if !f.Is {
			return errors.New("no such element")
		}
		return nil
	}).Value
}

// poll evaluates an expression until its value is right, or fails with what was wrong last.
func poll[T any](tab *Tab, what, expression string, right func(T) error) T {
	tab.t.Helper()
	ctx, cancel := context.WithTimeout(tab.ctx, tab.wait)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		value := Eval[T](tab, expression)
		err := right(value)
		if err == nil {
			return value
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			tab.fail(what, fmt.Errorf("%w, for %v", err, tab.wait))
		}
	}
}

// Attach chooses a file in an upload control, as if it lay on the visitor's disk.
func (tab *Tab) Attach(css, name string, content []byte) {
	tab.t.Helper()
	what := fmt.Sprintf("attach %s to %q", name, css)
	waitFor[bool](tab, what, css, fmt.Sprintf(`(() => {
		const all = new DataTransfer()
		all.items.add(new File([Uint8Array.from(atob(%q), c => c.charCodeAt(0))], %q))
		e.files = all.files
		return e.files.length === 1
	})()`, base64.StdEncoding.EncodeToString(content), name))
}

// Picture waits until an image is loaded and returns its own size, in pixels.
func (tab *Tab) Picture(css string) (width, height int) {
	tab.t.Helper()
	size := poll(tab, "look at "+css, fmt.Sprintf("(e => e && e.complete ? [e.naturalWidth, e.naturalHeight] : [])(document.querySelector(%q))", css), func(size []int) error {
		if len(size) != 2 {
			return errors.New("no such image, or it is not loaded")
		}
		return nil
	})
	return size[0], size[1]
}
