package host

import "github.com/merlon-web/merlon/check"

// The rules of what a site stands on.
var (
	RuleRoot = check.Rule{ID: "MRL-HOST-001", Property: check.Integrity, Severity: check.Medium,
		Title:  "a site that runs as root",
		Why:    "whatever goes wrong in it then goes wrong for the whole machine",
		Attack: "A hole in any library gives the attacker every file, every other site and the logs that would tell of it.",
		Wrong:  "sudo ./shop serve --production",
		Right:  "User=shop in its unit; port 443 by AmbientCapabilities=CAP_NET_BIND_SERVICE",
		Source: "CIS Controls v8 5.4; CWE-250; systemd.exec(5)"}
	RuleUmask = check.Rule{ID: "MRL-HOST-002", Property: check.Confidentiality, Severity: check.Low,
		Title:  "a umask that lets others read new files",
		Why:    "what the site or its libraries write is then readable by every account of the machine",
		Attack: "Another program of the machine reads a log, a temporary file or a copy of the database.",
		Wrong:  "umask 0022",
		Right:  "UMask=0077 in the unit",
		Source: "CWE-276; systemd.exec(5), UMask="}
	RuleCore = check.Rule{ID: "MRL-HOST-003", Property: check.Confidentiality, Severity: check.Low,
		Title:  "core dumps that may be written",
		Why:    "a dump holds the whole memory: keys, passwords that are just being checked, sessions",
		Attack: "A crash that somebody provokes leaves a file with the key ring in it, which log collectors and backups copy.",
		Wrong:  "ulimit -c unlimited",
		Right:  "LimitCORE=0 in the unit",
		Source: "CWE-528; OWASP ASVS 5.0 14.2.4; core(5)"}
	RuleCrash = check.Rule{ID: "MRL-HOST-004", Property: check.Confidentiality, Severity: check.Medium,
		Title:  "a setting that turns crashes into core dumps",
		Why:    "Go writes no dump by itself; this tells it to",
		Attack: "As with core dumps: the memory of the site, keys included, lies on the disk after a crash.",
		Wrong:  "GOTRACEBACK=crash ./shop serve --production",
		Right:  "leave GOTRACEBACK out in production",
		Source: "package runtime, Environment Variables; CWE-528"}
	RuleFiles = check.Rule{ID: "MRL-HOST-005", Property: check.Availability, Severity: check.Medium,
		Title:  "too few open files",
		Why:    "each connection takes one, and the database needs some",
		Attack: "A few hundred idle connections are enough, and nobody else gets in.",
		Wrong:  "ulimit -n 1024",
		Right:  "LimitNOFILE=65536 in the unit",
		Source: "getrlimit(2); CWE-770"}
	RuleNoLimit = check.Rule{ID: "MRL-HOST-006", Property: check.Availability, Severity: check.Low,
		Title:  "no memory limit for the program",
		Why:    "the garbage collector then lets memory double before it works, and the machine kills the site instead",
		Attack: "Requests that are large but allowed add up until the kernel ends the process in the middle of its work.",
		Wrong:  "a container of 512 MB without GOMEMLIMIT",
		Right:  "GOMEMLIMIT=450MiB",
		Source: "package runtime/debug, SetMemoryLimit; go.dev/doc/gc-guide"}
	RuleLimit = check.Rule{ID: "MRL-HOST-007", Property: check.Availability, Severity: check.Medium,
		Title:  "a memory limit that is more than there is",
		Why:    "the limit is never reached: the kernel ends the process first",
		Attack: "As without a limit: load ends the site.",
		Wrong:  "GOMEMLIMIT=4GiB on a machine of 2 GB",
		Right:  "nine tenths of what the site may use",
		Source: "go.dev/doc/gc-guide, Memory limit"}
	RuleGodebug = check.Rule{ID: "MRL-HOST-008", Property: check.Integrity, Severity: check.High,
		Title:  "GODEBUG settings that bring old holes back",
		Why:    "each was closed for a reason that still holds",
		Attack: "TLS 1.0, SHA-1 signatures, RSA keys of 512 bits or requests that two parsers read differently are accepted again.",
		Wrong:  "GODEBUG=tls10server=1,x509sha1=1",
		Right:  "take them out; mend what needed them",
		Source: "go.dev/doc/godebug; OWASP ASVS 5.0 12.1.1"}
	RulePreload = check.Rule{ID: "MRL-HOST-009", Property: check.Integrity, Severity: check.Low,
		Title:  "libraries that are slipped under programs",
		Why:    "what the variable names is loaded into every program that the site starts",
		Attack: "Who may write that file runs code in the site's name at the next command.",
		Wrong:  "LD_PRELOAD=/opt/agent.so",
		Right:  "leave it out of the site's environment",
		Source: "ld.so(8); CWE-426"}
	RuleSecretEnv = check.Rule{ID: "MRL-HOST-010", Property: check.Confidentiality, Severity: check.Low,
		Title:  "a secret in the environment",
		Why:    "an environment is passed on to every program that is started, and shown by tools and crash reports",
		Attack: "A page of diagnostics, `docker inspect` or /proc/PID/environ of the same user shows it.",
		Wrong:  "MERLON_MAIL_PASSWORD=correct-horse",
		Right:  "MERLON_MAIL_PASSWORD_FILE=/run/credentials/shop.service/mail",
		Source: "OWASP ASVS 5.0 13.3.1; CWE-526; systemd.exec(5), CREDENTIALS"}
	RuleProgram = check.Rule{ID: "MRL-HOST-011", Property: check.Integrity, Severity: check.High,
		Title:  "a program that others may change",
		Why:    "at the next start it is theirs",
		Attack: "Another account of the machine replaces the site's program, which then hands it every password.",
		Wrong:  "-rwxrwxrwx shop",
		Right:  "-rwxr-xr-x root root /usr/local/bin/shop",
		Source: "CWE-732; OWASP ASVS 5.0 13.4.1"}
	RuleFolder = check.Rule{ID: "MRL-HOST-012", Property: check.Integrity, Severity: check.Medium,
		Title:  "a program in a folder in which others may write",
		Why:    "who may write there may put another file in its place",
		Attack: "Another account renames the program and puts its own there, without ever having to open the file.",
		Wrong:  "/opt/apps (mode 0777)",
		Right:  "/usr/local/bin",
		Source: "CWE-732; rename(2)"}
	RuleSpace = check.Rule{ID: "MRL-HOST-013", Property: check.Availability, Severity: check.Medium,
		Title:  "little room on the disk of the data",
		Why:    "a full disk ends all writing: sign-ins, orders, the log that would tell why",
		Attack: "Uploads or events that somebody provokes fill what is left.",
		Wrong:  "a disk that is 97 % full",
		Right:  "room for a few weeks, and an alarm before it is gone",
		Source: "CWE-400; sqlite.org/rescode.html, SQLITE_FULL"}
	RuleInodes = check.Rule{ID: "MRL-HOST-014", Property: check.Availability, Severity: check.Medium,
		Title:  "a disk that takes hardly any more files",
		Why:    "without a free entry no file is made, however much room there is",
		Attack: "Very many small uploads use up the table of files.",
		Wrong:  "df -i: 100 %",
		Right:  "clear out the folder with the many files",
		Source: "mkfs.ext4(8), -N; CWE-400"}
	RuleReadOnly = check.Rule{ID: "MRL-HOST-015", Property: check.Availability, Severity: check.High,
		Title:  "a folder of data that cannot be written",
		Why:    "nothing can be stored",
		Attack: "No attack: each sign-in and each form fails.",
		Wrong:  "drwxr-xr-x root root data",
		Right:  "StateDirectory=shop in the unit, or chown shop data",
		Source: "systemd.exec(5), StateDirectory="}
	RuleVolatile = check.Rule{ID: "MRL-HOST-016", Property: check.Availability, Severity: check.High,
		Title:  "data in memory",
		Why:    "it is gone when the machine is switched off",
		Attack: "No attack: a restart of the machine is enough.",
		Wrong:  "--data /dev/shm/shop",
		Right:  "--data /var/lib/shop",
		Source: "tmpfs(5)"}
	RuleLayer = check.Rule{ID: "MRL-HOST-017", Property: check.Availability, Severity: check.Low,
		Title:  "data in the layer of a container",
		Why:    "it is gone when the container is made anew, as every update does",
		Attack: "No attack: the next deployment is enough.",
		Wrong:  "docker run shop",
		Right:  "docker run -v shop-data:/data shop --data /data",
		Source: "docs.docker.com, Storage: volumes"}
	RuleNetwork = check.Rule{ID: "MRL-HOST-018", Property: check.Integrity, Severity: check.High,
		Title:  "a database on a network file system",
		Why:    "locks there are often not kept, and a database without locks is damaged",
		Attack: "No attack: two processes write at once, or one that lost its connection goes on writing.",
		Wrong:  "--data /mnt/nas/shop",
		Right:  "a disk of this machine; copies elsewhere by the backup",
		Source: "sqlite.org/howtocorrupt.html 2.1; sqlite.org/wal.html"}
	RuleOpen = check.Rule{ID: "MRL-HOST-019", Property: check.Confidentiality, Severity: check.Medium,
		Title:  "files of the site that others may read or write",
		Why:    "each guards its content only as well as its mode",
		Attack: "Another account copies the database, or adds a line to a file that the site believes.",
		Wrong:  "-rw-r--r-- shop.db",
		Right:  "chmod -R go-rwx data",
		Source: "CWE-732; OWASP ASVS 5.0 13.3.1"}
	RuleUnsynced = check.Rule{ID: "MRL-HOST-020", Property: check.Integrity, Severity: check.Low,
		Title:  "a clock that nobody keeps right",
		Why:    "codes of authenticator apps, certificates, sessions and the order of events depend on it",
		Attack: "An hour of drift locks out who signs in by code, and makes the log useless as evidence.",
		Wrong:  "timedatectl: System clock synchronized: no",
		Right:  "systemd-timesyncd or chrony",
		Source: "OWASP ASVS 5.0 16.2.2; RFC 6238 6; adjtimex(2)"}
	RuleClock = check.Rule{ID: "MRL-HOST-021", Property: check.Integrity, Severity: check.High,
		Title:  "a clock that is wrong",
		Why:    "it is set to before the program was written",
		Attack: "Sessions that ended are alive again, certificates that were revoked are believed.",
		Wrong:  "1970-01-01 after a power cut",
		Right:  "a clock that is set at start, before the site",
		Source: "RFC 8633; OWASP ASVS 5.0 16.2.2"}
	RulePrivileges = check.Rule{ID: "MRL-HOST-022", Property: check.Integrity, Severity: check.Low,
		Title:  "a process that may gain rights",
		Why:    "a setuid program that the site can start is a way to root",
		Attack: "A hole in the site is joined with one in such a program: the attacker has the machine.",
		Wrong:  "a unit without NoNewPrivileges",
		Right:  "NoNewPrivileges=yes",
		Source: "prctl(2), PR_SET_NO_NEW_PRIVS; systemd.exec(5)"}
	RuleCaps = check.Rule{ID: "MRL-HOST-023", Property: check.Integrity, Severity: check.Medium,
		Title:  "a process with rights that it does not need",
		Why:    "a site needs at most that of opening ports below 1024",
		Attack: "With CAP_DAC_OVERRIDE or CAP_SYS_PTRACE a hole in the site reads every file and every process.",
		Wrong:  "docker run --privileged",
		Right:  "CapabilityBoundingSet=CAP_NET_BIND_SERVICE",
		Source: "capabilities(7); CWE-250"}
	RulePtrace = check.Rule{ID: "MRL-HOST-024", Property: check.Confidentiality, Severity: check.Low,
		Title:  "any process of the same user may read the site's memory",
		Why:    "the keys are in it",
		Attack: "A second program of the same user that was broken into attaches to the site and takes the keys.",
		Wrong:  "kernel.yama.ptrace_scope = 0",
		Right:  "kernel.yama.ptrace_scope = 1",
		Source: "Linux kernel, Documentation/admin-guide/LSM/Yama.rst"}
	RuleSwap = check.Rule{ID: "MRL-HOST-025", Property: check.Confidentiality, Severity: check.Low,
		Title:  "swap space that is not encrypted",
		Why:    "memory with keys and passwords may be written there and stays when the machine is off",
		Attack: "Who gets the disk reads what the memory held weeks ago.",
		Wrong:  "/dev/sda2 as swap",
		Right:  "swap behind dm-crypt, zram, or none",
		Source: "CWE-591; swapon(8)"}
)

// Rules lists the rules of the room.
func Rules() []check.Rule {
	return []check.Rule{RuleRoot, RuleUmask, RuleCore, RuleCrash, RuleFiles, RuleNoLimit, RuleLimit, RuleGodebug, RulePreload, RuleSecretEnv, RuleProgram, RuleFolder, RuleSpace, RuleInodes, RuleReadOnly, RuleVolatile, RuleLayer, RuleNetwork, RuleOpen, RuleUnsynced, RuleClock, RulePrivileges, RuleCaps, RulePtrace, RuleSwap}
}
