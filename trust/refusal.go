package trust

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/merlon-web/merlon/check"
)

// A Refusal says why a request is not taken, and what to answer. It is the error of [Policy.Request] and [CheckRequest].
type Refusal struct {
	Rule   check.Rule
	Status int
	Reason string // for the log; it may quote what the client sent, escaped by %q
	Allow  string // with 405: the value of Allow
	Close  bool   // the connection is closed after the answer: what follows on it cannot be trusted to be a request
}

// Error returns what happened, why, and the rule's id.
func (e *Refusal) Error() string {
	return fmt.Sprintf("trust: %s: %s [%s]", e.Reason, e.Rule.Why, e.Rule.ID)
}

// Apply puts the headers that belong to the refusal on an answer: Allow, Connection.
func (e *Refusal) Apply(h http.Header) {
	if e.Allow != "" {
		h["Allow"] = []string{e.Allow}
	}
	if e.Close {
		h["Connection"] = []string{"close"}
	}
}

// ServeHTTP answers the refusal in plain text, without a word about the inside. A site with pages of its own writes
// Status and [Refusal.Apply] itself.
func (e *Refusal) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	h := w.Header()
	e.Apply(h)
	h["Content-Type"] = []string{"text/plain; charset=utf-8"}
	h["X-Content-Type-Options"] = []string{"nosniff"}
	h["Cache-Control"] = []string{"no-store"}
	w.WriteHeader(e.Status)
	fmt.Fprintf(w, "%d %s\n", e.Status, http.StatusText(e.Status))
}

func refuse(rule check.Rule, status int, end bool, reason string) error {
	return &Refusal{Rule: rule, Status: status, Reason: reason, Close: end}
}

type clientKey struct{}

// Handler returns a handler that passes on to next what [CheckRequest] and [Policy.Request] let through, with the client in
// the context, and answers the rest itself. More are methods beside GET, HEAD and POST that next serves.
func (p *Policy) Handler(next http.Handler, more ...string) http.Handler {
	for _, m := range more {
		if never(m) {
			panic(fmt.Sprintf("trust: method %.20q cannot be served: TRACE, TRACK and CONNECT echo or tunnel, a lower-case name is none; leave it out", m))
		}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := CheckRequest(r, more...); err != nil {
			err.(*Refusal).ServeHTTP(w, r)
			return
		}
		c, err := p.Request(r)
		if err != nil {
			err.(*Refusal).ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), clientKey{}, c)))
	})
}

// From returns the client that [Policy.Handler] found.
func From(ctx context.Context) (Client, bool) {
	c, ok := ctx.Value(clientKey{}).(Client)
	return c, ok
}

func never(method string) bool {
	return method == "" || method == http.MethodTrace || method == "TRACK" || method == http.MethodConnect || method == "PRI" ||
		method != strings.ToUpper(method)
}
