package backup

import "github.com/merlon-web/merlon/check"

const (
	cis  = "CIS Critical Security Controls v8, control 11 (data recovery)"
	nist = "NIST SP 800-34 rev. 1, 3.4.1; NIST SP 800-209, 4.6"
)

// What check finds.
var (
	RuleNone = check.Rule{ID: "MRL-BACK-001", Property: check.Availability, Severity: check.High,
		Title: "there are no backups", Why: "a lost disk, a mistake or a thief would be the end of the site",
		Attack: "Whoever gets in encrypts or deletes the database and asks for money.",
		Wrong:  "serve, without backup init", Right: "backup init --to s3://…, then backup run; it goes on by itself every 15 minutes.",
		Source: cis + ", 11.2; " + nist}
	RuleServer = check.Rule{ID: "MRL-BACK-024", Property: check.Availability, Severity: check.High,
		Title: "the database server cannot be backed up or restored from here", Why: "points of a site on a server are made by pg_dump and restored by pg_restore into a database of their own: a program or a right is missing",
		Attack: "Whoever gets in deletes the tables and asks for money; or the server's disk fails, and the day on which a restore is needed is\nthe day on which it is found that it does not work.",
		Wrong:  "db.url = \"postgres://…\" on a machine without the client programs of the server's version", Right: "Install the client programs of the server's version (Debian: postgresql-client-15), and run once what migrate setup prints as an administrator:\nthe role that owns the database may then make the one that a restore or a drill goes into.",
		Source: cis + ", 11.2 and 11.5; PostgreSQL, pg_dump (Notes: versions), Role Attributes (CREATEDB)"}
	RuleSameDisk = check.Rule{ID: "MRL-BACK-002", Property: check.Availability, Severity: check.High,
		Title: "the backups lie on the disk of the data", Why: "what takes the one takes the other",
		Attack: "The disk fails, the machine is stolen, or ransomware encrypts all that it can write.",
		Wrong:  "backup init --to file:///srv/backup --try", Right: "Name a place on another machine, of another account: s3:// with object lock is best, sftp:// or a mounted disk is good.",
		Source: cis + ", 11.4 (isolated instance of recovery data); NIST SP 800-34 rev. 1, 3.4.2"}
	RuleKeyBeside = check.Rule{ID: "MRL-BACK-003", Property: check.Confidentiality, Severity: check.High,
		Title: "a recovery key lies with the data", Why: "who takes the server could open every backup, also of what was deleted long ago",
		Attack: "A thief of the data folder finds the kit in it and reads years of points.",
		Wrong:  "backup init --kit data/kit.html", Right: "Print the kit twice, keep the sheets away from the server, delete the file there.",
		Source: cis + ", 11.3 (protect recovery data); NIST SP 800-57 part 1 rev. 5, 6.2.2"}
	RuleDrillOld = check.Rule{ID: "MRL-BACK-004", Property: check.Availability, Severity: check.Medium,
		Title: "no restore was rehearsed for eight days", Why: "a backup that was never restored is a hope",
		Attack: "Nobody needs to attack: a missing file or a wrong setting is found on the day on which it is needed.",
		Right:  "Run drill, and see why the nightly one does not: events --id MRL-BACK-022 and the log.", Source: cis + ", 11.5 (test data recovery); NIST SP 800-84, 2"}
	RuleProofOld = check.Rule{ID: "MRL-BACK-005", Property: check.Availability, Severity: check.Medium,
		Title: "the recovery key was not shown to work for 90 days", Why: "drills use a key of the server's own: only the owner can show that the sheet of paper is the right one and still there",
		Attack: "Nobody needs to attack: the sheet was lost, or was never the right one, and every drill is green.",
		Right:  "Take data/backup/header-….bin to a machine of yours, run: merlon recovery prove FILE, and here: backup verify --proof CODE.",
		Source: cis + ", 11.5; NIST SP 800-57 part 1 rev. 5, 8.2.2.2 (key recovery)"}
	RuleProofMissing = check.Rule{ID: "MRL-BACK-006", Property: check.Availability, Severity: check.High,
		Title: "nobody knows whether the recovery key works", Why: "for half a year, or ever since init a week ago, it was not shown to open a point",
		Attack: "Nobody needs to attack: on the day of need the points cannot be opened by anybody.",
		Right:  "merlon recovery prove FILE with the newest header, then backup verify --proof CODE. If the key is lost: begin a new chain with backup init while the site still runs.",
		Source: cis + ", 11.5; NIST SP 800-57 part 1 rev. 5, 8.2.2.2"}
	RuleGap = check.Rule{ID: "MRL-BACK-007", Property: check.Availability, Severity: check.Medium,
		Title: "more can be lost than the schedule says", Why: "runs fail, and the newest point is older than it should be",
		Attack: "Whoever stops the backups first, and deletes later, takes what came between.",
		Right:  "See why runs failed: the events MRL-BACK-010 to 019 and 023, and the log. A run that takes longer than its turn needs a nearer or faster target.",
		Source: cis + ", 11.2 (automated backups); NIST SP 800-34 rev. 1, 3.2 (recovery point objective)"}
	RuleDeletable = check.Rule{ID: "MRL-BACK-008", Property: check.Availability, Severity: check.Medium,
		Title: "this server can delete its backups", Why: "whoever takes the server has its credentials, and deletes the backups before the data",
		Attack: "Ransomware looks for backup credentials first; most victims find their backups gone too.",
		Right:  "A bucket with object lock and the rights that backup policy s3 prints; or a second copy on a machine that fetches, and that this one cannot reach.",
		Source: cis + ", 11.4; CISA #StopRansomware guide, part 1 (offline, immutable backups)"}
	RuleClock = check.Rule{ID: "MRL-BACK-009", Property: check.Integrity, Severity: check.Medium,
		Title: "the clocks of site and store differ by more than five minutes", Why: "a lock would end too early, or in forty years",
		Attack: "Whoever can set the clock makes a point that is locked for ever, or one that is not locked at all.",
		Right:  "Set this machine's clock by NTP; the store's is the one that counts.", Source: "OWASP ASVS 5.0 16.2.2 (synchronised time); RFC 8633, 3"}
)

