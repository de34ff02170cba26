package attack

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"time"
)

// platform looks at what lies below the routes: methods, names, framing, pages for developers.
func platform(r *run) {
	nobody := r.people[0]
	q := (&Request{Method: http.MethodTrace, Path: "/"}).with("X-Mq", "mq1")
	seen := r.noticed()
	if ans := nobody.fork().send(q); ans.status == http.StatusOK && strings.Contains(strings.ToLower(ans.body), "x-mq: mq1") {
		r.hit(RuleTrace, "TRACE /", q, nobody, "TRACE repeats what was sent, with the cookies of the visitor")
	} else {
		r.unnoticed("TRACE /", q, nobody, ans, seen, "TRACE")
	}
	r.traces()
	r.listings()
	r.hosts(nobody)
	r.debugPages(nobody)
	r.plainSignIn(nobody)
	r.framing()
}

// hosts asks under another name, and looks where that name comes out.
func (r *run) hosts(nobody *actor) {
	const evil = "attacker.invalid"
	paths := r.site.order["anonymous"]
	for _, p := range paths[:min(len(paths), 30)] {
		if !r.wants(r.t.pattern(http.MethodGet, bare(p))) {
			continue
		}
		for _, q := range []*Request{{Method: http.MethodGet, Path: p, Host: evil}, get(p).with("X-Forwarded-Host", evil), get(p).with("Forwarded", "host="+evil)} {
			ans := nobody.fork().send(q)
			used := ans.status < 400 && (strings.Contains(ans.location(), evil) || ans.isHTML() && strings.Contains(ans.body, "//"+evil))
			if used {
				r.hit(RuleHostUsed, "GET "+r.t.pattern(http.MethodGet, bare(p)), q, nobody, "%s came out of %s", evil, p)
			}
			if q.Host == evil && ans.status > 0 && ans.status < 400 && !used && r.site.pages["anonymous"][p].status == http.StatusOK {
				r.hit(RuleAnyHost, "every route", q, nobody, "%s was answered with %d under the name %s", p, ans.status, evil)
			}
		}
	}
	if r.t.said["mail"] == nil {
		return
	}
	for _, f := range r.forms() {
		if !f.by.anonymous() {
			continue
		}
		for _, who := range r.people {
			u, ok := who.user.(User)
			if !ok {
				continue
			}
			a := nobody.fork()
			g := r.fresh(f, a)
			if g == nil {
				break
			}
			v := g.filled("mq0x")
			for _, d := range g.fields {
				for _, value := range u.Fields {
					if d.isText() && d.kind != "password" && strings.Contains(value, "@") {
						v.Set(d.name, value)
					}
				}
			}
			for _, dress := range []func(q *Request){
				func(q *Request) { q.Host = evil },
				func(q *Request) { q.with("X-Forwarded-Host", evil).with("Forwarded", "host="+evil) },
			} {
				q := g.request(v).own(r.t)
				dress(q)
				before := len(r.t.said["mail"]())
				a.send(q)
				if all := r.t.said["mail"](); len(all) > before && strings.Contains(all[before:], evil) {
					r.hit(RuleHostUsed, "POST "+f.pattern, q, nobody, "a mail was sent with a link to %s", evil)
				}
			}
			break
		}
	}
}

// debugPages asks for what belongs on the developer's own machine.
func (r *run) debugPages(nobody *actor) {
	for path, sign := range map[string]string{"/debug/pprof/": "goroutine", "/debug/vars": "memstats", "/.git/HEAD": "ref:", "/.env": "=", "/metrics": "# HELP",
		"/server-status": "Apache", "/debug": "goroutine", "/debug/requests": "trace", "/actuator/env": "property", "/phpinfo.php": "PHP"} {
		q := get(path)
		if ans := nobody.fork().send(q); ans.status == http.StatusOK && strings.Contains(ans.body, sign) && !(path == "/.env" && ans.isHTML()) {
			r.hit(RuleDebug, "GET "+path, q, nobody, "%s is open", path)
		}
	}
}

// plainSignIn asks for the sign-in page without TLS, from elsewhere.
func (r *run) plainSignIn(nobody *actor) {
	if r.t.origin.Scheme != "https" || r.t.handler == nil {
		return
	}
	if r.t.merlon {
		r.missed("the sign-in page over plain http: the copy is not opened for production, in which check refuses it")
	}
	if !r.t.merlon && r.t.signIn != "" && r.wants(r.t.signIn) {
		q := get(r.t.signIn)
		q.plain = true
		if ans := nobody.fork().send(q); ans.status == http.StatusOK && ans.isHTML() && ans.hasPassword(r.t) {
			r.hit(RulePlainSignIn, "GET "+r.t.signIn, q, nobody, "the sign-in form is given over plain http")
		}
	}
	if ans := nobody.fork().send(get("/").own(r.t)); ans.status < 500 && ans.header.Get("Strict-Transport-Security") == "" {
		r.hit(RuleNoHSTS, "every route", get("/"), nobody, "there is no Strict-Transport-Security on /")
	}
}

