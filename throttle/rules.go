package throttle

import "github.com/merlon-web/merlon/check"

// The rules of this room.
var (
	RuleLimited = check.Rule{
		ID: "MRL-THROTTLE-001", Property: check.Confidentiality, Severity: check.Medium,
		Title: "an attempt was refused because a limit was reached",
		Why:   "a secret that may be tried without limit is a secret that is found",
		Attack: "Guessing passwords, codes and recovery codes: from one address, from many, at one account, at all of them, a hundred at\n" +
			"the same time so that each is counted before any is noticed.",
		Right:  "Wait until the time that the event names. Known devices are not affected by what strangers do. To unlock: Limiter.Release.",
		Source: "OWASP ASVS 5.0 6.1.1, 6.3.1, 6.3.8; NIST SP 800-63B (100 attempts in a row); OWASP device cookies",
	}
	RuleReleased = check.Rule{
		ID: "MRL-THROTTLE-002", Property: check.Integrity, Severity: check.Low,
		Title:  "a limit was opened before its time",
		Why:    "whoever opens a lock says why, so that it can be told later from an attacker's doing",
		Attack: "A helper is talked into unlocking an account again and again while it is being guessed.",
		Right:  "Nothing to do: this event tells which buckets were emptied and the reason given.",
		Source: "OWASP ASVS 5.0 16.3.1",
	}
	RuleAlarm = check.Rule{
		ID: "MRL-THROTTLE-003", Property: check.Availability, Severity: check.Medium,
		Title:  "failed attempts on the whole site run at five times their usual rate",
		Why:    "an attack spread over many accounts and networks stays below the limit of each, and shows only in the sum",
		Attack: "Credential stuffing: one try at each of many accounts, with passwords leaked elsewhere, from many addresses.",
		Right:  "Look at the refusals by network. Ask unknown devices for patience (Limiter.Alarmed); known ones go on as before.",
		Source: "OWASP ASVS 5.0 6.3.1, 6.3.5; OWASP Credential Stuffing Prevention",
	}
	RuleConfig = check.Rule{
		ID: "MRL-THROTTLE-004", Property: check.Confidentiality, Severity: check.High,
		Title:  "a setting of the limits cannot stand",
		Why:    "without a store, a key or a limit, attempts would be counted wrongly or not at all",
		Attack: "A limit of zero, or one that forgets with each start, lets secrets be guessed.",
		Right:  "throttle.Config{Store: throttle.NewStore(engine), Key: key}: leave the other fields empty for the defaults.",
		Source: "OWASP ASVS 5.0 6.1.1",
	}
)

// Rules returns the room's rules.
func Rules() []check.Rule { return []check.Rule{RuleLimited, RuleReleased, RuleAlarm, RuleConfig} }