// What is recorded.
var (
	RuleTwoServers = check.Rule{ID: "MRL-BACK-010", Property: check.Integrity, Severity: check.High,
		Title: "two servers write one chain of backups", Why: "a copy of the site runs elsewhere, or somebody has its keys; each takes the other's place in the chain",
		Attack: "A stolen copy of the data folder is started, and its points are taken for the site's.",
		Right:  "Find the other one and stop it. A copy that is to go on gets a chain of its own: restore, or backup init in its folder.", Source: cis + ", 11.3"}
	RuleGone = check.Rule{ID: "MRL-BACK-011", Property: check.Availability, Severity: check.High,
		Title: "a point is gone or another before its time", Why: "the target does not hold what it said that it keeps",
		Attack: "A thief deletes the newest points; or the store shows an older state.",
		Right:  "backup verify names what is missing. Look at the store's own log for who deleted, change its credentials, and see MRL-BACK-008.", Source: cis + ", 11.3; CISA #StopRansomware guide, part 1"}
	RuleUnread = check.Rule{ID: "MRL-BACK-012", Property: check.Integrity, Severity: check.High,
		Title: "a point could not be read back", Why: "what came back is not what was sent: such a point restores nothing",
		Attack: "A failing disk or a proxy in between alters what is stored.",
		Right:  "The next run makes another point. If it fails too: backup verify --all, and use another target.", Source: cis + ", 11.5; NIST SP 800-209, 4.6"}
	RuleTargetAway = check.Rule{ID: "MRL-BACK-013", Property: check.Availability, Severity: check.Medium,
		Title: "the target cannot be reached", Why: "no point is made until it can", Attack: "Whoever cuts the way to the backups first, and deletes later, takes what came between.",
		Right: "See the network, the address and the credentials; the next try is in five minutes.", Source: cis + ", 11.2"}
	RuleTargetDenies = check.Rule{ID: "MRL-BACK-014", Property: check.Availability, Severity: check.Medium,
		Title: "the target refuses", Why: "the credentials lost a right, or are not the site's any more", Attack: "Somebody at the store's account withdraws the rights so that backups stop unseen.",
		Right: "Compare the rights with those that backup policy s3 prints.", Source: cis + ", 11.2"}
	RuleTargetFull = check.Rule{ID: "MRL-BACK-015", Property: check.Availability, Severity: check.Medium,
		Title: "the target is full", Why: "no point is made until there is room", Attack: "A visitor uploads until the backups stop.",
		Right: "Give it more room, or see that its lifecycle rules delete what the locks have released.", Source: cis + ", 11.2"}
	RuleNoRoom = check.Rule{ID: "MRL-BACK-016", Property: check.Availability, Severity: check.Medium,
		Title: "there is no room here to make a point", Why: "a copy of the database and its ciphertext lie on this disk for a while", Attack: "A visitor fills the disk, and the backups stop before the site does.",
		Right: "Free as much as the database has, and half of it again.", Source: "CWE-400; " + cis}
	RuleChain = check.Rule{ID: "MRL-BACK-017", Property: check.Integrity, Severity: check.High,
		Title: "the chain of points has faults", Why: "something at the target is missing, altered, hidden, or another's",
		Attack: "A thief replaces a point, or hides it behind a newer one, so that a restore brings back what they want.",
		Right:  "backup verify names each object. Points that are proven can be restored all the same.", Source: cis + ", 11.3; NIST SP 800-209, 4.6"}
	RuleWrongCode = check.Rule{ID: "MRL-BACK-018", Property: check.Integrity, Severity: check.Low,
		Title: "a wrong code of the recovery proof", Why: "guessing it would show a key to work that nobody has", Attack: "Somebody types codes so that the check is green.",
		Right: "Five tries a day are allowed. Use the newest header file.", Source: "OWASP ASVS 5.0 6.3.1"}
	RuleFailed = check.Rule{ID: "MRL-BACK-019", Property: check.Availability, Severity: check.Medium,
		Title: "a backup failed", Why: "until one succeeds the newest point grows older", Attack: "Whoever stops the backups first, and deletes later, takes what came between.",
		Right: "The event and the log say why; backup run tries at once.", Source: cis + ", 11.2"}
	RuleWorksAgain = check.Rule{ID: "MRL-BACK-020", Property: check.Availability, Severity: check.Low,
		Title: "backups work again", Why: "that there was a gap, and how long, must be known afterwards", Attack: "A gap that nobody sees is where what was deleted cannot be brought back from.",
		Right: "Nothing to do.", Source: cis + ", 11.2"}
	RuleProven = check.Rule{ID: "MRL-BACK-021", Property: check.Availability, Severity: check.Low,
		Title: "the recovery key was shown to work", Why: "when that was must be known, since keys are lost in silence", Attack: "Nobody needs to attack: sheets of paper get lost.",
		Right: "Do it again within 90 days.", Source: cis + ", 11.5"}
)

