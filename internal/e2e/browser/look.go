package browser

import (
	"context"
	"fmt"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// Width makes the page so many CSS pixels wide: 320 is WCAG's reflow width, 1280 a desk.
func (tab *Tab) Width(pixels int) {
	tab.t.Helper()
	// Mobile stays off: it zooms out of a page that is too wide, and so hides the fault.
	call(tab, fmt.Sprintf("width %d", pixels), emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: int64(pixels), Height: 800, DeviceScaleFactor: 1})
}

// Dark answers the page's prefers-color-scheme with dark, or with light.
func (tab *Tab) Dark(on bool) {
	tab.t.Helper()
	scheme := "light"
	if on {
		scheme = "dark"
	}
	call(tab, scheme, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
}

// Script switches the scripts of the pages on or off, from the next page on. The methods of Tab work all the same.
func (tab *Tab) Script(on bool) {
	tab.t.Helper()
	call(tab, "script", emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !on})
}

// Language sets what the browser asks for in Accept-Language, "de" or "de-CH,de;q=0.9", from the next request on.
func (tab *Tab) Language(accept string) {
	tab.t.Helper()
	ctx, cancel := context.WithTimeout(tab.ctx, tab.wait)
	defer cancel()
	version, err := chromedp.CallBrowser(ctx, browser.GetVersion, cdp.Empty{})
	if err != nil {
		tab.fail("language", err)
	}
	call(tab, "language", emulation.SetUserAgentOverride, emulation.SetUserAgentOverrideParams{UserAgent: version.UserAgent, AcceptLanguage: accept})
}

// Screenshot returns a PNG of the whole page.
func (tab *Tab) Screenshot() []byte {
	tab.t.Helper()
	return must(tab, "screenshot", chromedp.FullScreenshot(100))
}
