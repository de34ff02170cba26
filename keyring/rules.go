package keyring

import "github.com/merlon-web/merlon/check"

// The rules of the room.
var (
	RuleMode = check.Rule{
		ID: "MRL-KEYRING-001", Property: check.Confidentiality, Severity: check.High,
		Title:  "the key file can be read by others",
		Why:    "whoever reads the keys can forge tokens, open sealed data and crack stolen password hashes",
		Attack: "Another program or user on the machine (a log shipper, a second site) copies the file. With a stolen database\nthe copy opens what was sealed, and no one notices.",
		Wrong:  "-rw-r--r-- 1 site site 312 keys",
		Right:  "chmod 600 keys, owned by the user that runs the site; then rotate the keys, since they may have been read.",
		Source: "OWASP ASVS 5.0 13.3.1, 11.1.1; CWE-732",
	}
	RuleMalformed = check.Rule{
		ID: "MRL-KEYRING-002", Property: check.Availability, Severity: check.High,
		Title:  "the key file is damaged",
		Why:    "with a part of its keys the site would seal under the wrong one and refuse every password made with the lost ones",
		Attack: "Nobody needs to attack: an editor, a half copy or a full disk cuts the last line, which is the newest key.",
		Right:  "Put back the key file from the backup. Do not edit it by hand: its last line holds the SHA-256 of the rest.",
		Source: "CWE-354 (missing check of integrity)",
	}
	RuleNotPlain = check.Rule{
		ID: "MRL-KEYRING-003", Property: check.Confidentiality, Severity: check.High,
		Title:  "the key file is not a plain file",
		Why:    "a link can be pointed at a file that others read or write, and at another one after the check",
		Attack: "Who may write in the folder puts a link there to keys of his own, which he knows.",
		Wrong:  "keys -> /tmp/keys",
		Right:  "Put the file itself there, or give the path of the file that the link means.",
		Source: "CWE-59 (link following); CWE-367",
	}
	RuleAge = check.Rule{
		ID: "MRL-KEYRING-004", Property: check.Confidentiality, Severity: check.Low,
		Title:  "the newest key is older than a year",
		Why:    "a key that leaked unseen stays useful until it is replaced, and one key should not seal without end",
		Attack: "A copy of the file from an old disk or backup still opens what is sealed today.",
		Right:  "Rotate the keys. Old ones go on opening; sessions and forms that are open stay valid.",
		Source: "NIST SP 800-57 part 1, 5.3.6; OWASP ASVS 5.0 11.1.2; NIST SP 800-38D, 8.3",
	}
	RuleChanged = check.Rule{
		ID: "MRL-KEYRING-005", Property: check.Availability, Severity: check.High,
		Title:  "the key file is gone or not the one in use",
		Why:    "what rests is sealed and hashed under the keys of this file, and a start without them opens none of it",
		Attack: "Nobody needs to attack: a clean-up or a deployment removes or replaces the file, and the next start locks out every\npassword.",
		Right:  "Put back the file of the running site from the backup before it stops; or restart it if the file was rotated elsewhere.\nGive all processes of a site the same file.",
		Source: "OWASP ASVS 5.0 11.1.1 (life cycle of keys)",
	}
	RuleTracked = check.Rule{
		ID: "MRL-KEYRING-006", Property: check.Confidentiality, Severity: check.High,
		Title:  "the key file is in a git repository",
		Why:    "every clone, fork and mirror of the repository has the keys, for ever",
		Attack: "A repository becomes public, or a contributor's laptop is stolen; scanners find such files within minutes.",
		Wrong:  "git add data/keys",
		Right:  "git rm --cached the file, add it to .gitignore, and rotate the keys: the old ones are in the history.",
		Source: "CWE-540; OWASP ASVS 5.0 13.3.1",
	}
	RuleFolder = check.Rule{
		ID: "MRL-KEYRING-007", Property: check.Integrity, Severity: check.Medium,
		Title:  "others may write in the folder of the key file",
		Why:    "who may write in a folder may exchange its files, whatever their own mode says",
		Attack: "Another user of the machine moves the file away and puts one of his own there.",
		Wrong:  "drwxrwxrwx 2 site site data",
		Right:  "chmod go-w the folder.",
		Source: "CWE-732",
	}
	RuleMemory = check.Rule{
		ID: "MRL-KEYRING-008", Property: check.Availability, Severity: check.High,
		Title:  "the keys lie in memory only",
		Why:    "after the next start no password verifies and no sealed value opens; keys made from a seed can be made by others too",
		Attack: "Whoever knows the seed of a test makes the same keys.",
		Wrong:  `keyring.Memory("test") in a site that serves people`,
		Right:  "Open the site's key file: keyring.Open.",
		Source: "CWE-321 (hard-coded key)",
	}
)

// Rules lists the rules of the room.
func Rules() []check.Rule {
	return []check.Rule{RuleMode, RuleMalformed, RuleNotPlain, RuleAge, RuleChanged, RuleTracked, RuleFolder, RuleMemory}
}
