package merlon

import "github.com/merlon-web/merlon/check"

// What routes may be and seldom should.
var (
	RuleOpenAdmin = check.Rule{ID: "MRL-ROUTE-020", Property: check.Confidentiality, Severity: check.Medium,
		Title:  "a page for administrators that everybody may open",
		Why:    "its address says that it is not meant for everybody",
		Attack: "/admin is the first address that scanners try.",
		Wrong:  `merlon.Get("/admin/users", merlon.Public(), users)`,
		Right:  `merlon.Get("/admin/users", account.HasRole(account.Admin), users)`,
		Source: "OWASP ASVS 5.0 8.3.1; OWASP Top 10 2021 A01"}
	RuleOpenAct = check.Rule{ID: "MRL-ROUTE-021", Property: check.Integrity, Severity: check.Medium,
		Title:  "an act that is open while its page is closed",
		Why:    "whoever may not see the form can still send it",
		Attack: "The form's address is guessed from the page's, and posted without being signed in.",
		Wrong:  "merlon.Get(\"/members/new\", account.SignedIn(), show)\nmerlon.Post(\"/members/new\", merlon.Public(), add)",
		Right:  "both with account.SignedIn()",
		Source: "OWASP ASVS 5.0 8.3.1; CWE-862"}
	RuleLargeBody = check.Rule{ID: "MRL-ROUTE-022", Property: check.Availability, Severity: check.Low,
		Title:  "a route that everybody may send a large body to",
		Why:    "each body is held in memory while it is read",
		Attack: "A few hundred posts of the largest size at once fill the memory.",
		Wrong:  `merlon.Post("/import", merlon.Public(), add, merlon.MaxBody(64<<20))`,
		Right:  "merlon.MaxBody(1<<20), or a route for those who are signed in",
		Source: "CWE-770; OWASP ASVS 5.0 5.2.1"}
	RuleOpenStream = check.Rule{ID: "MRL-ROUTE-023", Property: check.Availability, Severity: check.Low,
		Title:  "a route without a deadline that everybody may use",
		Why:    "each visitor holds a connection for as long as they like",
		Attack: "A few thousand connections that never end leave none for others.",
		Wrong:  `merlon.Mount("/live/", merlon.Public(), h, merlon.InsecureStreaming("…"))`,
		Right:  "the same for those who are signed in, or an end by the handler",
		Source: "CWE-400; OWASP ASVS 5.0 13.1.3"}
	RuleRoleName = check.Rule{ID: "MRL-ROUTE-006", Property: check.Availability, Severity: check.High,
		Title:  "a role that nobody can be given",
		Why:    "roles are kept in one column and named on a command line, separated by commas: a name with a space, a comma or a capital is refused there, and the route stays shut",
		Attack: "The route that nobody gets into is opened to all in a hurry.",
		Wrong:  `account.HasRole("Chief Librarian")`,
		Right:  `account.HasRole("chief-librarian")`,
		Source: "OWASP ASVS 5.0 8.1.1"}
	RuleRoleShown = check.Rule{ID: "MRL-ROUTE-024", Property: check.Confidentiality, Severity: check.Medium,
		Title:  "a page asks for a role that no route asks for",
		Why:    "the role is mistyped, and what it was to show stays hidden from those who have the right one; or the route behind it asks for nothing, and hiding a link is no lock",
		Attack: "The address behind the hidden link is typed.",
		Wrong:  `{{if $site.Has "libarian"}}<a href="/shelf">Shelf</a>{{end}}`,
		Right:  `{{if $site.Has "librarian"}}, and account.HasRole("librarian") on the route`,
		Source: "OWASP ASVS 5.0 8.1.1, 8.3.1; CWE-862"}
	RuleRolesAlike = check.Rule{ID: "MRL-ROUTE-025", Property: check.Availability, Severity: check.Low,
		Title:  "two roles whose names differ by a letter or two",
		Why:    "one of them is mostly mistyped: whoever has the right one is refused on the routes with the other, and nobody is told why",
		Attack: "No attack: the route that does not open to the right people is opened to all in a hurry.",
		Wrong:  `account.HasRole("librarian") on one route, account.HasRole("libarian") on another`,
		Right:  `account.HasRole("librarian") on both; or, where both are meant, names that nobody mistakes for one another`,
		Source: "OWASP ASVS 5.0 8.1.1, 8.3.1"}
	RuleVisitor = check.Rule{ID: "MRL-ROUTE-026", Property: check.Availability, Severity: check.Low,
		Title:  "a page shows who is signed in, and its route tells nobody",
		Why:    "merlon.Public() looks at no session, so $site.User is empty there and the header says \"Sign in\" to who has signed in: the sign-in looks broken, for it works and leads back to the same page",
		Attack: "No attack: a visitor who is signed in on a machine that others use sees no way to sign out, and leaves.",
		Wrong:  "merlon.Get(\"/\", merlon.Public(), notes)\nfunc notes(r *merlon.Read[merlon.Visitor], _ merlon.None) …",
		Right:  "merlon.Get(\"/\", account.Anyone(), notes)\nfunc notes(r *merlon.Read[account.Guest], _ merlon.None) …   // r.User.SignedIn, r.User.User",
		Source: "OWASP ASVS 5.0 7.4.4"}
)

func routeRules() []check.Rule {
	return []check.Rule{RuleRoleName, RuleOpenAdmin, RuleOpenAct, RuleLargeBody, RuleOpenStream, RuleRoleShown, RuleRolesAlike, RuleVisitor}
}
