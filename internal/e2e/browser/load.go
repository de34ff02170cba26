package browser

import (
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
)

// A Load is one thing that a page fetched.
type Load struct {
	URL   string
	Kind  string // Document, Script, Stylesheet, Image …
	Bytes int    // on the wire, with the head of the answer; 0: it came from the cache
}

// Loads returns what the tab's pages fetched since it was last asked.
func (tab *Tab) Loads() []Load {
	tab.t.Helper()
	Eval[int](tab, "0") // what was loaded before this has been told when it answers
	tab.seen.Lock()
	defer tab.seen.Unlock()
	all := tab.seen.loads
	tab.seen.loads = nil
	return all
}

// Forget empties the browser's cache: the next page is a first visit, with the cookies that are there.
func (tab *Tab) Forget() {
	tab.t.Helper()
	call(tab, "empty the cache", network.ClearBrowserCache, cdp.Empty{})
}