func (a *answer) hasPassword(t *target) bool {
	for _, f := range a.dom(t).forms {
		if f.passwords() > 0 {
			return true
		}
	}
	return false
}

// vectors are requests whose end is in doubt (RFC 9112); HOST stands for the site's name. answers is how many there may be.
var vectors = []struct{ name, raw string }{
	{"Transfer-Encoding with Content-Length", "POST / HTTP/1.1\r\nHost: HOST\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
	{"a request smuggled behind both", "POST / HTTP/1.1\r\nHost: HOST\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\nHost: HOST\r\n\r\n"},
	{"two different Content-Length", "POST / HTTP/1.1\r\nHost: HOST\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nhi!"},
	{"a line that ends in LF alone", "GET / HTTP/1.1\nHost: HOST\n\n"},
	{"a folded header", "GET / HTTP/1.1\r\nHost: HOST\r\nX-A: b\r\n c\r\n\r\n"},
	{"a space before the colon", "POST / HTTP/1.1\r\nHost: HOST\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n"},
	{"chunked twice", "POST / HTTP/1.1\r\nHost: HOST\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
	{"two names of hosts", "GET / HTTP/1.1\r\nHost: HOST\r\nHost: attacker.invalid\r\n\r\n"},
	{"Transfer-Encoding in HTTP/1.0", "POST / HTTP/1.0\r\nHost: HOST\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\nGET / HTTP/1.1\r\nHost: HOST\r\n\r\n"},
}

var statusLine = regexp.MustCompile(`(?m)^HTTP/1\.[01] (\d{3})`)

// framing sends requests over loopback whose end a proxy may see elsewhere. What answers less than 400 took one.
func (r *run) framing() {
	if r.t.serve == nil {
		r.missed("framing, slow clients: the handler was attacked in this process, its server was not")
		return
	}
	addr, end, err := r.t.serve()
	if err != nil {
		r.missed("framing: %v", err)
		return
	}
	defer end()
	for _, v := range vectors {
		raw := strings.ReplaceAll(v.raw, "HOST", r.t.origin.Host)
		r.tried++
		said, err := exchange(addr, raw)
		if err != nil {
			r.missed("framing: %s: %v", v.name, err)
			continue
		}
		if m := statusLine.FindStringSubmatch(said); m != nil && m[1] < "400" {
			r.hit(RuleFraming, "every route", &Request{Method: "RAW", Path: "/", Body: raw}, r.people[0], "%s was answered with %s", v.name, m[1])
		}
	}
	r.slow(addr)
}

func exchange(addr, raw string) (string, error) {
	c, err := net.DialTimeout("tcp", addr, 3*time.Second)
	if err != nil {
		return "", err
	}
	defer c.Close()
	if _, err := io.WriteString(c, raw); err != nil {
		return "", err
	}
	_ = c.SetReadDeadline(time.Now().Add(500 * time.Millisecond))
	said, _ := io.ReadAll(io.LimitReader(bufio.NewReader(c), 64<<10))
	return string(said), nil
}

// slowTime is how long half a head may keep a connection.
const slowTime = 20 * time.Second

// slow begins a head and does not end it. It is asked only where there is time for it.
func (r *run) slow(addr string) {
	if left, ok := r.ctx.Deadline(); ok && time.Until(left) < 2*slowTime {
		r.missed("slow clients: they need a budget of more than %s", 2*slowTime)
		return
	}
	c, err := net.DialTimeout("tcp", addr, 3*time.Second)
	if err != nil {
		return
	}
	defer c.Close()
	r.tried++
	fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: %s\r\nX-A: ", r.t.origin.Host)
	_ = c.SetReadDeadline(time.Now().Add(slowTime))
	_, err = io.ReadAll(io.LimitReader(c, 64<<10))
	if ne, ok := err.(net.Error); ok && ne.Timeout() {
		r.hit(RuleSlow, "every route", &Request{Method: "RAW", Path: "/", Body: "GET / HTTP/1.1\r\nX-A: "}, r.people[0], "half a head kept its connection for %s", slowTime)
	}
}
