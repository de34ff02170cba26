package mutants

// behind are guards that another one stands before: a test tries each by itself, or it is taken out together with the other one
// ([doubles]).
var behind = []mutant{
	{"limit of a sign-in", "account/compare.go", `throttle.SignIn(email, t.device, r.Client())`, `throttle.SignIn(email+newCode(), t.device, r.Client())`, "attack limits MRL-ATK-100"},
	{"hash of a link", "account/ticket.go", `	h := sha256.Sum256([]byte(code))
	return h[:]`, `	_ = sha256.Sum256(nil)
	return []byte(code)`, "account TestLinksRestHashed"},
	{"life of a link on its page", "account/ticket.go", `case t.Expires <= now.UnixMicro():`, `case false:`, "account TestSetupLink"},
	{"life of a link where it is spent", "account/ticket.go", `AND kind = $2 AND ended = 0 AND expires > $3 AND created <= $4 RETURNING`,
		`AND kind = $2 AND ended = 0 AND $3 > 0 AND created <= $4 RETURNING`, "account TestALinkIsSpentOnceAndInTime"},
	{"life of a link that is opened", "account/ticket.go", `case t.Expires <= now.UnixMicro():`, `case false:`, "account TestAnOldLinkIsNotTraded"},
	{"link once", "account/ticket.go", `AND kind = $2 AND ended = 0 AND expires > $3 AND created <= $4 RETURNING`,
		`AND kind = $2 AND ended >= 0 AND expires > $3 AND created <= $4 RETURNING`, "account TestALinkIsSpentOnceAndInTime"},
	{"end of a link that was used", "account/ticket.go", `	case t.Ended == ticketUsed:
		return linkUsed
`, ``, "account TestALinkSaysWhatBecameOfIt"},
	{"second door of a sign-in", "account/enter.go", `		if on, _, _, err := totpState(w.DB, row.ID); err != nil || on {
			return errors.Join(errSkipped, err)
		}
`, `		_ = errors.Join(errSkipped)
`, "account TestNoSignInSkipsTheSecondStep"},
	{"sessions of a disabled account", "account/user.go", `	_, err = h.Sessions.EndUser(w, user, "account disabled")
	return err
`, `	return nil
`, "account TestDisablingEndsSessions"},
	{"disabled accounts", "account/user.go", `err == nil && (row.Disabled != 0 || row.Leaving != 0)`, `err == nil && row.Leaving != 0`, "account TestADisabledAccountIsNobody"},
	{"age of a sealed cookie", "cookie.go", `	if !w.run.openText("cookie/"+c.name, raw, &sealed) || w.now.Unix() >= sealed.Until {`,
		`	if !w.run.openText("cookie/"+c.name, raw, &sealed) {`, ". TestSealedCookiesEnd"},
	{"age of a step", "cookie.go", `	if !w.run.openText("step/"+s.c.name, raw, &sealed) || w.now.Unix() >= sealed.Until {`,
		`	if !w.run.openText("step/"+s.c.name, raw, &sealed) {`, ". TestSealedCookiesEnd"},
	{"life of a step", "cookie.go", `maxAge: min(life, 15*time.Minute)`, `maxAge: life`, ". TestSealedCookiesEnd"},
	{"access of a form", "post.go", `	u, err := ask(w, who)
	if err != nil {
		if errors`, `	u, err := ask(w, who)
	if err != nil && w.state.User() == 0 {
		if errors`, ". TestAccessOfAForm"},
	{"origin at a site", "walk.go", `	if !w.allowRate() || !w.checkOrigin() {`, `	if !w.allowRate() {`, ". TestForgery"},
	{"trusted schema", "sqlite/conn.go", `c.c.Config(sqlite3.DBCONFIG_TRUSTED_SCHEMA, false)`, `c.c.Config(sqlite3.DBCONFIG_TRUSTED_SCHEMA, true)`, "sqlite TestSchemaIsNotTrusted"},
	{"one statement in a text", "db/scan.go", `		case c == ';':
`, `		case c == ';' && s.ended:
`, "db TestTextsAreJudged"},
	{"second statements", "sqlite/conn.go", `case !blank(tail):`, `case false && !blank(tail):`, "sqlite TestReaderRefusesLaundered"},
	{"queries that write", "sqlite/conn.go", `case t.Kind() == db.KindQuery && !s.s.ReadOnly():`, `case false:`, "sqlite TestEngine"},
}

// doubles are, by the guard of the table beside which it is taken out, the second one that holds alone.
var doubles = map[string]mutant{
	"second statements": {file: "db/scan.go", old: `		case c == ';':
`, now: `		case c == ';' && s.ended:
`},
}
