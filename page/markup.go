package page

import "github.com/merlon-web/merlon/internal/place"

// HTML is markup that is printed as it stands. Its zero value is no markup. It is made by a [Sanitiser] alone, and stands
// only where elements may, between the tags of the body; [Facts].Raw lists the places.
type HTML struct{ text, reason string }

// Reason returns what [InsecureHTML] was told.
func (h HTML) Reason() string { return h.reason }

// A Sanitiser makes HTML of texts that are harmless for the reason that it was declared with. It is made by [InsecureHTML]
// and safe for concurrent use.
type Sanitiser struct{ reason, where string }

var sanitisers place.Registry[*Sanitiser]

// InsecureHTML declares that texts of one source are markup which may be printed as it stands, with the reason why that is
// safe. It is declared once, as a package variable, and panics anywhere else: `check` lists each with its place and reason,
// also when no page was shown yet.
//
//	var cleaned = page.InsecureHTML("bluemonday's UGCPolicy, no styles")
//
//	cleaned.HTML(policy.Sanitize(note.Text))
//
// It is the only way to print markup from data. Nothing proves the reason.
//
//go:noinline
func InsecureHTML(reason constant) *Sanitiser {
	at := place.Caller(1)
	if !at.Once {
		panic(at.At + ": page: InsecureHTML is called while the program runs: check lists what is declared, and would not see it; declare it as a package variable")
	}
	s := &Sanitiser{string(reason), at.At}
	sanitisers.Add(at, s)
	return s
}

// HTML makes markup of a text that has been sanitised. It changes nothing.
func (s *Sanitiser) HTML(sanitised string) HTML { return HTML{sanitised, s.reason} }

// Reason returns why its texts are safe.
func (s *Sanitiser) Reason() string { return s.reason }

// Where returns file:line of its declaration.
func (s *Sanitiser) Where() string { return s.where }

// Sanitisers returns all that the program declares by [InsecureHTML], for reports.
func Sanitisers() []*Sanitiser { return sanitisers.All() }
