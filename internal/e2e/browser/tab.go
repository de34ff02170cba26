package browser

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/storage"
	"github.com/chromedp/chromedp"
)

// An Answer is what the server said to a navigation, after redirects.
type Answer struct {
	URL    string
	Status int
	Header http.Header // of the last answer
}

// Go navigates to an address, as if typed, and waits for the page to load.
func (tab *Tab) Go(url string) Answer {
	tab.t.Helper()
	return answer(must(tab, fmt.Sprintf("go to %s", url), chromedp.NavigateResponse(url)))
}

// Follow clicks an element that leads to another page, a link or a button that submits, and waits for that page to load.
// A click that leads nowhere ends the test after ten seconds; for that there is [Tab.Click].
func (tab *Tab) Follow(css string) Answer {
	tab.t.Helper()
	ctx, cancel := context.WithTimeout(tab.ctx, tab.wait)
	defer cancel()
	at := tab.find(fmt.Sprintf("follow %q", css), css)
	response, err := chromedp.RunResponse(ctx, chromedp.MouseClickXY(at.X, at.Y))
	if err != nil {
		tab.fail(fmt.Sprintf("follow %q", css), err)
	}
	return answer(response)
}

// Back goes one page back in the tab's history, as the back button does: the page may come from the server, from the
// HTTP cache, or whole from the back-forward cache. It reports which: true when no byte of it was loaded again.
func (tab *Tab) Back() (restored bool) {
	tab.t.Helper()
	history := must(tab, "history", chromedp.NavigationEntries())
	if history.CurrentIndex < 1 {
		tab.fail("go back", errors.New("there is no page before this one"))
	}
	ctx, cancel := context.WithTimeout(tab.ctx, tab.wait)
	defer cancel()
	arrived := make(chan bool, 2) // a restored page has no load event
	err := chromedp.Listen(ctx, func(event any) {
		switch e := event.(type) {
		case *page.EventFrameNavigated:
			if e.Frame.ParentID == "" && e.Type == page.NavigationTypeBackForwardCacheRestore {
				tell(arrived, true)
			}
		case *page.EventLoadEventFired:
			tell(arrived, false)
		}
	})
	if err == nil {
		_, err = chromedp.Call(ctx, page.NavigateToHistoryEntry, page.NavigateToHistoryEntryParams{EntryID: history.Entries[history.CurrentIndex-1].ID})
	}
	if err != nil {
		tab.fail("go back", err)
	}
	select {
	case restored = <-arrived:
	case <-ctx.Done():
		tab.fail("go back", ctx.Err())
	}
	return restored
}

// tell sends without ever waiting: it is called on the goroutine that reads the browser's messages.
func tell(to chan<- bool, what bool) {
	select {
	case to <- what:
	default:
	}
}

// Reload loads the page again.
func (tab *Tab) Reload() {
	tab.t.Helper()
	must(tab, "reload", chromedp.Reload())
}

func answer(response *network.Response) Answer {
	if response == nil { // about:blank, a page from the back-forward cache
		return Answer{}
	}
	header := make(http.Header, len(response.Headers))
	for name, value := range response.Headers {
		header.Set(name, fmt.Sprint(value))
	}
	return Answer{URL: response.URL, Status: int(response.Status), Header: header}
}

// Text returns the visible text of the first element that matches, without the space around it.
func (tab *Tab) Text(css string) string {
	tab.t.Helper()
	return waitFor[string](tab, fmt.Sprintf("text of %q", css), css, "e.innerText.trim()")
}

// Value returns what the first field that matches holds.
func (tab *Tab) Value(css string) string {
	tab.t.Helper()
	return waitFor[string](tab, fmt.Sprintf("value of %q", css), css, "e.value")
}

// Attr returns an attribute of the first element that matches, and whether it has it.
func (tab *Tab) Attr(css, name string) (string, bool) {
	tab.t.Helper()
	value := waitFor[*string](tab, fmt.Sprintf("attribute %s of %q", name, css), css, fmt.Sprintf("e.getAttribute(%q)", name))
	if value == nil {
		return "", false
	}
	return *value, true
}

// Count returns how many elements match, now, without waiting for any.
func (tab *Tab) Count(css string) int {
	tab.t.Helper()
	return Eval[int](tab, fmt.Sprintf("document.querySelectorAll(%q).length", css))
}

// Title returns the title of the page.
func (tab *Tab) Title() string {
	tab.t.Helper()
	return must(tab, "title", chromedp.Title())
}

// URL returns the address of the page.
func (tab *Tab) URL() string {
	tab.t.Helper()
	return must(tab, "address", chromedp.Location())
}

// HTML returns the page as the browser has it now.
func (tab *Tab) HTML() string {
	tab.t.Helper()
	return Eval[string](tab, "document.documentElement.outerHTML")
}

// A Cookie is one that the tab's context keeps.
type Cookie struct {
	Name, Value, Domain, Path string
	Secure, HTTPOnly          bool
	SameSite                  string    // Strict, Lax, None, or "" when the server did not say
	Expires                   time.Time // zero for one that ends with the browser
}

// Cookies returns every cookie that the tab's context keeps, of every site and path.
func (tab *Tab) Cookies() []Cookie {
	tab.t.Helper()
	id := chromedp.FromContext(tab.ctx).BrowserContextID
	ctx, cancel := context.WithTimeout(tab.ctx, tab.wait)
	defer cancel()
	found, err := chromedp.CallBrowser(ctx, storage.GetCookies, storage.GetCookiesParams{BrowserContextID: id})
	if err != nil {
		tab.fail("cookies", err)
	}
	all := make([]Cookie, 0, len(found.Cookies))
	for _, c := range found.Cookies {
		cookie := Cookie{Name: c.Name, Value: c.Value, Domain: c.Domain, Path: c.Path, Secure: c.Secure, HTTPOnly: c.HTTPOnly, SameSite: string(c.SameSite)}
		if !c.Session {
			cookie.Expires = time.Unix(int64(c.Expires), 0)
		}
		all = append(all, cookie)
	}
	return all
}
