package header

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"

	"github.com/merlon-web/merlon/check"
)

// ReportPath is where a Merlon site takes the reports of browsers about its policies.
const ReportPath = "/_merlon/csp"

// MaxHashes is how many hashes one policy may name: each takes 53 bytes of every answer's head.
const MaxHashes = 20

// A Policy is a content security policy (CSP Level 3). Its zero value is the strictest: nothing loads, nothing frames it,
// forms go to their own origin, no script can write markup from text. A field opens one thing.
//
// There is no field for unsafe-inline, unsafe-eval, a nonce, a wildcard, a scheme or strict-dynamic. A Policy is a value:
// copy it, [Policy.Merge] it, and compile it once with [New].
type Policy struct {
	Script Sources // own files (Self), and constant scripts, inline or with integrity, by hash; no origins
	Style  Sources // likewise
	Img    Sources // Self and origins
	Font   Sources // Self and origins
	Media  Sources // Self and origins
	// Connect is what a script may fetch. Without it fetch, XMLHttpRequest, WebSocket and beacons are blocked, to the own
	// origin too: htmx needs Self.
	Connect  Sources
	Manifest Sources // Self only
	Worker   Sources // Self only
	Frame    Sources // what this page may frame: origins

	// Form are the origins that forms may be sent to, and redirected to after a POST, besides the own one, which always may.
	// Chromium holds the redirect to it as well and then stays on the page without a word.
	Form []string
	// Ancestors are the origins that may frame the page. [New] takes them only from [Options].Frames, which asks for a reason.
	Ancestors []string
	// TrustedTypes are the names of the policies that its scripts may create, such as "htmx". None: none can be.
	TrustedTypes []string
	// Report is the path that browsers report violations to, such as [ReportPath]; "" is none. It is sent as report-uri
	// alone: with report-to beside it browsers ignore it (tried in Chromium 156 and Firefox 153).
	Report string
}

// Sources are where one kind of thing may come from. The zero value is nowhere.
type Sources struct {
	Self    bool     // the own origin
	Hashes  []string // as [Hash] makes them: "sha256-…"
	Origins []string // "https://img.example", without path or wildcard
}

