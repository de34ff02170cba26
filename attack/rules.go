package attack

import (
	"slices"

	"github.com/merlon-web/merlon/check"
)

// rule declares a rule of this room: the way to repeat an attack stands in the finding itself.
func rule(id string, guards check.Property, weight check.Severity, title, why, attack, right, source string) check.Rule {
	return check.Rule{ID: id, Property: guards, Severity: weight, Title: title, Why: why, Attack: attack, Right: right, Source: source}
}

// checkRule keeps tables of this room short.
type checkRule = check.Rule

const (
	conf  = check.Confidentiality
	integ = check.Integrity
	avail = check.Availability
)

// Rules returns all rules of this room.
func Rules() []check.Rule {
	return slices.Concat(sessionRules, forgeryRules, injectionRules, outputRules, accessRules, limitRules, platformRules, plainRules, backupRules)
}

// What the class sessions finds.
var (
	RuleFixation = rule("MRL-ATK-001", conf, check.High, "a session from before the sign-in is signed in after it",
		"whoever planted that session in a browser shares it with the user", "plants a cookie, waits for the sign-in and uses the same cookie",
		"give a new token at every change of rights and end the old one: session.Writer.Rotate", "OWASP ASVS 5.0 7.2.4; CWE-384")
	RuleAdopted = rule("MRL-ATK-002", conf, check.High, "a session id that the browser made up becomes a session",
		"an attacker chooses the id that the user will be signed in with", "sets a cookie of their own choice through a subdomain or a link",
		"take an unknown token for no token", "OWASP ASVS 5.0 7.2.4; CWE-384")
	RuleSignOutLeaves = rule("MRL-ATK-003", conf, check.High, "a session lives on after the sign-out",
		"a copied cookie outlives what its owner believes to have ended", "uses a cookie that was copied before the sign-out",
		"end the session at the server, not only the cookie", "OWASP ASVS 5.0 7.4.1; CWE-613")
	RuleSignOutByGet = rule("MRL-ATK-004", avail, check.Medium, "a link signs users out",
		"any page that shows an image with this address signs its readers out", "puts the address into an image on another site",
		"sign out by POST with a token", "OWASP ASVS 5.0 3.5.3; RFC 9110 9.2.1")
	RulePasswordKeeps = rule("MRL-ATK-005", conf, check.High, "a new password leaves the other sessions alive",
		"whoever is inside stays inside after the owner has changed the lock", "keeps using the stolen session after the owner has changed the password",
		"end all other sessions with the change", "OWASP ASVS 5.0 7.4.3")
	RuleCookie = rule("MRL-ATK-006", conf, check.High, "the session's cookie lacks a guard",
		"scripts, other hosts or plain http can read or set it", "reads the cookie by a script, or sets it from a subdomain",
		"set it with Secure, HttpOnly, SameSite, Path=/ and the prefix __Host-, without Domain", "RFC 6265bis; OWASP ASVS 5.0 3.3.1 to 3.3.4")
	RuleTokenAtRest = rule("MRL-ATK-007", conf, check.High, "a session's token rests in the data as it is",
		"whoever reads a backup or a database is signed in as everybody", "takes the tokens from a copy of the data",
		"keep a hash of the token", "OWASP ASVS 5.0 11.4.1; CWE-312")
	RuleTokenShown = rule("MRL-ATK-008", conf, check.High, "a session's token stands on a page, in an address or in the log",
		"addresses and logs travel: history, Referer, log servers", "reads the token where addresses and logs end up",
		"let the token be in its cookie and nowhere else", "OWASP ASVS 5.0 14.2.1; CWE-598")
	RuleEndless = rule("MRL-ATK-009", conf, check.Medium, "a session that is used never ends",
		"a stolen session is good for ever", "keeps a stolen session alive by using it",
		"end it after an absolute time, whatever is done with it", "OWASP ASVS 5.0 7.3.2")
	RuleRowsForAll = rule("MRL-ATK-010", avail, check.Medium, "reading a page without signing in grows the data",
		"a flood of visitors fills the disk", "asks for a page without cookies, again and again",
		"make a session when there is something to keep", "CWE-770; OWASP ASVS 5.0 15.1.3")
)

// What the class sessions finds of ends that are none.
var (
	RuleRevivedBy = rule("MRL-ATK-011", conf, check.High, "a session that was ended comes back with a request that was on its way",
		"the sign-out is undone by whoever holds the cookie", "keeps a slow form open while the owner signs out",
		"write the session only where its row still lives: UPDATE … WHERE revoked_at = 0, never an upsert", "OWASP ASVS 5.0 7.4.1; CWE-362, CWE-613")
	RuleDisabled = rule("MRL-ATK-012", conf, check.High, "a user who was disabled is still served",
		"who was thrown out is still inside", "goes on with the session that they have", "end the sessions with the account, and look at the account at each request", "OWASP ASVS 5.0 7.4.2; CWE-613")
	RuleLinkTwice = rule("MRL-ATK-013", conf, check.High, "a link for a new password works twice",
		"old mails and histories are full of them", "opens the link from a mailbox or a browser's history", "spend it with the change: DELETE … RETURNING", "OWASP ASVS 5.0 6.4.1; CWE-640")
	RuleLinkLives = rule("MRL-ATK-014", conf, check.Medium, "a link for a new password works for days",
		"a mail that lies about is a key", "finds the mail days later", "let it end within the hour", "OWASP ASVS 5.0 6.4.1; CWE-640")
	RuleCodeTwice = rule("MRL-ATK-015", conf, check.High, "a code of the second step works twice",
		"whoever looks over a shoulder has it too", "types the code that was just typed", "keep the last step that was used, and take later ones only", "OWASP ASVS 5.0 6.5.1; RFC 6238 5.2; CWE-294")
)

