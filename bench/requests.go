package main

import (
	"encoding/base64"
	"fmt"
	"regexp"
	"strings"
)

// browserHead is what a browser sends with a navigation, less the cookies. X-Forwarded-* is what a proxy that ends TLS
// adds: sites that believe no proxy pay for reading past it like the others.
const browserHead = "Host: " + siteHost + "\r\n" +
	"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n" +
	"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n" +
	"Accept-Language: en-GB,en;q=0.5\r\n" +
	"Accept-Encoding: identity\r\n" +
	"Sec-Fetch-Dest: document\r\n" +
	"Sec-Fetch-Mode: navigate\r\n" +
	"Sec-Fetch-Site: same-origin\r\n" +
	"X-Forwarded-Proto: https\r\n"

// from is the address of the i-th visitor: each is in a network of its own, since sites limit what one network may ask.
func from(i int) string {
	return fmt.Sprintf("X-Forwarded-For: %d.%d.%d.7\r\n", 20+i/65536%100, i/256%256, i%256)
}

// get is a whole GET request of the i-th visitor. No cookies: no Cookie field.
func get(i int, path string, cookies ...string) []byte {
	return []byte("GET " + path + " HTTP/1.1\r\n" + browserHead + from(i) + cookieField(cookies) + "\r\n")
}

// post is a whole POST request of a form.
func post(i int, path, body string, cookies ...string) []byte {
	return []byte("POST " + path + " HTTP/1.1\r\n" + browserHead + from(i) + cookieField(cookies) +
		"Origin: https://" + siteHost + "\r\n" +
		"Content-Type: application/x-www-form-urlencoded\r\n" +
		fmt.Sprintf("Content-Length: %d\r\n\r\n", len(body)) + body)
}

func cookieField(cookies []string) string {
	if len(cookies) == 0 {
		return ""
	}
	return "Cookie: " + strings.Join(cookies, "; ") + "\r\n"
}

// kitRequests asks for the page as each of the kit's sessions. The token cookie is there already, as it is after the
// first page of a visit.
func kitRequests(tokens []string) [][]byte {
	csrf := kitTokenCookie + "=" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat("0123456789abcdef", 2)))
	return requests(tokens, func(i int, t string) []byte { return get(i, "/notes", "__Host-session="+t, csrf) })
}

func djangoRequests(keys []string) [][]byte {
	csrf := "csrftoken=" + strings.Repeat("0123456789abcdef", 2)
	return requests(keys, func(i int, k string) []byte { return get(i, "/notes", "sessionid="+k, csrf) })
}

// siteRequests asks the Merlon side for a page as each of its sessions.
func siteRequests(path string, cookies []string) [][]byte {
	return requests(cookies, func(i int, c string) []byte { return get(i, path, c) })
}

func requests(values []string, of func(int, string) []byte) [][]byte {
	all := make([][]byte, len(values))
	for i, v := range values {
		all[i] = of(i, v)
	}
	return all
}

// everybody asks as every session in turn, each connection beginning elsewhere: no side's cache of sessions helps.
func everybody(all [][]byte) func(conn, i int) []byte {
	step := len(all) / connections
	return func(conn, i int) []byte { return all[(conn*step+i*7919)%len(all)] }
}

// tokenField is the hidden field of a form as each side writes it.
var tokenField = regexp.MustCompile(`<input type="hidden" name="(?:merlon_token|csrf_token|csrfmiddlewaretoken)" value="[A-Za-z0-9+/=_&#;-]*">`)

// withoutTokens takes the hidden fields out of a page, and says how many there were.
func withoutTokens(page []byte) (rest string, tokens int) {
	tokens = len(tokenField.FindAll(page, -1))
	return string(tokenField.ReplaceAll(page, nil)), tokens
}

// equalPages compares two sides' pages without their tokens; a difference is an error that shows its place.
func equalPages(nameA string, a []byte, nameB string, b []byte) error {
	x, _ := withoutTokens(a)
	y, _ := withoutTokens(b)
	return equalTexts(nameA, x, nameB, y)
}

func equalTexts(nameA, x, nameB, y string) error {
	if x == y {
		return nil
	}
	at := 0
	for at < len(x) && at < len(y) && x[at] == y[at] {
		at++
	}
	part := func(s string) string { return s[max(0, at-40):min(len(s), at+60)] }
	return fmt.Errorf("the pages of %s and %s differ from byte %d on: %q and %q", nameA, nameB, at, part(x), part(y))
}

// squeeze takes white space between tags and around the inside of elements away; templ leaves it out of the page.
func squeeze(page string) string {
	return betweenTags.ReplaceAllString(strings.TrimSpace(page), "$1$2")
}

var betweenTags = regexp.MustCompile(`(>)\s+|\s+(<)`)
