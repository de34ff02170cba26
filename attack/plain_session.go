package attack

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"net/url"
	"strings"
)

// untick leaves out the boxes of a sign-in form that nobody asked to be ticked: "stay signed in" gives a second cookie.
func (f *form) untick(v url.Values, wanted map[string]string) {
	for _, d := range f.fields {
		if _, asked := wanted[d.name]; d.kind == "checkbox" && !asked && f.passwords() == 1 {
			v.Del(d.name)
		}
	}
}

// lacks is what a cookie that signs somebody in does without. Over plain http none need be Secure: see insecure.
func (t *target) lacks(c *http.Cookie) (all []string) {
	if !c.HttpOnly {
		all = append(all, "HttpOnly")
	}
	if !c.Secure && t.origin.Scheme == "https" {
		all = append(all, "Secure")
	}
	if c.SameSite != http.SameSiteLaxMode && c.SameSite != http.SameSiteStrictMode {
		all = append(all, "SameSite")
	}
	if c.Domain != "" {
		all = append(all, "being of this host alone (Domain)")
	}
	if !strings.HasPrefix(c.Name, "__Host-") && t.origin.Scheme == "https" {
		all = append(all, "the prefix __Host-")
	}
	return all
}

// insecure tells of a cookie of which it is not known whether it is Secure where the site has TLS.
func (r *run) insecure(c *http.Cookie) {
	if !c.Secure && r.t.origin.Scheme != "https" {
		r.missed("whether the cookie %s is Secure: over plain http it need not be", c.Name)
	}
}

// remembers ticks the boxes of the sign-in form, and looks at the further cookies that open pages by themselves.
func (r *run) remembers() {
	who, u := r.plainUser()
	if who == nil {
		return
	}
	enter := func() (*answer, *Request) {
		a := who.newBrowser()
		f, err := a.signInForm()
		if err != nil || !f.has("checkbox") {
			return nil, nil
		}
		v := f.filled("mq0x")
		for name, value := range u.Fields {
			v.Set(name, value)
		}
		q := f.request(v).own(r.t)
		return a.send(q), q
	}
	first, q := enter()
	second, _ := enter()
	if first == nil || second == nil {
		return
	}
	again := map[string]string{}
	for _, c := range (&http.Response{Header: second.header}).Cookies() {
		again[c.Name] = c.Value
	}
	for _, c := range (&http.Response{Header: first.header}).Cookies() {
		alone := &actor{run: r, role: who.role, user: who.user, cookies: map[string]string{c.Name: c.Value}}
		if _, usual := who.cookies[c.Name]; usual || len(c.Value) < 8 || !alone.alive() {
			continue
		}
		route := "POST " + r.t.signIn
		r.insecure(c)
		if lacks := r.t.lacks(c); len(lacks) > 0 {
			r.hit(RuleCookie, route+" ("+c.Name+")", q, who, "the cookie %s lacks %s", c.Name, strings.Join(lacks, ", "))
		}
		if again[c.Name] == c.Value {
			r.hit(RuleSameCookie, route, q, who, "two sign-ins gave the same %s, which opens %s alone", c.Name, r.site.proof[who.role])
		}
	}
}

// plainUser is a user of the profile without a second step, who may the least.
func (r *run) plainUser() (*actor, User) {
	for _, a := range r.people {
		if u, ok := a.profiled(); ok && u.Second == nil && r.site.proof[a.role] != "" && r.t.signIn != "" {
			return a, u
		}
	}
	return nil, User{}
}

// passwordsKept looks where passwords are that were typed: in the log, and in the data.
func (r *run) passwordsKept() {
	who, u := r.plainUser()
	if who == nil {
		return
	}
	if log := r.t.said["log"]; log != nil {
		wrong := "Wrong-password-" + r.mark()
		q, _ := r.try(who, "", wrong)
		if q != nil && strings.Contains(log(), wrong) {
			r.hit(RulePasswordLogged, "POST "+r.t.signIn, q, r.people[0], "a wrong password that was typed stands in the log")
		}
	}
	if r.t.rest == nil {
		return
	}
	_, password := u.password()
	for _, h := range fastHashes(password) {
		if where := r.rests(h); where != "" {
			r.hit(RulePasswordRests, "every route", get(r.t.signIn), r.people[0], "a password of the profile is in %s as it is, or under one round of a fast hash", where)
		}
	}
}

// fastHashes are a password as it is, and the hashes of it that are guessed by the billion.
func fastHashes(password string) []string {
	if len(password) < 8 {
		return nil
	}
	p := []byte(password)
	m, s1, s2, s5 := md5.Sum(p), sha1.Sum(p), sha256.Sum256(p), sha512.Sum512(p)
	all := []string{password}
	for _, sum := range [][]byte{m[:], s1[:], s2[:], s5[:]} {
		all = append(all, hex.EncodeToString(sum), base64.StdEncoding.EncodeToString(sum))
	}
	return all
}

// holdsHash reports whether an answer holds a fast hash of a password of the profile.
func (r *run) holdsHash(body string) bool {
	for _, a := range r.people {
		if u, ok := a.profiled(); ok {
			_, password := u.password()
			for _, h := range fastHashes(password) {
				if h != password && strings.Contains(body, h) {
					return true
				}
			}
		}
	}
	return false
}
