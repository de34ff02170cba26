package merlon

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/csrf"
	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/page"
)

// JSONBody makes a [Post] or [PostAfter] take its fields as one JSON object, from a script of the site's own pages: the same
// struct, the same tags, the same verdicts ([form.ParseJSON] says how they map). The Content-Type is application/json and
// nothing else.
//
// The token comes in the header Merlon-Token. A page hands it to its script in an attribute of its own,
//
//	<div id="votes" data-merlon-token="{{token "/votes"}}">
//
// which also lets the page's scripts fetch from this site (connect-src), and it is used once, as a form's is: the second arrival of the same body gets the first one's answer, and another body is
// refused. Each answer that was kept brings the next one in the header Merlon-Token. With [InsecureNoToken] no token is
// asked for and no cookie is read.
//
// What the walk refuses is answered as JSON too: {"status": 403, "title": …, "text": …}, and with "signIn" the path of the
// page where the visitor can sign in.
func JSONBody() RouteOption { return func(o *options) { o.json = true } }

// JSONErrors makes a [Get] that answers scripts with [JSON] answer them so too when it is refused or fails, as [JSONBody] does
// for what is posted: whoever is not signed in gets status 403 with "signIn", and not the page that asks for a password.
func JSONErrors() RouteOption { return func(o *options) { o.jsonErrors = true } }

// JSONProblems answers what is wrong with a form as JSON, mostly with status 422: {"problems": {"Text": "Enter a value."}},
// a sentence in the visitor's language for each field, and under "" what is wrong with the form as a whole. What was typed
// is not in it. In development "detail" names members of the JSON that no field is called after, with the nearest field.
func JSONProblems(status int, f form.Any) *Response {
	return &Response{status: status, kind: kindJSON, problems: f}
}

// writeProblems is the part of write that needs the visitor's language.
func (w *walk) writeProblems(f form.Any) error {
	found := map[string]string{}
	note := func(name string) {
		if p := w.formTexts().Problem(f, name); p != "" {
			found[name] = p
		}
	}
	note("")
	for _, field := range f.FormSpec().Fields() {
		note(field.Name)
	}
	answer := map[string]any{"problems": found}
	if detail := w.unknownMembers(f.FormSpec()); detail != "" {
		answer["detail"] = detail
	}
	var err error
	w.buf, err = appendJSON(w.buf, answer)
	return err
}

// maxUnknown is how many members that no field is called after are told of.
const maxUnknown = 5

// unknownMembers tells, in development, which members of the JSON no field is called after, and which field may be meant. What
// a visitor is told in production has no names that he did not see on a page.
func (w *walk) unknownMembers(spec *form.Spec) string {
	if w.site.env.Mode != Development || !w.route.opt.json {
		return ""
	}
	var names, told []string
	for _, field := range spec.Fields() {
		if !field.Path {
			names = append(names, field.Name)
		}
	}
	for _, name := range w.unknown[:min(len(w.unknown), maxUnknown)] {
		told = append(told, fmt.Sprintf("no field is called %q%s", name, nearest(name, names)))
	}
	return strings.Join(told, "; ")
}

func appendJSON(dst []byte, v any) ([]byte, error) {
	b, err := json.Marshal(v) // escapes < > & and U+2028/9
	return append(append(dst, b...), '\n'), err
}

// sentToken is the token as the route takes it: a form's field, or a header, which no page of another site can set without
// being asked for (Fetch 4.8). A form's is taken out of the body: asked once more, there is none.
func (w *walk) sentToken(body *form.Body) (token string) {
	if w.route.opt.json {
		token = w.r.Header.Get(csrf.HeaderName)
	} else {
		token, _ = body.Take(csrf.FieldName)
	}
	w.brought = w.brought || token != ""
	return token
}

// tokenFault tells why the token that was looked for is not good: a form that never had one was not open too long.
func (w *walk) tokenFault() staleness {
	if w.brought {
		return staleToken
	}
	return staleNone
}

// nextToken gives a script the token for its next request. Only this origin can read the header.
func (w *walk) nextToken() {
	if w.route == nil || !w.route.opt.json || w.route.opt.noToken != nil {
		return
	}
	if w.binding == nil {
		w.bind()
	}
	w.ResponseWriter.Header()[csrf.HeaderName] = []string{string(csrf.AppendToken(nil, w.run.csrfKey, w.binding, w.route.id(), nil))}
}

// failJSON answers an error to a script, false if it is not one that asked.
func (w *walk) failJSON(status int, p ErrorPage, more map[string]any) bool {
	if w.route == nil || !w.route.opt.forScripts() {
		return false
	}
	all := map[string]any{"status": status, "title": p.Title, "text": p.Text}
	for name, value := range map[string]string{"request": p.Request, "detail": p.Detail} {
		if value != "" {
			all[name] = value
		}
	}
	for name, value := range more {
		all[name] = value
	}
	b, err := appendJSON(w.buf[:0], all)
	if err != nil {
		return false
	}
	w.buf = b
	w.send(status, "json", w.buf)
	return true
}

// AppendToken implements [page.RouteTokens]: the token that the i-th {{token}} of the page being written hands to a script.
func (w *walk) AppendToken(dst []byte, i int) []byte {
	if w.binding == nil {
		w.bind()
	}
	id := ""
	if i < len(w.tokens) {
		id = w.tokens[i]
	}
	return csrf.AppendToken(dst, w.run.csrfKey, w.binding, id, nil)
}

// judgeTokens holds the {{token}}s of a page against the routes.
func (s *Site) judgeTokens(facts *page.Facts, v *view) (found check.Faults) {
	for _, t := range facts.Tokens {
		rt := s.target(http.MethodPost, t.Path)
		id := ""
		switch {
		case rt == nil:
			found = append(found, RulePageForm.Finding(t.Where, fmt.Sprintf("the token is for %q, and no route answers POST there", t.Path), s.nearestRoute(http.MethodPost, t.Path)))
		case rt.opt.noToken != nil:
			found = append(found, RulePageForm.Finding(t.Where, fmt.Sprintf("the token is for %q (%s), which asks for none", rt.id(), rt.where), "leave it out"))
		case !rt.opt.json && rt.mount == nil:
			found = append(found, RulePageForm.Finding(t.Where, fmt.Sprintf("the token is for %q (%s), which takes forms: they bring their own", rt.id(), rt.where),
				"give the route merlon.JSONBody(), or post a form"))
		default:
			id = rt.id()
		}
		v.tokens = append(v.tokens, id)
	}
	return found
}

// judgeJSONForm tells a form that posts to a route for scripts: without them it would be refused.
func judgeJSONForm(f page.FormFact, rt *route) check.Faults {
	if !rt.opt.json {
		return nil
	}
	return check.Faults{RulePageForm.Finding(f.Where, fmt.Sprintf("the form posts to %q (%s), which takes JSON only: it would be answered 415", rt.id(), rt.where),
		"give forms a route of their own; a script posts JSON with the token of {{token \""+rt.pattern+"\"}}")}
}
