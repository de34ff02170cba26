package attack

import "github.com/merlon-web/merlon/check"

// What the class access finds.
var (
	RuleOpenRoute = rule("MRL-ATK-080", conf, check.High, "a page is shown to whom it is not meant for",
		"hiding a link is no lock", "types the address", "name who may enter on the route itself", "OWASP ASVS 5.0 8.2.1; CWE-862")
	RuleOthersPage = rule("MRL-ATK-081", conf, check.High, "one user reads what belongs to another by its id",
		"ids can be counted, seen and guessed", "changes the number in the address", "ask whose the row is in the statement", "OWASP ASVS 5.0 8.2.2; CWE-639")
	RuleOthersDeed = rule("MRL-ATK-082", integ, check.High, "one user changes what belongs to another by its id",
		"ids can be counted, seen and guessed", "changes the number in the form's address", "ask whose the row is in the statement", "OWASP ASVS 5.0 8.2.2; CWE-639")
	RuleRowShown = rule("MRL-ATK-083", conf, check.High, "an answer holds a password's hash",
		"it can be guessed at leisure", "reads the answer of an interface that returns whole rows", "return structs of what may be shown", "OWASP ASVS 5.0 15.3.1; CWE-200")
	RuleAssigned = rule("MRL-ATK-084", integ, check.High, "a field that no form shows gives rights",
		"the visitor sets what only the site may", "adds is_admin=1 to a form", "bind a struct with only what a visitor may set", "OWASP ASVS 5.0 15.3.3; CWE-915")
	RuleStale = rule("MRL-ATK-085", integ, check.Medium, "a dangerous act does not ask who is there",
		"an open browser is enough to take the account", "uses a browser that was left open", "ask for the password again: account.NeedRecent", "OWASP ASVS 5.0 7.5.1")
	RuleHalfWay = rule("MRL-ATK-086", conf, check.High, "the password alone opens pages of a user with a second factor",
		"the second factor guards nothing", "types the address instead of the code", "sign nobody in before the last step", "OWASP ASVS 5.0 6.3.3; CWE-288")
)

var accessRules = []check.Rule{RuleOpenRoute, RuleOthersPage, RuleOthersDeed, RuleRowShown, RuleAssigned, RuleStale, RuleHalfWay}

// What the class limits finds.
var (
	RuleGuessing = rule("MRL-ATK-100", conf, check.High, "passwords of an account can be guessed without end",
		"a limit per address does not stop whoever has many", "tries passwords from rotating addresses", "limit tries per account: room throttle", "OWASP ASVS 5.0 6.3.1; CWE-307")
	RuleLockedOut = rule("MRL-ATK-101", avail, check.Medium, "strangers can keep the owner out",
		"the limit works for the attacker", "types wrong passwords all day", "let a browser that has signed in before through", "OWASP ASVS 5.0 6.1.1; CWE-645")
	RuleForwarded = rule("MRL-ATK-102", conf, check.High, "a header of the visitor's own names the address that is limited",
		"each request comes from a new address", "sends another X-Forwarded-For with every try", "believe it of named proxies only; in Merlon: site.trusted_proxies", "OWASP ASVS 5.0 15.3.4; CWE-348")
	RuleTold = rule("MRL-ATK-103", conf, check.Medium, "answers tell whether an address has an account",
		"knowing who is there is half of the way in", "asks for a list of addresses", "give the same answer after the same work", "OWASP ASVS 5.0 6.3.8; CWE-204")
	RuleParallel = rule("MRL-ATK-104", conf, check.High, "tries at one moment pass the limit that tries one by one do not",
		"whoever tries all at once tries as often as they like", "sends a hundred sign-ins at one moment", "reserve the try before the comparison, in one step: throttle.Reserve", "OWASP ASVS 5.0 15.4.2, 6.3.1; CWE-362, CWE-367")
	RuleLarge = rule("MRL-ATK-105", avail, check.Medium, "a body of many megabytes is read and kept",
		"a few visitors fill memory and disk", "posts large fields, again and again", "limit bodies, fields and their number: http.MaxBytesReader", "OWASP ASVS 5.0 5.2.1; CWE-770")
	RuleSlow = rule("MRL-ATK-106", avail, check.Medium, "a client that sends nothing more holds a connection for ever",
		"connections run out", "opens many and sends a byte now and then", "set ReadHeaderTimeout, ReadTimeout and IdleTimeout", "OWASP ASVS 5.0 13.1.3; CWE-400")
)

var limitRules = []check.Rule{RuleGuessing, RuleLockedOut, RuleForwarded, RuleTold, RuleParallel, RuleLarge, RuleSlow}

// What the class platform finds.
var (
	RuleTrace = rule("MRL-ATK-120", conf, check.Low, "TRACE is answered",
		"it repeats the request with its cookies", "reads cookies that scripts cannot", "answer 405", "RFC 9110 9.3.8; OWASP ASVS 5.0 13.4.4")
	RuleAnyHost = rule("MRL-ATK-121", integ, check.Low, "the site answers to every name",
		"a name that the attacker chose reaches the site's logic", "points a name of their own at the site", "answer 421 to other names; in Merlon: site.hosts", "RFC 9110 7.4, 15.5.20")
	RuleHostUsed = rule("MRL-ATK-122", integ, check.High, "a link is made from the request's Host",
		"the link leads where the visitor said", "has a reset link mailed that leads to them", "make links from the settings", "CWE-644; OWASP WSTG-INPV-17")
	RuleFraming = rule("MRL-ATK-123", integ, check.High, "a request whose end is in doubt is answered",
		"a proxy before the site may see another request", "smuggles a request behind another's", "refuse it and close: room trust/wire", "RFC 9112 6.3, 11.2; CWE-444")
	RuleDebug = rule("MRL-ATK-124", conf, check.High, "a page for developers is open",
		"it shows the memory and the settings of the program", "looks for secrets in /debug and the like", "serve it on loopback only", "OWASP ASVS 5.0 13.4.2; CWE-489")
	RulePlainSignIn = rule("MRL-ATK-125", conf, check.High, "passwords are asked for over plain http",
		"whoever sits in the network reads them", "reads the network", "redirect to https and send HSTS", "OWASP ASVS 5.0 12.2.1; CWE-319")
	RuleNoHSTS = rule("MRL-ATK-126", conf, check.Low, "an https site does not say that it is one",
		"the first request of the next visit may be plain", "answers the plain request before the redirect", "send Strict-Transport-Security", "RFC 6797; OWASP ASVS 5.0 3.4.1")
)

var platformRules = []check.Rule{RuleTrace, RuleAnyHost, RuleHostUsed, RuleFraming, RuleDebug, RulePlainSignIn, RuleNoHSTS}
