package attack

import "github.com/merlon-web/merlon/check"

// What the class backup finds.
var (
	RuleNoCopy = rule("MRL-ATK-140", avail, check.High, "the backup leaves no copy behind",
		"a lost disk, a mistake or a thief is the end of the site", "deletes the data, and waits to be paid",
		"see that each run puts something, and reads it back: backup run", "CIS Critical Security Controls v8, 11.2; NIST SP 800-34 rev. 1, 3.4.1")
	RuleSameDisk = rule("MRL-ATK-141", avail, check.High, "the copies lie on the disk of the data",
		"what takes the one takes the other", "encrypts all that the machine can write",
		"keep copies on another machine, of another account: backup init --to s3://…", "CIS Critical Security Controls v8, 11.4; NIST SP 800-34 rev. 1, 3.4.2")
	RuleCopyReadable = rule("MRL-ATK-142", conf, check.High, "a copy can be read without a key",
		"whoever comes by a copy has the data, also what was deleted long ago", "takes a copy from where it lies, which nobody watches",
		"seal each copy to a key that the server does not have: room backup", "CIS Critical Security Controls v8, 11.3; OWASP ASVS 5.0 14.2.4; CWE-311")
	RuleCopyKey = rule("MRL-ATK-143", conf, check.High, "what lies on the server opens the copies",
		"who takes the server has years of copies too", "reads the key in the settings, or beside the data",
		"keep the key on paper, and its public half on the server: room backup", "CIS Critical Security Controls v8, 11.3; NIST SP 800-57 part 1 rev. 5, 6.2.2; CWE-321")
	RuleCutCopy = rule("MRL-ATK-144", avail, check.High, "a copy that was cut or altered is restored as if it were whole",
		"a site that lost half of its rows comes back, and nobody sees it", "alters a copy, or waits for a disk that does",
		"authenticate each copy as a whole before anything of it is used: room backup", "CIS Critical Security Controls v8, 11.5; NIST SP 800-209, 4.6; CWE-354")
	RuleRestoreMisses = rule("MRL-ATK-145", avail, check.High, "what comes back is not what was there",
		"rows without their files, or sealed under keys that are gone, are lost", "needs to do nothing: it is seen on the day of need",
		"copy rows, files and keys as they were at one instant: room backup", "CIS Critical Security Controls v8, 11.2, 11.5; NIST SP 800-34 rev. 1, 3.4.1")
	RuleDrillStale = rule("MRL-ATK-146", avail, check.Medium, "no restore was rehearsed for eight days",
		"a backup that was never restored is a hope", "needs to do nothing: it is seen on the day of need",
		"rehearse each night: drill", "CIS Critical Security Controls v8, 11.5; NIST SP 800-84, 2")
	RuleCopyDeletable = rule("MRL-ATK-147", avail, check.Medium, "the server can delete its old copies",
		"who takes the server deletes the copies first, and the data then", "uses the server's own credentials for the place",
		"let the place keep them: an object lock, or a machine that fetches: backup policy s3", "CIS Critical Security Controls v8, 11.4; CISA #StopRansomware guide, part 1")
	RuleCopyServed = rule("MRL-ATK-148", conf, check.High, "a copy of the data is given to whoever asks for its address",
		"the whole of the data goes out in one answer", "asks for backup.zip, dump.sql and the like",
		"keep copies where no route leads", "OWASP ASVS 5.0 13.4.1, 14.2.4; OWASP WSTG-CONF-04; CWE-530")
)

var backupRules = []check.Rule{RuleNoCopy, RuleSameDisk, RuleCopyReadable, RuleCopyKey, RuleCutCopy, RuleRestoreMisses, RuleDrillStale, RuleCopyDeletable, RuleCopyServed}