// Rules lists the rules of the room.
func Rules() []check.Rule {
	return append([]check.Rule{RuleNone, RuleServer, RuleSameDisk, RuleKeyBeside, RuleDrillOld, RuleProofOld, RuleProofMissing, RuleGap, RuleDeletable, RuleClock,
		RuleTwoServers, RuleGone, RuleUnread, RuleTargetAway, RuleTargetDenies, RuleTargetFull, RuleNoRoom, RuleChain, RuleWrongCode, RuleFailed, RuleWorksAgain, RuleProven}, moreRules...)
}

// RuleDrillFailed is the event of a drill that failed.
var RuleDrillFailed = check.Rule{ID: "MRL-BACK-022", Property: check.Availability, Severity: check.High,
	Title:  "a drill failed",
	Why:    "the newest backup could not be restored and used: until the next drill passes nobody knows that one can be",
	Attack: "Nobody needs to attack: a disk that lies or a migration that does not run shows only on the day it is needed.",
	Wrong:  "backups that nobody ever restored", Right: "Read the problem in data/drills and in events --id MRL-BACK-022, mend it, then run drill.", Source: cis + ", 11.5 (test data recovery); NIST SP 800-34 Rev. 1, 3.5"}

// RuleSettings is the event of a run whose settings are not those that the owner's key signed.
var RuleSettings = check.Rule{ID: "MRL-BACK-023", Property: check.Confidentiality, Severity: check.High,
	Title:  "the backup settings are not those of the chain",
	Why:    "points would be sealed to a key that the owner has not signed: somebody else reads them, and the owner does not",
	Attack: "Whoever may write to data/backup once puts a recipient of their own there, and waits until the points that you can read have expired.",
	Right:  "See who wrote data/backup/settings.json. settings/backup.json in a point is the right one; a changed key needs a record that the old one signed.", Source: cis + ", 11.3; NIST SP 800-57 part 1 rev. 5, 5.3.6 (trust in public keys)"}

