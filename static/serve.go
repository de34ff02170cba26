package static

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"
)

// The headers that are the same for many answers, shared: nothing writes into them.
var (
	noSniff     = []string{"nosniff"}
	sameOrigin  = []string{"same-origin"}
	deny        = []string{"DENY"}
	year        = []string{"public, max-age=31536000, immutable"}
	noCache     = []string{"no-cache"}
	noStore     = []string{"no-store"}
	varyCoding  = []string{"Accept-Encoding"}
	codingGzip  = []string{"gzip"}
	attachment  = []string{"attachment"}
	allowed     = []string{"GET, HEAD"}
	plainText   = []string{"text/plain; charset=utf-8"}
	leastToPack = 256 // bytes; below it a compressed answer is no shorter on the wire
)

// ServeHTTP answers GET and HEAD for the addresses of the files, 405 for other methods, 404 for everything else: there is
// no listing of folders, no index and no redirect. Every answer has the headers that this package's comment speaks of, so
// that it can be mounted alone: mux.Handle("GET "+files.Prefix(), files).
func (f *Files) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a := f.current().byAddress[r.URL.Path]
	if r.URL.RawPath != "" { // an address of ours needs no escapes: another spelling of it is none
		a = nil
	}
	serve(w, r, a)
}

func serve(w http.ResponseWriter, r *http.Request, a *answer) {
	h := w.Header()
	h["X-Content-Type-Options"] = noSniff
	h["X-Frame-Options"] = deny
	h["Referrer-Policy"] = sameOrigin
	h["Cross-Origin-Resource-Policy"] = sameOrigin
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h["Allow"] = allowed
		refuse(w, r, http.StatusMethodNotAllowed)
		return
	}
	if a == nil {
		refuse(w, r, http.StatusNotFound)
		return
	}
	one := a.file
	h["Content-Type"] = one.kind.contentType
	h["Content-Security-Policy"] = one.kind.policy
	if a.immutable {
		h["Cache-Control"] = year
	} else {
		h["Cache-Control"] = noCache
	}
	if _, ok := h["Set-Cookie"]; ok { // a middleware's: no cache may hand it to others
		h["Cache-Control"] = noStore
	}
	if one.kind.save {
		h["Content-Disposition"] = attachment
	}
	if one.kind.media {
		h["Etag"] = one.plain.etag
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(one.content))
		return
	}
	what := &one.plain
	if one.kind.text {
		h["Vary"] = varyCoding
		if acceptsGzip(r.Header["Accept-Encoding"]) {
			if one.once.Do(one.pack); one.gzip.body != nil {
				what = &one.gzip
				h["Content-Encoding"] = codingGzip
			}
		}
	}
	h["Etag"] = what.etag
	if matches(r.Header["If-None-Match"], what.etag[0]) {
		delete(h, "Content-Encoding")
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h["Content-Length"] = what.length
	w.WriteHeader(http.StatusOK)
	if r.Method != http.MethodHead {
		_, _ = w.Write(what.body) // the client has gone: nobody to tell
	}
}

func refuse(w http.ResponseWriter, r *http.Request, status int) {
	h := w.Header()
	h["Content-Type"] = plainText
	h["Content-Security-Policy"] = policyInert
	h["Cache-Control"] = noStore
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write([]byte(http.StatusText(status) + "\n"))
	}
}

// pack makes the compressed representation. It has an ETag of its own: it is another sequence of bytes (RFC 9110 8.8.3).
func (one *file) pack() {
	if len(one.content) < leastToPack {
		return
	}
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return
	}
	if _, err = z.Write(one.content); err != nil || z.Close() != nil || b.Len() > len(one.content)*9/10 {
		return
	}
	etag := strings.TrimSuffix(one.plain.etag[0], `"`) + `-gz"`
	one.gzip = representation{bytes.Clone(b.Bytes()), []string{etag}, []string{strconv.Itoa(b.Len())}}
}

// matches reports whether one of the entity tags is ours, by the weak comparison of RFC 9110 13.1.2.
func matches(lines []string, etag string) bool {
	for _, line := range lines {
		for line != "" {
			line = strings.TrimLeft(line, " \t,")
			if line == "*" {
				return true
			}
			line = strings.TrimPrefix(line, "W/")
			if !strings.HasPrefix(line, `"`) {
				break // no entity tag: the rest cannot be read
			}
			end := strings.IndexByte(line[1:], '"')
			if end < 0 {
				break
			}
			if line[:end+2] == etag {
				return true
			}
			line = line[end+2:]
		}
	}
	return false
}

// acceptsGzip reads Accept-Encoding (RFC 9110 12.5.3).
func acceptsGzip(lines []string) bool {
	star := false
	for _, line := range lines {
		for line != "" {
			var one string
			one, line, _ = strings.Cut(line, ",")
			name, weight, _ := strings.Cut(one, ";")
			name = strings.Trim(name, " \t")
			switch {
			case strings.EqualFold(name, "gzip"), strings.EqualFold(name, "x-gzip"):
				return !zero(weight)
			case name == "*":
				star = !zero(weight)
			}
		}
	}
	return star
}

// zero reports a weight of nothing: q=0, q=0.000.
func zero(weight string) bool {
	weight = strings.Trim(weight, " \t")
	if len(weight) < 3 || weight[0] != 'q' && weight[0] != 'Q' {
		return false
	}
	value := strings.Trim(weight[1:], " \t")
	return strings.HasPrefix(value, "=") && strings.Trim(value[1:], " \t0.") == ""
}

// Root returns a handler for one of the few files that browsers and crawlers ask for at the root of a site: favicon.ico,
// apple-touch-icon.png, robots.txt. It serves the file of that name from the top of the folder; for favicon.ico also
// favicon.svg or favicon.png. It is false if there is none or the name is another.
func (f *Files) Root(name string) (http.Handler, bool) {
	var candidates []string
	switch name {
	case "favicon.ico":
		candidates = []string{"favicon.ico", "favicon.svg", "favicon.png"}
	case "apple-touch-icon.png", "robots.txt":
		candidates = []string{name}
	}
	for _, c := range candidates {
		if f.current().byName[c] != nil {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				serve(w, r, f.current().byAddress[path.Join(f.Prefix(), c)]) // read again: Reload may have replaced it
			}), true
		}
	}
	return nil, false
}
