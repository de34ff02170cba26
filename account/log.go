package account

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/netip"
	"strings"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/event"
	"github.com/merlon-web/merlon/internal/text"
	"github.com/merlon-web/merlon/journal"
	"github.com/merlon-web/merlon/outbound/export"
	"github.com/merlon-web/merlon/page"
	"github.com/merlon-web/merlon/session"
)

// logLife is how far back users see what happened to their account.
const logLife = 90 * 24 * time.Hour

// The bounds of a page of the log, of what is looked through for it, and of a file.
const (
	logPage  = 30
	logStep  = 200
	logSteps = 5
	logFile  = 5000
)

// The kinds of entries, in the order of the filter.
const (
	kindEntry   = "sign-in"
	kindFactor  = "security"
	kindAccount = "account"
)

// logWords are the events that users are shown: their kind and their words, which are ids of the catalogue. The other
// rules of this room and of passkeys have words of their title; of other rooms' nothing is shown, since they tell of the site.
var logWords = map[string]struct{ kind, words string }{
	RuleFailed.ID:       {kindEntry, "account.log.failed"},
	RuleSignedIn.ID:     {kindEntry, "account.log.signed-in"},
	RuleSignedOut.ID:    {kindEntry, "account.log.signed-out"},
	RuleSessions.ID:     {kindEntry, "account.log.sessions"},
	RuleDevices.ID:      {kindEntry, "account.log.devices"},
	RulePassword.ID:     {kindFactor, "account.log.password"},
	RuleSignedUp.ID:     {kindAccount, "account.log.signed-up"},
	RuleFirstAdmin.ID:   {kindAccount, "account.log.first-admin"},
	RuleName.ID:         {kindAccount, "account.log.name"},
	RuleExported.ID:     {kindAccount, "account.log.exported"},
	RuleLeaving.ID:      {kindAccount, "account.log.leaving"},
	RuleStayed.ID:       {kindAccount, "account.log.stayed"},
	RuleVerified.ID:     {kindAccount, "account.log.verified"},
	RuleExists.ID:       {kindAccount, "account.log.exists"},
	RuleResetAsked.ID:   {kindFactor, "account.log.reset-asked"},
	RuleReset.ID:        {kindFactor, "account.log.reset"},
	RuleNotMe.ID:        {kindFactor, "account.log.not-me"},
	RuleMoveAsked.ID:    {kindAccount, "account.log.move-asked"},
	RuleMoved.ID:        {kindAccount, "account.log.moved"},
	RuleUndone.ID:       {kindAccount, "account.log.undone"},
	RuleEnrolled.ID:     {kindFactor, "account.log.enrolled"},
	RuleWrongCode.ID:    {kindFactor, "account.log.wrong-code"},
	RuleAppAdded.ID:     {kindFactor, "account.log.app-added"},
	RuleAppRemoved.ID:   {kindFactor, "account.log.app-removed"},
	RuleCodesMade.ID:    {kindFactor, "account.log.codes-made"},
	RuleAgain.ID:        {kindFactor, "account.log.again"},
	RuleWrongAgain.ID:   {kindFactor, "account.log.again-failed"},
	RuleTrusted.ID:      {kindFactor, "account.log.trusted"},
	RuleCodeLink.ID:     {kindFactor, "account.log.code-link"},
	RuleCodeOpened.ID:   {kindFactor, "account.log.code-opened"},
	RuleInstead.ID:      {kindFactor, "account.log.code-instead"},
	RuleMadeBy.ID:       {kindAccount, "account.log.made"},
	RuleLinkPrinted.ID:  {kindAccount, "account.log.link-printed"},
	RuleDisabled.ID:     {kindAccount, "account.log.disabled"},
	RuleEnabled.ID:      {kindAccount, "account.log.enabled"},
	RuleUnlocked.ID:     {kindEntry, "account.log.unlocked"},
	RuleFactorsReset.ID: {kindFactor, "account.log.factors-reset"},
	RuleRoles.ID:        {kindFactor, "account.log.roles"},

	"MRL-PASSKEY-001": {kindEntry, "passkey.log.failed"}, // room passkey lies above
	"MRL-PASSKEY-002": {kindFactor, "passkey.log.counter"},
	"MRL-PASSKEY-003": {kindFactor, "passkey.log.added"},
	"MRL-PASSKEY-004": {kindFactor, "passkey.log.removed"},
	"MRL-PASSKEY-005": {kindFactor, "passkey.log.renamed"},
}

// EventWords says in the visitor's language what an event of the journal is, by its id: for the pages of a site that show the
// journal. It reports false for an event that the house does not know: one of the site's own, or of another version.
func EventWords(r interface {
	Lang() string
	Words(id string, args ...any) string
}, id string) (string, bool) {
	if known, ok := logWords[id]; ok {
		return say(r, known.words), true
	}
	words := eventText + strings.ToLower(id)
	if _, ok := text.Own().Message("en", words); !ok {
		return "", false
	}
	return say(r, words), true
}

// eventText is before the id of an event, in lower case, in the id of its words.
const eventText = "event."

