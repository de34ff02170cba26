package mutants

import "slices"

// all are the guards, room by room.
func all() []mutant {
	return slices.Concat(requests, pages, sessions, links, accounts, behind, copies, behindhand)
}

// everyRun names the guards of the sample.
var everyRun = []string{
	"origin of a form", "token of a form", "HttpOnly", "frame-ancestors", "host of the request", "method of the request",
	"body of a form", "order of purposes", "line breaks in the log", "secrets in formats",
}

// requests are what a request is held to before a handler sees it.
var requests = []mutant{
	{"origin of a form", "csrf/origin.go", `case "cross-site", "same-site":
			return h.refuse(CrossSite, h.saw())
		case "none":`, `case "cross-site", "same-site":
		case "none":`, "csrf TestVectors"},
	{"origin without fetch metadata", "csrf/origin.go", `case !slices.Contains(own, *h.origin):
			return h.refuse(CrossSite, h.sawOrigin())`, `case false:`, "csrf TestVectors"},
	{"proof of origin", "csrf/origin.go", `return h.refuse(NoProof, "neither Sec-Fetch-Site nor Origin")`, `return nil`, "csrf TestVectors"},
	{"origin of a socket", "csrf/origin.go", `case h.upgrade:
		return h.changing(own, true)`, `case false:`, "csrf TestCheckOrigin"},
	{"origin that contradicts", "csrf/origin.go", `if h.origin != nil && !slices.Contains(own, *h.origin) {
			return h.refuse(Contradiction, h.saw())`, `if false {`, "csrf TestVectors"},
	{"token of a form", "csrf/token.go", `if subtle.ConstantTimeCompare(got[:], mac[:]) != 1 {`, `if len(got)+len(mac) == 0 {`, "csrf TestToken"},
	{"route in a token", "csrf/token.go", `	inner = append(inner, route...)
`, ``, "csrf TestSum"},
	{"binding in a token", "csrf/token.go", `	inner = append(inner, binding...)
`, ``, "csrf TestHandler"},
	{"cookie of forms is signed", "csrf/handler.go", `if _, ok := VerifyToken(g.key, []byte(cookieRoute), cookieRoute, found[0].Value); !ok {`, `if false {`, "csrf TestHandler"},
	{"HttpOnly", "header/cookie.go", `if !script {
		b.WriteString("; HttpOnly")
	}`, ``, "header TestCookiesAreWhole"},
	{"Secure", "header/cookie.go", `	b.WriteString("; Secure")
`, ``, "header TestCookiesAreWhole"},
	{"SameSite", "header/cookie.go", `b.WriteString("; SameSite=Lax")`, ``, "header TestCookiesAreWhole"},
	{"octets of a cookie", "header/cookie.go", `if i := badOctet(c.Value); i >= 0 {`, `if i := badOctet(c.Value); i >= 1<<20 {`, "header TestCookiesThatAreRefused"},
	{"prefix of a cookie", "header/cookie.go", `if !strings.HasPrefix(name, CookiePrefix) || len(name) == len(CookiePrefix) {`, `if false {`, "header TestCookiesThatAreRefused"},
	{"redirect to a host", "header/location.go", `case len(path) > 1 && (path[1] == '/' || path[1] == '\\'):`, `case false:`, "header TestRedirectVectors"},
	{"controls in a redirect", "header/location.go", `if c := path[i]; c <= 0x20 || c >= 0x7f || c == '\\' {`, `if c := path[i]; c == '\\' {`, "header TestForeignLocation"},
	{"default-src", "header/policy.go", `b.WriteString("default-src 'none'")`, `b.WriteString("default-src 'self'")`, "header TestZeroPolicyIsTheStrictest"},
	{"frame-ancestors", "header/policy.go", `if b.Len() == n {
		b.WriteString(" 'none'")
	}
	b.WriteString("; base-uri`, `b.WriteString("; base-uri`, "header TestZeroPolicyIsTheStrictest"},
	{"trusted types", "header/policy.go", `require-trusted-types-for 'script'; `, ``, "header TestZeroPolicyIsTheStrictest"},
	{"nosniff", "header/fixed.go", `	add("X-Content-Type-Options", "nosniff")
`, ``, "header TestStrictPassesItsOwnInspection"},
	{"X-Frame-Options", "header/fixed.go", `add("X-Frame-Options", "DENY")`, ``, "header TestStrictPassesItsOwnInspection"},
	{"host of the request", "trust/host.go", `return refuse(RuleHost, http.StatusMisdirectedRequest, false, fmt.Sprintf("host %.80q is not this site's", r.Host))`, `return nil`, "trust TestHostAndProxyVectors"},
	{"second Host line", "trust/host.go", `if again := r.Header["Host"]; again != nil && (len(again) != 1 || again[0] != r.Host) {`, `if false {`, "trust TestStatusOfARefusedHost"},
	{"method of the request", "trust/request.go", `if !MethodAllowed(r.Method, more...) {`, `if false {`, "trust TestCheckRequest"},
	{"TRACE by wish", "trust/request.go", `return !never(m)`, `return true`, "trust TestHandlerPassesTheClientOn"},
	{"body of a GET", "trust/request.go", `(r.ContentLength != 0 || len(r.TransferEncoding) > 0)`, `false`, "trust TestCheckRequestFields"},
	{"compressed bodies", "trust/request.go", `if v, ok := r.Header["Content-Encoding"]; ok {`, `if v, ok := r.Header["Content-Encoding"]; ok && false {`, "trust TestCheckRequestFields"},
	{"dot segments", "trust/request.go", `case rest == "." || strings.HasPrefix(rest, "./"), rest == ".." || strings.HasPrefix(rest, "../"):`, `case false:`, "trust TestCheckRequest"},
	{"size of a head", "trust/request.go", `if lines > MaxHeaders || size > MaxHeaderSize {`, `if false {`, "trust TestCheckRequestFields"},
	{"proxies that are believed", "trust/proxy.go", `if p.proxies[i].Contains(a) {`, `if p.proxies[i].Contains(a) || true {`, "trust TestHostAndProxyVectors"},
	{"coding beside length", "trust/wire/scan.go", `case s.codings > 0 && s.lengths > 0:`, `case false:`, "trust/wire TestVectors"},
	{"two lengths", "trust/wire/scan.go", `case s.lengths > 1:`, `case false:`, "trust/wire TestVectors"},
	{"folded lines", "trust/wire/scan.go", `if colon == 0 || colon == len(line) || line[colon] != ':' {`, `if colon == len(line) {
		return nil
	}
	if false {`, "trust/wire TestVectors"},
	{"bare line feeds", "trust/wire/scan.go", `if i == 0 || b[to] != '\r' {`, `if i == 0 {`, "trust/wire TestVectors"},
	{"body of a form", "form/body.go", `readAll(r, limits.Body)`, `readAll(r, 1<<30)`, "form TestLimits"},
	{"number of fields", "form/body.go", `case len(b.entries) == limits.Fields:`, `case false:`, "form TestLimits"},
	{"length of a field", "form/body.go", `case len(e.value) > limits.Field && !e.file:`, `case false:`, "form TestLimits"},
	{"a field twice", "form/bind.go", `case t.given && !f.List:`, `case false:`, "form TestVectors"},
	{"required fields", "form/bind.go", `case clean == "" && f.Required:
		problem = MsgRequired`, `case false:`, "form TestVectors"},
	{"choices of a visitor", "form/bind.go", `case f.Offered:
		problem = MsgNotOffered // until Offer has seen it`, ``, "form TestOffer"},
	{"passwords are not kept", "form/bind.go", `			t.value = ""
		}
	}()`, `		}
	}()`, "form TestPasswordIsNotKept"},
	{"sealed fields", "form/bind.go", `	if !ok {
		return broken("was changed`, `	if !ok && len(value) > 1<<20 {
		return broken("was changed`, "form TestSeals"},
}
