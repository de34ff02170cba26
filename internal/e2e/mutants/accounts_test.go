package mutants

// accounts are guards of sign-ins, mounted handlers, forms and answers.
var accounts = []mutant{
	{"sessions after a new password", "account/password.go", `	if err := w.Session.EndOthers(c.row.ID, "password changed"); err != nil {
		return nil, err
	}
`, ``, "account TestChangePassword"},
	{"unknown addresses cost a hash", "account/compare.go", `		result, err = a.hasher.VerifyNobodyLike(r.Context(), permit, a.likeFor(email), typed, from)
`, `		err = permit.Spend(throttle.ForPassword)
`, "account TestSignInTellsNobodyWhoHasAnAccount|TestKnownAndUnknownCostTheSame"},
	{"owner of an app's secret", "account/totp.go", `return binary.BigEndian.AppendUint64([]byte("merlon_totp.secret\x00"), uint64(user))`, `return binary.BigEndian.AppendUint64([]byte("merlon_totp.secret\x00"), uint64(user&0))`, "account TestSecretsRestSealed"},
	{"drift of a code", "account/totp.go", `	totpDrift = 1
`, `	totpDrift = 9
`, "account TestDrift"},
	{"password of the second step", "account/second.go", `row.mayEnter() && string(passwordMark(row)) == string(p.Hash), err`, `row.mayEnter(), err`, "account TestPendingStepEnds"},
	{"time of the second step", "account/second.go", `return p, ok && s.User() == 0 && now.UnixMicro() < p.Until`, `return p, ok && s.User() == 0`, "account TestPendingStepEnds"},
	{"administrators of one factor", "account/needs.go", `	return l.Factors < 2 && (l.Class == session.Administrator || slices.Contains(roles, Admin))`, `	return false`, "account TestAdministratorsNeedTwoFactors|TestAnAdministratorsRightsSleep"},
	{"all factors anew", "account/needs.go", `	m, err := missing(q, s, now)
	if err == nil && m.any() {
		err = merlon.AgainFor(askAll)
	}
	return err
}`, `	return nil
}`, "account TestNeedRecentAll"},
	{"recent sign-in", "account/needs.go", `if v.Now.Sub(v.Session.Level().Recent) > limit {`, `if false {`, "account TestNeedRecentDoesNotSlide"},
	{"rate of requests", "rate.go", `	if !ok {
		w.refused(RuleRate`, `	if false {
		w.refused(RuleRate`, ". TestRates"},
	{"return addresses", "next.go", `if len(next) > 1 && (next[1] == '/' || next[1] == '\\') {`, `if false {`, ". TestReturnAddresses"},
	{"body of a mounted handler", "mount.go", `if w.r.ContentLength > w.route.opt.maxBody && w.route.opt.streaming == nil {`, `if false {`, ". TestBodiesOfMountsAreBounded"},
	{"cookies of a mounted handler", "mount.go", `	w.hideCookies()
`, ``, ". TestMountsSeeNoSession"},
	{"pages are no-store", "answer.go", `		w.state.Live() && (w.state.Touched() || w.route.access.session) {`, `		false {`, ". TestWhoMayKeepAnAnswer"},
	{"headers of every answer", "walk.go", `	header.Strict.Apply(rw.Header())
`, ``, "attack output MRL-ATK-066"},
	{"nothing is left of a failure", "post.go", `		return errRollBack
	}
	if notice`, `		return nil
	}
	if notice`, ". TestNothingIsLeftOfAFailure"},
	{"answers of another's form", "once.go", `for _, part := range [][]byte{binding, []byte(w.r.Method + " " + w.r.URL.EscapedPath())} {`, `for _, part := range [][]byte{[]byte(w.r.Method)} {`, ". TestAnothersFormAnswersNothing"},
	{"edited forms", "once.go", `if string(row.Sum) != string(o.sum[:]) {`, `if false {`, ". TestOneTimeForms"},
	{"roles", "account/needs.go", `		case u.Has(string(role)):
			return u, nil
`, `		case true:
			return u, nil
`, "attack access MRL-ATK-080"},
	{"route in a site's token", "post.go", `csrf.VerifyToken(w.run.csrfKey, binding, w.route.id(), token)`, `csrf.VerifyToken(w.run.csrfKey, binding, w.route.id(), token)
	ok = ok || binding != nil && len(token) == csrf.TokenLength`, "attack forgery MRL-ATK-024"},
	{"route in every token", "csrf/token.go", `	inner = binary.BigEndian.AppendUint64(inner, uint64(len(route)))
	inner = append(inner, route...)
`, ``, "attack forgery MRL-ATK-025"},
	{"token at a site", "post.go", `	return w.once(pad, binding, body.Sum(), ok), ok
`, `	return w.once(pad, binding, body.Sum(), ok), true
`, "attack forgery MRL-ATK-032"},
	{"length of a password", "password/password.go", `case len(text) == 0 || len(text) > MaxBytes: // first`, `case len(text) == 0: // first`, "password TestALengthCostsTheSameEverywhere"},
	{"hash for nobody", "password/password.go", `	return h.slot(ctx, permit, from, func() {
		h.params.sum(peppered(key.Reveal(), text), h.salt)
	})`, `	_ = key
	return permit.Spend(throttle.ForPassword)`, "password TestNobodyLooksLikeSomebody"},
	{"permit of a hash", "password/password.go", `	if permit != nil {
		if err := permit.Spend(throttle.ForPassword); err != nil {
			return err
		}
	}`, ``, "password TestAComparisonDemandsAPermit|TestOnePermitIsOneComparison"},
	{"defensive", "sqlite/conn.go", `c.c.Config(sqlite3.DBCONFIG_DEFENSIVE, true)`, `c.c.Config(sqlite3.DBCONFIG_DEFENSIVE, false)`, "sqlite TestMeasures"},
	{"length of a value", "sqlite/conn.go", `c.c.Limit(sqlite3.LIMIT_LENGTH, maxValue)`, `c.c.Limit(sqlite3.LIMIT_LENGTH, 1<<30)`, "sqlite TestMeasures"},
	{"authorizer", "sqlite/conn.go", `	return sqlite3.AUTH_DENY
}`, `	return sqlite3.AUTH_OK
}`, "sqlite TestMeasures"},
	{"no ATTACH", "sqlite/conn.go", `c.c.Limit(sqlite3.LIMIT_ATTACHED, 0)`, `c.c.Limit(sqlite3.LIMIT_ATTACHED, 5)`, "sqlite TestMeasures"},
	{"sessions of one user", "session/rotate.go", `		if err := w.makeRoom(l.User); err != nil {
			return w.fail(err)
		}
`, ``, "session TestTooManySessions"},
	{"ended stays ended in the statement", "session/store.go", `WHERE slot = $1 AND key = $2 AND version = $3 AND revoked_at = 0`, `WHERE slot = $1 AND key = $2 AND version = $3`, "session TestStore"},
	{"last deadline by the attacker", "session/row.go", `return r.Ended == 0 && now < r.Absolute && now < end &&`, `return r.Ended == 0 &&`, "attack sessions MRL-ATK-009"},
	{"escaping by the attacker", "page/escape.go", `		dst = append(dst, escapes[s[i]]...)`, `		dst = append(dst, s[i])`, "attack injection MRL-ATK-060"},
	{"code once", "account/totp.go", `AND step < $2 AND`, `AND step <= $2 AND`, "account TestFiftyAtOnce"},
	{"second step", "account/enter.go", `	if on {
		trusted, err`, `	if on && w == nil {
		trusted, err`, "account TestSecondStep"},
	{"token of a mounted handler", "mount.go", `if !ok || binding == nil {`, `if false && (!ok || binding == nil) {`, ". TestMounts|TestMountToken"},
	{"one-time forms", "once.go", `	_, err := insertOnce.Run(dw, o.id(), o.sum[:], sealed, w.now.UnixMicro())
	return err
`, `	_, _ = insertOnce, sealed
	return nil
`, ". TestOneTimeForms"},
	{"undeclared fields are told", "post.go", `	if len(bound.Undeclared) > 0 {`, `	if false {`, ". TestJSON.*"},
	{"needs of an access", "access.go", `		if err := n.check(v); err != nil {
			return nobody, err
		}
`, `		_ = n
`, "account TestNeedRecentDoesNotSlide"},
	{"cache after an end", "session/writer.go", `			c.drop(key, least, now)
`, `			_, _ = key, least
`, "session TestCacheNeverRevives"},
}
