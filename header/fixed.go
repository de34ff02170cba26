package header

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/merlon-web/merlon/check"
)

// Options say what one kind of answer opens. The zero value is [Strict]: nothing.
type Options struct {
	Policy   Policy   // what the page loads, as room page computes it
	Frames   []Frame  // who may frame it; nobody by default
	Features []string // browser features its scripts may use, such as "publickey-credentials-get"; none by default
	Cache    Cache    // NoStore by default
	Vary     []string // request headers that the answer depends on
	// AllowPopups keeps the handle between this page and a window of another origin that it opens, as some payment and
	// sign-in pages need it (COOP same-origin-allow-popups).
	AllowPopups bool
	// AllowEmbedding lets pages of any origin load the answer as an image, script or the like (CORP cross-origin). It is
	// for files that are public anyway.
	AllowEmbedding bool
	// HSTS tells browsers to use TLS for two years, sub-domains included. Set it only where [PublicName] is true.
	HSTS bool
}

// A Frame lets one origin frame a page. Reason is printed by check.
type Frame struct{ Origin, Reason string }

// A Fixed holds headers that are the same for every answer of one kind, computed once. It is immutable and safe for
// concurrent use; applying it allocates nothing but what the map itself needs.
type Fixed struct {
	policy  string
	entries []entry
}

// entry is one header; a nil value takes it off. The slices are shared by all answers: their capacity is their length, so
// that an append to one copies it.
type entry struct {
	key   string
	value []string
}

// Strict is what every answer carries until its route says more. Each header and why:
//
//   - Content-Security-Policy: the zero [Policy].
//   - X-Content-Type-Options nosniff: no answer is guessed to be a page or a script (mistake XSS-8).
//   - X-Frame-Options DENY: as frame-ancestors, for what does not know it.
//   - Referrer-Policy same-origin: addresses stay here. Never no-referrer, which makes a browser send Origin: null with the
//     site's own forms.
//   - Cross-Origin-Opener-Policy same-origin: no other window keeps a handle on this one.
//   - Cross-Origin-Resource-Policy same-origin: no other site loads the answer as an image or script (XS-Leaks, Spectre).
//   - Permissions-Policy: every feature off.
//   - Origin-Agent-Cluster ?1: a process of its own where the browser has one.
//   - Cache-Control no-store.
//
// There is no X-XSS-Protection (browsers that knew it made holes with it), no Server, and no name of the framework.
var Strict = mustFixed(Options{})

// Inert is for bytes of foreign making, such as uploads: no script runs, no form is sent, nothing loads, also when a browser
// opens the answer as a page. Use it with [SetAttachment].
var Inert = func() *Fixed {
	f := mustFixed(Options{})
	f.policy = "sandbox; default-src 'none'; frame-ancestors 'none'"
	f.entries[0].value = []string{f.policy}
	return f
}()

func mustFixed(o Options) *Fixed {
	f, faults := New(o, "")
	if len(faults) > 0 {
		panic(faults)
	}
	return f
}

// New compiles options. Where is the name of the page or route, for the faults; a Fixed with faults is returned all the
// same, without what they name.
func New(o Options, where string) (*Fixed, check.Faults) {
	p := o.Policy
	var faults check.Faults
	if len(p.Ancestors) > 0 {
		faults = append(faults, RuleFrame.Finding(where, fmt.Sprintf("framing by %q without a reason", p.Ancestors), "name them in Options.Frames, each with a reason"))
		p.Ancestors = nil
	}
	for _, f := range o.Frames {
		if strings.TrimSpace(f.Reason) == "" {
			faults = append(faults, RuleFrame.Finding(where, fmt.Sprintf("framing by %q without a reason", f.Origin), "say in a sentence why that site shows this page"))
			continue
		}
		p.Ancestors = append(p.Ancestors, f.Origin)
	}
	faults = append(faults, p.Faults(where)...)
	framed := slices.ContainsFunc(p.Ancestors, func(s string) bool { return validOrigin(s, "https") })

	f := &Fixed{policy: p.String()}
	add := func(key, value string) { f.entries = append(f.entries, entry{key, []string{value}}) }
	add("Content-Security-Policy", f.policy)
	add("X-Content-Type-Options", "nosniff")
	if framed { // X-Frame-Options knows no origins: a browser that obeyed both would refuse
		f.entries = append(f.entries, entry{"X-Frame-Options", nil})
	} else {
		add("X-Frame-Options", "DENY")
	}
	add("Referrer-Policy", "same-origin")
	add("Cross-Origin-Opener-Policy", pick(o.AllowPopups, "same-origin-allow-popups", "same-origin"))
	add("Cross-Origin-Resource-Policy", pick(o.AllowEmbedding, "cross-origin", "same-origin"))
	features, bad := permissions(o.Features, where)
	faults = append(faults, bad...)
	add("Permissions-Policy", features)
	add("Origin-Agent-Cluster", "?1")
	add("Cache-Control", o.Cache.String())
	if len(o.Vary) > 0 {
		var names []string
		for _, name := range o.Vary {
			if !token(name) {
				faults = append(faults, RuleName.Finding(where, fmt.Sprintf("Vary: %.60q is no header name", name), "write names of request headers"))
				continue
			}
			names = append(names, http.CanonicalHeaderKey(name))
		}
		if len(names) > 0 {
			add("Vary", strings.Join(names, ", "))
		}
	}
	if o.HSTS {
		add("Strict-Transport-Security", hsts)
	}
	return f, faults
}

func pick(first bool, a, b string) string {
	if first {
		return a
	}
	return b
}

// Policy returns the value of the content security policy.
func (f *Fixed) Policy() string { return f.policy }

// Apply puts the headers on an answer, replacing earlier ones. The slices are shared: a caller that changes a value
// replaces the slice ([http.Header.Set] does), never an element of it.
func (f *Fixed) Apply(h http.Header) {
	for i := range f.entries {
		if e := &f.entries[i]; e.value == nil {
			delete(h, e.key)
		} else {
			h[e.key] = e.value
		}
	}
}

// Over returns what of f differs from base, for answers that carry base already: a site writes its strict set before it
// knows the route, and the route's own then costs only what it changes.
func (f *Fixed) Over(base *Fixed) *Fixed {
	d := &Fixed{policy: f.policy}
	for _, e := range f.entries {
		if !slices.ContainsFunc(base.entries, func(b entry) bool { return b.key == e.key && slices.Equal(b.value, e.value) }) {
			d.entries = append(d.entries, e)
		}
	}
	for _, b := range base.entries { // what only base has goes
		if !slices.ContainsFunc(f.entries, func(e entry) bool { return e.key == b.key }) {
			d.entries = append(d.entries, entry{b.key, nil})
		}
	}
	return d
}

// Handler returns a handler that applies f before next runs, so that next may open more, and errors have the headers too.
func (f *Fixed) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.Apply(w.Header())
		next.ServeHTTP(w, r)
	})
}

// Handler puts [Strict] on every answer of next, for programs of plain net/http. Pages with a style sheet or a script need
// a policy that names them: compile one with [New] and use [Fixed.Handler].
func Handler(next http.Handler) http.Handler { return Strict.Handler(next) }
