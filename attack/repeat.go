package attack

import (
	"cmp"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// longBody is how much of a body stands in a report, in bytes.
const longBody = 2000

// onWire is the method of a request that is bytes on a connection: what its end is, is the question.
const onWire = "RAW"

// shown is the request without what is long.
func (q *Request) shown() Request {
	c := *q
	if len(c.Body) > longBody {
		c.whole, c.Cut = c.Body, len(c.Body)-longBody
		c.Body = c.Body[:longBody]
	}
	return c
}

// A repeated body is one of which most is one byte over and over, as that of a text of megabytes.
type repeated struct {
	before, after string
	of            byte
	times         int
}

// repeats finds the run of a long body; false: without it the body is still long.
func (q *Request) repeats() (best repeated, found bool) {
	all, from := q.Whole().Body, 0
	for i := 1; i <= len(all); i++ {
		if i < len(all) && all[i] == all[from] {
			continue
		}
		if i-from > best.times {
			best = repeated{all[:from], all[i:], all[from], i - from}
		}
		from = i
	}
	return best, len(all)-best.times <= longBody
}

func shell(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// curl is the request for a terminal. Cookies and tokens are of one run: see before.
func (q *Request) curl(t *target) string {
	if q.Method == onWire {
		return fmt.Sprintf("printf %%b %s | nc -w 3 %s # to the address at which the site listens", shell(strings.NewReplacer(`\`, `\\`, "\r", `\r`, "\n", `\n`).Replace(q.Body)), strings.Replace(t.origin.Host, ":", " ", 1))
	}
	c := q.shown()
	var b strings.Builder
	note := ""
	r, run := q.repeats()
	if c.Cut > 0 && run {
		fmt.Fprintf(&b, "{ printf %%s %s; head -c %d /dev/zero | tr '\\0' %s; printf %%s %s; } | ", shell(r.before), r.times, shell(fmt.Sprintf("\\%03o", r.of)), shell(r.after))
	}
	fmt.Fprintf(&b, "curl -i -X %s --path-as-is", c.Method)
	for _, h := range c.Header {
		fmt.Fprintf(&b, " -H %s", shell(h[0]+": "+h[1]))
	}
	if c.Host != "" {
		fmt.Fprintf(&b, " -H %s", shell("Host: "+c.Host))
	}
	switch {
	case c.Cut > 0 && run:
		b.WriteString(" --data-binary @-")
	case c.Body != "":
		fmt.Fprintf(&b, " --data-binary %s", shell(c.Body))
	}
	if c.Cut > 0 && !run {
		note = " # " + c.cutNote()
	}
	fmt.Fprintf(&b, " %s%s", shell(c.address(t)), note)
	return b.String()
}

// before is what comes before a request that is sent again: what stands in it is of one attack. "": nothing.
func (q *Request) before(t *target, by *actor) string {
	if q.Method == onWire {
		return ""
	}
	var all []string
	token := q.holdsToken()
	if !slices.ContainsFunc(q.Header, func(h [2]string) bool { return h[0] == "Cookie" }) {
		names := ""
		for _, n := range slices.Sorted(maps.Keys(by.cookies)) {
			names += n + "=…; "
		}
		along := fmt.Sprintf("send along the cookies that a browser does then: -H 'Cookie: %s', in a test r.Header.Set(\"Cookie\", …)", cmp.Or(strings.TrimSuffix(names, "; "), "…"))
		switch {
		case by.way != nil:
			all = append(all, "come as "+by.name()+", and "+along)
		case !by.anonymous():
			all = append(all, "sign in as "+by.name()+", and "+along)
		case token:
			all = append(all, "load the page of the form, and "+along)
		}
	}
	if token {
		all = append(all, "put the token that this browser is shown in the place of the one that is printed")
	}
	if t.handler != nil {
		all = append(all, fmt.Sprintf("for curl put the origin at which the site listens in the place of %s://%s", t.origin.Scheme, t.origin.Host))
	}
	return strings.Join(all, "; ")
}

// holdsToken reports whether a field of the request is what tells the site's own forms from others.
func (q *Request) holdsToken() bool {
	if slices.Contains(q.Header, [2]string{"Content-Type", formType}) {
		v, _ := url.ParseQuery(q.Whole().Body)
		return slices.ContainsFunc(slices.Collect(maps.Keys(v)), tokenName.MatchString)
	}
	return tokenPart.MatchString(q.Whole().Body)
}

// tokenPart is a token as a form with files sends it.
var tokenPart = regexp.MustCompile(`(?i) name="[^"]*(csrf|xsrf|token|nonce|authenticity)`)

// address is where the request is sent.
func (q *Request) address(t *target) string {
	scheme := t.origin.Scheme
	if q.Plain {
		scheme = "http"
	}
	return scheme + "://" + t.origin.Host + q.Path
}

func (q *Request) cutNote() string {
	return fmt.Sprintf("the body is cut: %d bytes of it are left out here, Request.Whole has them", q.Cut)
}

// goTest is the request as lines of a Go test against the handler.
func (q *Request) goTest(t *target) string {
	var b strings.Builder
	if q.Method == onWire {
		fmt.Fprintf(&b, "srv := httptest.NewServer(handler)\ndefer srv.Close()\nc, err := net.Dial(\"tcp\", srv.Listener.Addr().String())\nif err != nil {\n\tt.Fatal(err)\n}\ndefer c.Close()\n")
		fmt.Fprintf(&b, "_, _ = io.WriteString(c, %q)\n_ = c.SetReadDeadline(time.Now().Add(3 * time.Second))\nsaid, _ := io.ReadAll(c)\n", q.Body)
		return b.String()
	}
	c := q.shown()
	body := fmt.Sprintf("%q", c.Body)
	switch r, run := q.repeats(); {
	case c.Cut > 0 && run:
		body = fmt.Sprintf("%q+strings.Repeat(%q, %d)+%q", r.before, string([]byte{r.of}), r.times, r.after)
	case c.Cut > 0:
		fmt.Fprintf(&b, "// %s\n", c.cutNote())
	}
	fmt.Fprintf(&b, "r := httptest.NewRequest(%q, %q, strings.NewReader(%s))\n", c.Method, c.address(t), body)
	for _, h := range c.Header {
		fmt.Fprintf(&b, "r.Header.Add(%q, %q)\n", h[0], h[1])
	}
	if c.Host != "" {
		fmt.Fprintf(&b, "r.Host = %q\n", c.Host)
	}
	if c.From != "" {
		fmt.Fprintf(&b, "r.RemoteAddr = %q\n", c.From+":40000")
	}
	b.WriteString("w := httptest.NewRecorder()\nhandler.ServeHTTP(w, r)\n")
	return b.String()
}

// ofCopies is how a finding that takes no request is made again: by the class.
const ofCopies = "report, err := attack.Probe(t.Context(), site, profile, attack.Options{Classes: []string{\"backup\"}}) // attack.Site of a site of Merlon's"
