package mutants

// links are what mailed links lead to, and who may ask for them.
var links = []mutant{
	{"a right password of nobody proven", "account/compare.go", `real := found && may && row.hasPassword()`, `real := found && row.hasPassword()`, "account TestASignUpTellsNothingByItsLimit"},
	{"kind of a link", "account/links_page.go", `!ok || !slices.Contains(kinds, it.Kind)`, `!ok`, "account TestEachTabDoesWhatItsPageSays"},
	{"end of a page about a link", "account/links_page.go", `json.Unmarshal(plain, &it) != nil || now.UnixMicro() >= it.Until`, `json.Unmarshal(plain, &it) != nil`, "account TestAPageAboutALinkEnds"},
	{"a link once", "account/ticket.go", `SET ended = 1 WHERE hash = $1 AND kind = $2 AND ended = 0`, `SET kind = $2, ended = 0 WHERE hash = $1 AND ended = 0`, "account TestEachTabDoesWhatItsPageSays"},
	{"what was asked for with the old password", "account/ticket.go", `kind IN ('verify', 'reset', 'move', 'enrol') AND`, `kind IN ('verify', 'reset', 'enrol') AND`, "account TestAMoveEndsWithThePassword"},
	{"app of a code", "account/totp.go", `AND step < $2 AND created = $4`, `AND step < $2 AND created <= $4 + 9000000000000`, "account TestACodeIsOfTheAppThatItWasComparedWith"},
	{"undo of an address that is taken", "account/links_notme.go", `	if err == nil && !moved {
		_, err = unuseTicket`, `	if err == nil && !moved && l.Kind == "" {
		_, err = unuseTicket`, "account TestAnUndoWaitsForItsAddress"},
	{"undo of a disabled account", "account/user.go", `_, err := voidForNotMe.Run(w, user)`, `_, err := voidOfUser.Run(w, user)`, "account TestDisablingLeavesTheWayBack"},
	{"factor that a mail told of", "account/links_notme.go", `a.dropAdded(w.DB, row.ID, l.Created, l.Created)`, `a.dropAdded(w.DB, row.ID, l.Created+1, l.Created)`, "account TestTheThiefsAppGoesByItsOwnMail"},
	{"sessions of old recovery codes", "account/codes.go", `	if err := w.Session.EndOthers(row.ID, "factors changed"); err != nil {
		return nil, err
	}
`, ``, "account TestNewCodesEndWhatOldOnesOpened"},
	{"token of an app's secret", "account/app.go", `		if err := w.Session.Rotate(w.Session.Level()); err != nil {
			return nil, err
		}
		beginApp`, `		beginApp`, "account TestASecretIsShownUnderANewToken"},
	{"secret of the first code", "account/app.go", `!has || t.ok && string(t.fresh) != string(fresh.Secret)`, `!has`, "account TestAnAppIsTheOneWhoseCodeWasShown"},
	{"trust before other roles", "account/roles.go", `	if err := distrust(w, user); err != nil {
		return err
	}
`, ``, "account TestWhatEndsSessionsEndsTrust"},
	{"deletion of a disabled account", "account/leave.go", `leaving <= $1 AND disabled = 0 AND`, `leaving <= $1 AND`, "account TestWhoIsShutOutIsNotSwept"},
	{"invitation of who was deleted", "account/links_verify.go", `voidInvites.Run(w, row.Email)`, `voidInvites.Run(w, "")`, "account TestAnInvitationEndsWithItsPurpose"},
}
