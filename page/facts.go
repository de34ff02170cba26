package page

import (
	"reflect"

	"github.com/merlon-web/merlon/form"
	"github.com/merlon-web/merlon/header"
)

// Facts are what a compiled page says about itself, so that who knows the routes can judge its forms and links. They never
// change; callers must not change them.
type Facts struct {
	Name     string       // the page's file
	Where    string       // the same, as people know it: "pages/notes.html"
	Data     reflect.Type // of the page
	Fragment bool         // declared by NewFragment

	Forms    []FormFact
	Links    []LinkFact
	Tokens   []TokenFact   // of {{token}}, in the order that [RouteTokens] counts
	Loads    []LinkFact    // constant addresses of this site that the page loads: images, scripts, style sheets
	Raw      []RawFact     // places of raw HTML
	Policy   header.Policy // the content security policy that lets the page work, and nothing more
	Features []string      // browser features that its scripts use (static.Files.Opens)
	HasForm  bool          // it has a form that posts to this site, or a {{token}}: it needs Tokens
	Texts    []string      // ids of the catalogue that it shows
	Password bool          // it has a password field
	Roles    []RoleFact    // that it asks $site for
	Visitor  string        // where it first asks $site who is signed in, or for a role: file:line:column; "" nowhere
}

// A RoleFact is one role that a page asks for by a constant: {{if $site.Has "editor"}}.
type RoleFact struct {
	Where string // file:line:column
	Role  string
}

// A FormFact is one form element. Those with Method "post" get the hidden field; their index among each other is the one
// that [Tokens] is given.
type FormFact struct {
	Where    string // file:line:column
	Method   string // "get", "post" or "dialog"
	Action   string // constant, each value from data as {}; "" is the page's own address
	Enctype  string // as written, in lower case
	Controls []Control
	Spec     *form.Spec // of the struct whose fields {{fields}} or {{field}} print in it; nil if none
	Token    int        // the index for Tokens, -1 without hidden field
}

// A Control is one control with a name, written by hand or printed by {{fields}} and {{field}}.
type Control struct {
	Name  string
	Type  string // of an input ("text" if it says nothing), "select", "textarea", "button"; of a printed field its form.Kind
	Where string
}

// A LinkFact is one address that a visitor can follow: href of a or area.
type LinkFact struct {
	Where   string
	Address string // constant, each value from data as {}: "{}" is wholly data
	Foreign bool   // a constant address of another host
}

// A TokenFact is one {{token "PATH"}}: the token with which a script of the page posts to a route.
type TokenFact struct {
	Where string
	Path  string // constant
}

// A RawFact is one place where markup is printed as it stands.
type RawFact struct {
	Where string
	Value string // the action
}
