package wire

import "github.com/merlon-web/merlon/check"

// The rules of the room. Too large a head, a GET with a body and an address of another host are trust's.
var (
	RuleFraming = check.Rule{
		ID: "MRL-WIRE-001", Property: check.Integrity, Severity: check.High,
		Title:  "request whose end can be found at two places",
		Why:    "where a proxy and this server disagree on where a request ends, the rest of it is somebody else's request",
		Attack: "Transfer-Encoding beside Content-Length: the proxy forwards one request, the server reads two, and the\nsecond, which the proxy never judged, is answered to the next visitor (request smuggling).",
		Wrong:  "Content-Length: 5 and Transfer-Encoding: chunked in one head; HTTP/1.0 with Transfer-Encoding; 2;a=b as a chunk size",
		Right:  "one Content-Length of digits, or Transfer-Encoding: chunked alone, without extensions and trailers",
		Source: "RFC 9112 6.1, 6.3, 7.1, 11.2; CWE-444; Kettle, HTTP Desync Attacks, 2019; OWASP ASVS 5.0 4.2.1",
	}
	RuleLine = check.Rule{
		ID: "MRL-WIRE-002", Property: check.Integrity, Severity: check.Medium,
		Title:  "request whose lines are malformed",
		Why:    "a line that one reader ends, folds or trims and another does not hides a header from one of them",
		Attack: "A line feed alone ends a line here and not in the proxy: the Transfer-Encoding behind it is part of a\nharmless header there, and the framing of the request here.",
		Wrong:  "lines that end in LF alone, lines that begin with a space, Name : value",
		Right:  "Name: value CRLF",
		Source: "RFC 9112 2.2, 5.1, 5.2; CWE-444; Kettle, HTTP/1.1 must die, 2025",
	}
)

// Rules returns every rule of the room.
func Rules() []check.Rule { return []check.Rule{RuleFraming, RuleLine} }
