package session

import (
	"net/http"
	"net/netip"
	"strings"
	"unicode/utf8"

	"github.com/merlon-web/merlon/internal/network"
)

// DeviceLabel returns the names of browser and system that a request's User-Agent claims, as in "Firefox on Linux";
// "unknown browser" when it knows neither. It is for people who look through their sessions, and proves nothing.
func DeviceLabel(r *http.Request) string {
	if r == nil {
		return unknown
	}
	agent := r.UserAgent()
	if len(agent) > 512 {
		agent = agent[:512]
	}
	browser, system := first(agent, browsers[:]), first(agent, systems[:])
	switch {
	case browser == "" && system == "":
		return unknown
	case browser == "":
		return "a browser on " + system
	case system == "":
		return browser
	}
	return browser + " on " + system
}

const unknown = "unknown browser"

// The order decides: Edge and Opera also say Chrome, Chrome also says Safari, Android also says Linux.
var (
	browsers = [...][2]string{{"Edg", "Edge"}, {"OPR/", "Opera"}, {"SamsungBrowser/", "Samsung Internet"}, {"Vivaldi/", "Vivaldi"},
		{"FxiOS/", "Firefox"}, {"Firefox/", "Firefox"}, {"CriOS/", "Chrome"}, {"Chromium/", "Chromium"}, {"Chrome/", "Chrome"}, {"Safari/", "Safari"}, {"curl/", "curl"}}
	systems = [...][2]string{{"Android", "Android"}, {"iPhone", "iPhone"}, {"iPad", "iPad"}, {"Windows", "Windows"}, {"CrOS", "ChromeOS"},
		{"Mac OS X", "macOS"}, {"Linux", "Linux"}, {"FreeBSD", "FreeBSD"}}
)

func first(agent string, names [][2]string) string {
	for _, n := range names {
		if strings.Contains(agent, n[0]) {
			return n[1]
		}
	}
	return ""
}

// clip cuts a label at a number of bytes, between characters, and takes out what is no printable text.
func clip(label string, bytes int) string {
	label = strings.Map(func(r rune) rune {
		if r < 0x20 || r == 0x7f || r == utf8.RuneError {
			return -1
		}
		return r
	}, label)
	if len(label) <= bytes {
		return label
	}
	for bytes > 0 && !utf8.RuneStart(label[bytes]) {
		bytes--
	}
	return label[:bytes]
}

// Network returns the prefix that a session keeps of an address, /24 or /48: enough to recognise a place, not a person's
// line. It is "" for no address.
func Network(addr netip.Addr) string {
	return network.Name(network.Place(addr))
}