// RuleUnnoticed is found by each class that knows what the site has recorded.
var RuleUnnoticed = rule("MRL-ATK-016", conf, check.Medium, "an attack was refused and not recorded",
	"nobody learns that somebody tries", "tries on, for weeks", "record each refusal: room event, or a line of the security log", "OWASP ASVS 5.0 16.3.2, 16.3.3; CWE-778")

var sessionRules = []check.Rule{RuleRevivedBy, RuleDisabled, RuleLinkTwice, RuleLinkLives, RuleCodeTwice, RuleUnnoticed, RuleFixation, RuleAdopted, RuleSignOutLeaves, RuleSignOutByGet, RulePasswordKeeps, RuleCookie, RuleTokenAtRest, RuleTokenShown, RuleEndless, RuleRowsForAll}

const csrfSource = "OWASP ASVS 5.0 3.5.1; CWE-352"

// What the class forgery finds.
var (
	RuleCrossSite = rule("MRL-ATK-020", integ, check.High, "a form is accepted from another site",
		"every page that a user opens can act in the user's name", "has the user's browser post the form from a page of their own",
		"ask for the origin and for a token of this session: merlon.Post, or room csrf", csrfSource)
	RuleSameSite = rule("MRL-ATK-021", integ, check.High, "a form is accepted from another host of the same site",
		"a subdomain that was taken over, or holds user pages, can act in the user's name", "posts from a sibling host, whose requests carry SameSite cookies",
		"take only same-origin for one's own", csrfSource)
	RuleNoProof = rule("MRL-ATK-022", integ, check.High, "a form is accepted without Origin, Sec-Fetch-Site and token",
		"what cannot be told from a forged request is one", "uses a browser or a proxy that sends none of the headers",
		"refuse what brings no proof, or ask for a token as well", csrfSource)
	RulePlainOrigin = rule("MRL-ATK-023", integ, check.Medium, "a form of an https site is accepted from its http twin",
		"whoever sits in the network writes http pages", "answers for http://the-site in the network and posts from there",
		"compare scheme, host and port of Origin", csrfSource)
	RuleForeignToken = rule("MRL-ATK-024", integ, check.High, "a form's token of one session is accepted in another",
		"an attacker can fetch a token for themselves and put it into a forged form", "puts a token of their own session into the forged form",
		"bind the token to the session", csrfSource)
	RuleOtherRoute = rule("MRL-ATK-025", integ, check.Low, "a form's token of one route is accepted on another",
		"a token that leaks from a harmless form opens the dangerous one", "takes the token from a form that can be read and uses it for another",
		"bind the token to the route", csrfSource)
	RuleTokenLeaves = rule("MRL-ATK-026", conf, check.Medium, "a form sends its token away, or into an address",
		"addresses and other sites keep what they are sent", "reads the token at the other site, or in a log of addresses",
		"put tokens into forms that post to the site itself", csrfSource)
	RuleGetWrites = rule("MRL-ATK-027", integ, check.High, "a GET changes data",
		"links, images and prefetching act in the name of whoever loads them", "puts the address into an image on any page",
		"change data by POST only", "RFC 9110 9.2.1; OWASP ASVS 5.0 3.5.3")
	RuleOverride = rule("MRL-ATK-028", integ, check.High, "a parameter or header changes the method of a request",
		"guards that look at the method look at the wrong one", "sends a GET that the site takes for a POST",
		"leave methods as they came", csrfSource)
	RuleSignInForged = rule("MRL-ATK-029", integ, check.Medium, "another site can sign a visitor in",
		"the victim works in the attacker's account without noticing", "posts the attacker's own password from another page",
		"bind the sign-in form to the browser by a token", "OWASP ASVS 5.0 3.5.1; CWE-352 (login CSRF)")
	RuleSocket = rule("MRL-ATK-030", conf, check.High, "a WebSocket is opened for another origin",
		"the browser sends cookies with it, and any page can read what comes", "opens the socket from a page of their own",
		"compare Origin before the upgrade", "RFC 6455 10.2; OWASP ASVS 5.0 4.4.2")
	RuleTextPlain = rule("MRL-ATK-031", integ, check.Medium, "a JSON body is accepted as text/plain",
		"forms of other sites can send text/plain without asking", "posts JSON from a form with enctype=text/plain",
		"take application/json only", "WHATWG Fetch (CORS-safelisted request-header); CWE-352")
	RuleExempt = rule("MRL-ATK-032", integ, check.Medium, "a form is accepted without its token",
		"the token that the page hands out is not asked for", "posts without it wherever the origin's check can be passed",
		"verify the token on every route that changes data", csrfSource)
)

var forgeryRules = []check.Rule{RuleCrossSite, RuleSameSite, RuleNoProof, RulePlainOrigin, RuleForeignToken, RuleOtherRoute, RuleTokenLeaves, RuleGetWrites, RuleOverride, RuleSignInForged, RuleSocket, RuleTextPlain, RuleExempt}
