package session

import (
	"context"
	"fmt"

	"github.com/merlon-web/merlon/check"
)

// The rules of this room.
var (
	RuleRotated = check.Rule{
		ID: "MRL-SESSION-001", Property: check.Integrity, Severity: check.Low,
		Title:  "a session was given a new token",
		Why:    "every change of rights makes a new token and ends the old one, so that nobody who knew the old one gains by it",
		Attack: "Session fixation: a token that the attacker knew before the victim signed in opens the victim's session after it.",
		Right:  "Nothing to do: this event tells who signed in, stepped up or changed role, and under which session id.",
		Source: "OWASP ASVS 5.0 7.2.4; CWE-384",
	}
	RuleEnded = check.Rule{
		ID: "MRL-SESSION-002", Property: check.Confidentiality, Severity: check.Low,
		Title:  "a session was ended",
		Why:    "what is ended stays ended: its row is marked, its values are thrown away, no statement takes the mark off",
		Attack: "A session that lives on after sign-out, a change of password or the end of an account serves whoever kept the cookie.",
		Right:  "Nothing to do: this event tells whose sessions ended, and the reason that the program gave.",
		Source: "OWASP ASVS 5.0 7.4.1, 7.4.2, 7.4.3",
	}
	RuleRevived = check.Rule{
		ID: "MRL-SESSION-003", Property: check.Integrity, Severity: check.Medium,
		Title: "a request tried to write with a session that had ended",
		Why:   "the write transaction reads the session again first, and updates it only while it lives",
		Attack: "A request that was on its way during the sign-out writes its session back and so revives it (upsert; connect-redis#328),\n" +
			"or acts for a user who has just been disabled.",
		Wrong:  "INSERT INTO session … ON CONFLICT (key) DO UPDATE …",
		Right:  "Nothing to do: nothing was written, the visitor was sent to sign in. Many of these from one address are worth a look.",
		Source: "OWASP ASVS 5.0 7.4.1; CWE-613",
	}
	RuleSeal = check.Rule{
		ID: "MRL-SESSION-004", Property: check.Confidentiality, Severity: check.High,
		Title: "the seal of a session is broken",
		Why:   "values, user, level, step-up time, absolute deadline and version are bound together under a key made from the cookie",
		Attack: "Who can write to the database, by a hole in a query or a stolen backup put back, moves a session to another user, raises it\n" +
			"to two factors, or puts old values back.",
		Right:  "Find out what wrote to merlon_session beside Merlon. The session counts as none; its user signs in again.",
		Source: "NIST SP 800-38D; OWASP ASVS 5.0 11.3.3",
	}
	RuleTooMany = check.Rule{
		ID: "MRL-SESSION-005", Property: check.Availability, Severity: check.Low,
		Title:  "a user began one session more than is allowed",
		Why:    "the one unseen for longest was ended, so that forgotten browsers do not stay signed in for good",
		Attack: "Stolen or forgotten sessions disappear among many; a script that signs in without end fills the table.",
		Right:  "Nothing to do, or set session.Config.PerUser.",
		Source: "OWASP ASVS 5.0 7.1.2",
	}
	RuleValue = check.Rule{
		ID: "MRL-SESSION-006", Property: check.Integrity, Severity: check.Low,
		Title:  "a value of a session is not of its key's type any more",
		Why:    "the program has changed since it was kept; read as another type it could mean anything",
		Attack: "None by itself; a value misread as another type could pass for a right.",
		Right:  "Give a key another name when its type changes. The value counts as absent.",
		Source: "CWE-843",
	}
	RuleSize = check.Rule{
		ID: "MRL-SESSION-007", Property: check.Availability, Severity: check.Medium,
		Title:  "the values of a session are too big",
		Why:    "every request reads, unseals and may cache them",
		Attack: "A visitor who can make a session grow (a list of seen pages, a basket) fills the database and slows each request.",
		Wrong:  `basket.Set(w.Session, allItems)`,
		Right:  `basket.Set(w.Session, basketID)   // and the items in a table`,
		Source: "OWASP ASVS 5.0 15.1.3; CWE-770",
	}
	RuleConfig = check.Rule{
		ID: "MRL-SESSION-008", Property: check.Confidentiality, Severity: check.High,
		Title:  "a setting of the sessions cannot stand",
		Why:    "a wrong name, key, lifetime or bound would weaken every session of the site",
		Attack: "A short key lets pre-session cookies be forged; a lifetime without end keeps a stolen cookie good for good.",
		Right:  "session.Config{Name: \"shop\", Secret: keys}: leave the other fields empty for the defaults.",
		Source: "OWASP ASVS 5.0 7.1.1, 7.3.1, 7.3.2",
	}
	RuleKey = check.Rule{
		ID: "MRL-SESSION-009", Property: check.Integrity, Severity: check.High,
		Title:  "a session key cannot be declared",
		Why:    "a key is a constant of the program with one place and one type; names from data or declared twice overwrite each other",
		Attack: "A key whose name comes from a visitor reaches the values that the program keeps about the visitor.",
		Wrong:  `session.NewKey[string](r.FormValue("name"))   // does not compile`,
		Right:  `var language = session.NewKey[string]("language")   // a package variable`,
		Source: "CWE-915",
	}
	RuleLifetime = check.Rule{
		ID: "MRL-SESSION-010", Property: check.Confidentiality, Severity: check.Low,
		Title:  "sessions live longer than is recommended",
		Why:    "a cookie taken from a browser or a machine left open is good until a deadline passes",
		Attack: "Whoever finds the machine, or a copy of its cookies, uses the session until it ends.",
		Right:  "session.Config: leave Single, Strong and Admin empty, or document why this site needs more.",
		Source: "NIST SP 800-63B-4 (AAL1 30 days; AAL2 24 h, idle 1 h; AAL3 12 h, idle 15 min); OWASP ASVS 5.0 7.1.1, 7.3.1, 7.3.2",
	}
	RuleRow = check.Rule{
		ID: "MRL-SESSION-011", Property: check.Integrity, Severity: check.High,
		Title: "a session's row on the server was not written by the site",
		Why: "rows that lie beside the database are signed by a key of the site's key file, with the place that they lie at: whoever writes to\n" +
			"the server begins no session of a user, and raises none",
		Attack: "Who reaches the Valkey server, as another program that shares it, writes a session of the administrator under the hash of a\n" +
			"token that they chose, and sends that token as their cookie.",
		Right: "Find out who else writes to the server, and give the site a user and a prefix of its own there. The row counts as none; lists leave\n" +
			"it out, the end of all sessions and the sweep take it away.",
		Source: "CWE-345, CWE-353; OWASP ASVS 5.0 11.3.3",
	}
)

// Rules returns the room's rules.
func Rules() []check.Rule {
	return []check.Rule{RuleRotated, RuleEnded, RuleRevived, RuleSeal, RuleTooMany, RuleValue, RuleSize, RuleConfig, RuleKey, RuleLifetime, RuleRow}
}

// checkLifetimes compares the lifetimes in force with the defaults, which are the recommended ones or shorter.
func (m *Manager) checkLifetimes(context.Context) []check.Finding {
	var found []check.Finding
	for class, life := range m.life {
		if most := defaults[class]; life.Idle > most.Idle || life.Absolute > most.Absolute {
			found = append(found, RuleLifetime.Finding("session.Config."+classNames[class],
				fmt.Sprintf("%s: %s idle, %s at most; recommended are %s and %s", classTexts[class], plain(life.Idle), plain(life.Absolute), plain(most.Idle), plain(most.Absolute)),
				"shorten it, or write down why this site needs more"))
		}
	}
	return found
}