// kindOf tells the kind of an event, "" if it is none that users are shown.
func kindOf(id string) string {
	switch known := logWords[id]; {
	case known.kind != "":
		return known.kind
	case strings.HasPrefix(id, "MRL-PASSKEY-"), strings.HasPrefix(id, "MRL-ACCT-03"), strings.HasPrefix(id, "MRL-ACCT-04"):
		return kindFactor
	case strings.HasPrefix(id, "MRL-ACCT-"):
		return kindAccount
	}
	return ""
}

// LogLine is an entry of the security log.
type LogLine struct {
	At      Moment
	Words   string
	Who     string
	Network string // "" where it is not the user's to know, or unknown
	Browser string // of a sign-in
}

// LogKind is an option of the filter.
type LogKind struct {
	ID, Words string
	Chosen    bool
}

// LogPage is the data of the page account-log.html.
type LogPage struct {
	Kinds []LogKind
	Kind  string
	Lines []LogLine
	Older int64 // where the next page begins, 0: there is none
}

// LogInput is what the log takes from its address.
type LogInput struct {
	Kind   string `query:"kind,max=16"`
	Before int64  `query:"before,min=0"`
}

var logView = page.New[LogPage](pages, "account-log.html")

// entries returns at most n events of an account of the last 90 days, newest first, and where to go on, 0: nowhere.
func entries(from db.Querier, user int64, kind string, before int64, n int, now time.Time) (list []journal.Entry, older int64, err error) {
	for range max(logSteps, n/logStep) {
		got, err := journal.List(from, journal.Filter{Account: user, Since: now.Add(-logLife), Before: before, Limit: logStep})
		if err != nil {
			return nil, 0, err
		}
		for _, e := range got {
			if k := kindOf(e.ID); k == "" || kind != "" && k != kind {
				continue
			}
			if len(list) == n {
				return list, before, nil
			}
			list, before = append(list, e), e.Seq
		}
		if len(got) < logStep {
			return list, 0, nil
		}
		before = got[len(got)-1].Seq
	}
	return list, before, nil
}

func (a *part) showLog(r *merlon.Read[User], in LogInput) (*merlon.Response, error) {
	p := LogPage{Kinds: []LogKind{{"", say(r, "account.log.all"), false}, {kindEntry, say(r, "account.log.kind-entry"), false},
		{kindFactor, say(r, "account.log.kind-factor"), false}, {kindAccount, say(r, "account.log.kind-account"), false}}}
	for i, k := range p.Kinds {
		if k.ID == in.Kind {
			p.Kind, p.Kinds[i].Chosen = k.ID, true
		}
	}
	list, older, err := entries(r.DB, r.User.ID, p.Kind, in.Before, logPage, r.Now())
	if err != nil {
		return nil, err
	}
	for _, e := range list {
		p.Lines = append(p.Lines, logLine(r, e, r.User.ID))
	}
	p.Older = older
	return merlon.Show(logView, p), nil
}

// ownSteps are what its owner does to an account before being signed in: in the second step, or by a mailed link.
var ownSteps = map[string]bool{RuleSignedIn.ID: true, RuleSignedUp.ID: true, RuleTrusted.ID: true, RuleVerified.ID: true, RuleEnrolled.ID: true,
	RuleReset.ID: true, RuleNotMe.ID: true, RuleUndone.ID: true, RuleStayed.ID: true, RuleCodeOpened.ID: true}

// logLine says in words what an event is to its user. Where an operator of the site acted from is not the user's to know.
func logLine(r asked, e journal.Entry, user int64) LogLine {
	l := LogLine{At: Minute(r.Lang(), e.Time), Words: e.Title}
	if words, ok := EventWords(r, e.ID); ok {
		l.Words = words
	}
	var detail struct{ Browser string }
	_ = json.Unmarshal(e.Detail, &detail) // details that are none name no browser
	l.Browser = browser(r, detail.Browser)
	switch {
	case e.Route == "": // a command
		l.Who = say(r, "account.log.operator")
	case e.User == user, ownSteps[e.ID]:
		l.Who, l.Network = say(r, "account.log.you"), networkOf(e.Client)
	default:
		l.Who, l.Network = say(r, "account.log.somebody"), networkOf(e.Client)
	}
	return l
}

// networkOf cuts an address as the list of sessions does: a place, not a person's line.
func networkOf(client string) string {
	addr, err := netip.ParseAddr(client)
	if err != nil {
		return ""
	}
	return session.Network(addr)
}

// sendLog answers the log as a file for a spreadsheet.
func (a *part) sendLog(r *merlon.Read[User], _ merlon.None) (*merlon.Response, error) {
	list, _, err := entries(r.DB, r.User.ID, "", 0, logFile, r.Now())
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	out, err := export.NewCSV(&b, "time", "id", "event", "by", "browser", "network")
	if err != nil {
		return nil, err
	}
	for _, e := range list {
		l := logLine(r, e, r.User.ID)
		if err := out.Row(l.At.Exact, e.ID, l.Words, l.Who, l.Browser, l.Network); err != nil {
			return nil, err
		}
	}
	r.Record(RuleExported, event.Done, slog.Int64("account", r.User.ID), slog.String("what", "security log"))
	return merlon.Download("security-log.csv", b.Bytes()), nil
}
