package attack

import (
	"net/http"
	"regexp"
)

// devPage is one that a site of Merlon's has in development, for visitors of its own machine.
const devPage = "/_merlon/dev/mail"

// forDevelopers is what error pages of Merlon's say in development alone: from the cause to the id of the request.
var forDevelopers = regexp.MustCompile(`(?s)(?:cause {4}|at {7}|route {4}).*?request {2}[^\s<"\\]+`)

// published is what of an error page would be there for the world: a site that runs in development says more to who is at its
// machine, as it is meant to. What it says elsewhere is then not known, which is told.
func (r *run) published(body string) string {
	rest := forDevelopers.ReplaceAllString(body, "")
	if rest == body || inner.FindString(body) == "" || !r.develops() {
		return body
	}
	r.missed("what error pages tell (MRL-ATK-070): the site runs in development, in which they name the lines of its program: attack it by its own program, or as serve --production runs it")
	return rest
}

// develops reports whether a site of Merlon's runs in development.
func (r *run) develops() bool {
	if r.dev == nil {
		answers := func(path string) bool { return r.nobody().loads(get(path).own(r.t)).status == http.StatusOK }
		is := answers(devPage) && !answers(devPage+"-"+r.mark())
		r.dev = &is
	}
	return *r.dev
}
