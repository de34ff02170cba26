package attack

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
)

// reports sends what browsers send to the address that the pages' policy names (report-uri, W3C CSP3 5.3): anybody may, with any
// words, and they end up in a log.
func (r *run) reports() {
	for _, path := range r.reportPaths() {
		route := "POST " + r.t.pattern(http.MethodPost, bare(path))
		if !r.wants(strings.TrimPrefix(route, "POST ")) {
			continue
		}
		for _, make := range payloads {
			n, nobody := r.mark(), r.nobody()
			text := make(n)
			body, _ := json.Marshal(map[string]any{"csp-report": map[string]string{"document-uri": r.t.origin.Scheme + "://" + r.t.origin.Host + "/" + text,
				"violated-directive": "script-src", "effective-directive": "script-src", "blocked-uri": text, "source-file": text}})
			q := (&Request{Method: http.MethodPost, Path: path, Body: string(body)}).with("Content-Type", "application/csp-report").
				with("Origin", r.t.origin.Scheme+"://"+r.t.origin.Host).with("Sec-Fetch-Site", "same-origin").with("Sec-Fetch-Mode", "no-cors").with("Sec-Fetch-Dest", "report")
			r.examine(nobody.send(q), n, route, q, nobody)
			r.told(n, route, q, nobody)
		}
	}
}

// reportPaths are the addresses of this site to which policies send reports.
func (r *run) reportPaths() (all []string) {
	for _, a := range r.everybody() {
		for _, p := range r.site.order[a.name()] {
			for _, policy := range r.site.pages[a.name()][p].header.Values("Content-Security-Policy") {
				for d := range strings.SplitSeq(policy, ";") {
					words := strings.Fields(d)
					if len(words) < 2 || words[0] != "report-uri" {
						continue
					}
					if to, ok := r.t.local(words[1], p); ok && !slices.Contains(all, to) {
						all = append(all, to)
					}
				}
			}
		}
	}
	return all
}