// RuleCourse is the event of where backups go: of the first run, and of each that finds another place, chain or address for mails.
var RuleCourse = check.Rule{ID: "MRL-BACK-025", Property: check.Availability, Severity: check.High,
	Title:  "where backups go was set or changed",
	Why:    "points at a place that the owner does not know of are none: a change is told to the address that held before",
	Attack: "Whoever may write to data/backup once leads the points to a store of their own, deletes the old ones when they expire, and asks for money.",
	Right:  "If it was you, nothing. Else see who wrote data/backup/settings.json; take the file from a point (settings/backup.json), and change what the thief may know.", Source: cis + ", 11.3; CISA #StopRansomware guide, part 1"}

// RuleSettingsGone is the event of a site that made backups and has no settings for them any more.
var RuleSettingsGone = check.Rule{ID: "MRL-BACK-026", Property: check.Availability, Severity: check.High,
	Title:  "the backup settings are gone",
	Why:    "no point is made without them",
	Attack: "Whoever means to delete the data first ends the backups in silence, by the deletion of one file.",
	Right:  "Take data/backup/settings.json from a point (settings/backup.json), or begin a new chain with backup init.", Source: cis + ", 11.2; CISA #StopRansomware guide, part 1"}

// RuleDamaged is about points whose data at the target was read and is not what was signed.
var RuleDamaged = check.Rule{ID: "MRL-BACK-027", Property: check.Integrity, Severity: check.Medium,
	Title:  "points at the target are damaged",
	Why:    "a drill or backup verify has read them, and what is there is not what was stored: they restore nothing, and what spoils one spoils others",
	Attack: "Nobody needs to attack: a disk rots. Or whoever may write at the place replaces points by noise, one by one, long before the data is taken.",
	Wrong:  "backup verify said FAIL, and nobody gave the place another disk", Right: "Put the points back from a second copy, or let their time go by; look at the disk, and at who may write there. backup verify --all reads all again.",
	Source: cis + ", 11.3 and 11.5; NIST SP 800-209, 4.6"}

// RuleStuck is the event of a run or drill that is under way and does not come to its end.
var RuleStuck = check.Rule{ID: "MRL-BACK-028", Property: check.Availability, Severity: check.Medium,
	Title:  "a backup does not come to its end",
	Why:    "while one is under way no other is made, and the newest point grows older: a share or a disk that is away holds a run for as long as it is away",
	Attack: "Whoever stops the backups first, and deletes later, takes what came between; and no failure tells of a run that only waits.",
	Right:  "If bytes still arrive at the place, nothing: a long run may go on. Else see whether the place answers, bring it back or unmount it by force, and start the site again if that frees nothing; end another process that has the lock.", Source: cis + ", 11.2"}

// moreRules are those of drill and restore, and what came later.
var moreRules = []check.Rule{RuleDrillFailed, RuleSettings, RuleCourse, RuleSettingsGone, RuleDamaged, RuleStuck}