// Hash returns the source expression of a constant script or style, "sha256-…", as it stands in a policy and in an
// integrity attribute.
func Hash(content []byte) string {
	sum := sha256.Sum256(content)
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

func (s Sources) merge(t Sources) Sources {
	return Sources{s.Self || t.Self, union(s.Hashes, t.Hashes), union(s.Origins, t.Origins)}
}

func union(a, b []string) []string {
	if len(b) == 0 {
		return slices.Clone(a)
	}
	all := slices.Clone(a)
	for _, s := range b {
		if !slices.Contains(all, s) {
			all = append(all, s)
		}
	}
	return all
}

// Merge returns a policy that allows what p or q allows. The report path is p's unless it has none.
func (p Policy) Merge(q Policy) Policy {
	m := Policy{
		Script: p.Script.merge(q.Script), Style: p.Style.merge(q.Style), Img: p.Img.merge(q.Img), Font: p.Font.merge(q.Font),
		Media: p.Media.merge(q.Media), Connect: p.Connect.merge(q.Connect), Manifest: p.Manifest.merge(q.Manifest),
		Worker: p.Worker.merge(q.Worker), Frame: p.Frame.merge(q.Frame),
		Form: union(p.Form, q.Form), Ancestors: union(p.Ancestors, q.Ancestors),
		TrustedTypes: union(p.TrustedTypes, q.TrustedTypes), Report: p.Report,
	}
	if m.Report == "" {
		m.Report = q.Report
	}
	return m
}

// directive is one line of the policy: its name, its sources, and what they may be.
type directive struct {
	name            string
	sources         Sources
	hashes, origins bool
	wss             bool
}

func (p Policy) directives() [9]directive {
	return [...]directive{
		{"script-src", p.Script, true, false, false},
		{"style-src", p.Style, true, false, false},
		{"img-src", p.Img, false, true, false},
		{"font-src", p.Font, false, true, false},
		{"connect-src", p.Connect, false, true, true},
		{"media-src", p.Media, false, true, false},
		{"manifest-src", p.Manifest, false, false, false},
		{"worker-src", p.Worker, false, false, false},
		{"frame-src", p.Frame, false, true, false},
	}
}

func (d directive) validOrigin(s string) bool {
	if d.wss {
		return validOrigin(s, "https", "wss")
	}
	return validOrigin(s, "https")
}

// String returns the header's value. What [Policy.Faults] finds is left out, so that a fault never opens anything.
func (p Policy) String() string {
	var b strings.Builder
	b.WriteString("default-src 'none'")
	for _, d := range p.directives() {
		open := len(d.name) + 2
		start := b.Len()
		b.WriteString("; " + d.name)
		if d.sources.Self {
			b.WriteString(" 'self'")
		}
		if d.hashes {
			for _, s := range d.sources.Hashes {
				if validHash(s) {
					b.WriteString(" '" + s + "'")
				}
			}
		}
		if d.origins {
			for _, s := range d.sources.Origins {
				if d.validOrigin(s) {
					b.WriteString(" " + s)
				}
			}
		}
		if b.Len() == start+open { // nothing was valid: default-src says 'none'
			s := b.String()[:start]
			b.Reset()
			b.WriteString(s)
		}
	}
	b.WriteString("; form-action 'self'")
	for _, s := range p.Form {
		if validOrigin(s, "https") {
			b.WriteString(" " + s)
		}
	}
	b.WriteString("; frame-ancestors")
	n := b.Len()
	for _, s := range p.Ancestors {
		if validOrigin(s, "https") {
			b.WriteString(" " + s)
		}
	}
	if b.Len() == n {
		b.WriteString(" 'none'")
	}
	b.WriteString("; base-uri 'none'; require-trusted-types-for 'script'; trusted-types")
	n = b.Len()
	for _, s := range p.TrustedTypes {
		if validTypeName(s) {
			b.WriteString(" " + s)
		}
	}
	if b.Len() == n {
		b.WriteString(" 'none'")
	}
	if p.Report != "" && validReport(p.Report) {
		b.WriteString("; report-uri " + p.Report)
	}
	return b.String()
}

// Faults returns what of the policy cannot stand, each with the place, which is the page's name or the route's.
func (p Policy) Faults(where string) check.Faults {
	var f check.Faults
	bad := func(name, what, do string) {
		f = append(f, RuleSource.Finding(where, name+": "+what, do))
	}
	hashes := 0
	for _, d := range p.directives() {
		hashes += len(d.sources.Hashes)
		for _, s := range d.sources.Hashes {
			switch {
			case !d.hashes:
				bad(d.name, fmt.Sprintf("hash %.80q", s), "hashes are for script and style only")
			case !validHash(s):
				bad(d.name, fmt.Sprintf("%.80q is no hash", s), "make it with header.Hash: sha256-, sha384- or sha512- and base64")
			}
		}
		for _, s := range d.sources.Origins {
			switch {
			case !d.origins && d.hashes:
				bad(d.name, fmt.Sprintf("origin %.80q", s), "serve the file yourself, or give the tag integrity and name its hash")
			case !d.origins:
				bad(d.name, fmt.Sprintf("origin %.80q", s), "serve it from this site and set Self")
			case !d.validOrigin(s):
				bad(d.name, fmt.Sprintf("%.80q is no origin", s), "write https://host or https://host:port, in lower case, without path or wildcard")
			}
		}
	}
	if hashes > MaxHashes {
		f = append(f, RuleHashes.Finding(where, fmt.Sprintf("%d hashes", hashes),
			"move inline scripts and styles into files under static, and several small files into one"))
	}
	for _, list := range []struct {
		name   string
		values []string
	}{{"form-action", p.Form}, {"frame-ancestors", p.Ancestors}} {
		for _, s := range list.values {
			if !validOrigin(s, "https") {
				bad(list.name, fmt.Sprintf("%.80q is no origin", s), "write https://host or https://host:port, in lower case, without path or wildcard")
			}
		}
	}
	for _, s := range p.TrustedTypes {
		if !validTypeName(s) {
			bad("trusted-types", fmt.Sprintf("%.80q is no policy name", s), "use letters, digits and -#=_/@.%; '*' and 'allow-duplicates' are not offered")
		}
	}
	if p.Report != "" && !validReport(p.Report) {
		bad("report-uri", fmt.Sprintf("%.80q is no path of this site", p.Report), "write a path such as header.ReportPath")
	}
	return f
}

func validHash(s string) bool {
	alg, sum, ok := strings.Cut(s, "-")
	if !ok {
		return false
	}
	b, err := base64.StdEncoding.Strict().DecodeString(sum)
	if err != nil || strings.ContainsAny(sum, "\r\n") {
		return false
	}
	switch alg {
	case "sha256":
		return len(b) == 32
	case "sha384":
		return len(b) == 48
	case "sha512":
		return len(b) == 64
	}
	return false
}

// validTypeName is tt-policy-name of Trusted Types 4.3.2: letters, digits and -#=_/@.%
func validTypeName(s string) bool {
	if s == "" || len(s) > 64 {
		return false
	}
	for i := 0; i < len(s); i++ {
		c := s[i]
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-#=_/@.%", c) >= 0) {
			return false
		}
	}
	return true
}

func validReport(s string) bool {
	return CheckLocation(s) == nil && !strings.ContainsAny(s, ";,'\"")
}
