package valkey

import "github.com/merlon-web/merlon/check"

// The rules of the room.
var (
	RuleKey = check.Rule{ID: "MRL-KV-001", Property: check.Integrity, Severity: check.High,
		Title:  "a pattern of keys that is none",
		Why:    "keys of different meaning must never have one text",
		Attack: "No attack: it is the program's own mistake, told when it starts.",
		Wrong:  `valkey.NewKey("{}:cart")`, Right: `valkey.NewKey("shop:cart:{}")`,
		Source: "Valkey documentation, Keyspace; Cluster specification, Hash tags"}
	RuleCommand = check.Rule{ID: "MRL-KV-002", Property: check.Integrity, Severity: check.High,
		Title:  "a command that may not be declared",
		Why:    "a command that takes code, reaches keys that it does not name, or changes the connection that all share would make data into more than a value",
		Attack: "A visitor's text that stands where a command takes a key reads another's values; one that EVAL takes runs on the server.",
		Wrong:  `valkey.NewCommand[string]("GET {}")`, Right: `valkey.NewCommand[string]("GET {key}", note)`,
		Source: "CWE-74; CWE-943; OWASP ASVS 5.0 1.2.6"}
	RuleScript = check.Rule{ID: "MRL-KV-003", Property: check.Integrity, Severity: check.High,
		Title:  "a script that makes code, commands or keys of its values",
		Why:    "what a script runs is to be written in it, and its keys come as names",
		Attack: `A value "FLUSHALL" becomes a command by redis.call(ARGV[1]), a text becomes a function by loadstring.`,
		Wrong:  "redis.call(ARGV[1], KEYS[1])", Right: "redis.call('GET', KEYS[1])",
		Source: "CWE-94; Valkey documentation, Scripting with Lua"}
	RuleValue = check.Rule{ID: "MRL-KV-004", Property: check.Integrity, Severity: check.Medium,
		Title:  "a key or value that a server is not asked for",
		Why:    "each place of a command takes one kind of thing, and an empty part would make two keys one",
		Attack: `A visitor without a name shares the values of all others without one.`,
		Right:  "Values that are not empty in keys, from a form with required and max; names made by the pattern that was declared.",
		Source: "CWE-20; OWASP ASVS 5.0 2.2.1"}
	RuleServer = check.Rule{ID: "MRL-KV-005", Property: check.Confidentiality, Severity: check.High,
		Title:  "a server that cannot be used",
		Why:    "sessions and limits go to it, so its address must be beyond doubt and hold no password",
		Attack: "A password in an address is printed, logged and copied with it.",
		Wrong:  `valkey.Config{Address: "valkeys://shop:password@cache.example.org"}`, Right: `valkey.Config{Address: "valkeys://shop@cache.example.org", Password: password}`,
		Source: "RFC 3986, 3.2.1; OWASP ASVS 5.0 13.3.1"}
	RulePlain = check.Rule{ID: "MRL-KV-006", Property: check.Confidentiality, Severity: check.High,
		Title:  "a server on another machine, asked without TLS",
		Why:    "what is kept there, and the password, would pass the network in the clear",
		Attack: "An attacker on the network reads the password and ends, or keeps alive, whose session they like.",
		Wrong:  `valkey.Config{Address: "valkey://cache.example.org"}`, Right: `valkey.Config{Address: "valkeys://cache.example.org", Password: password}`,
		Source: "Valkey documentation, TLS; OWASP ASVS 5.0 12.3.1"}
	RulePassword = check.Rule{ID: "MRL-KV-007", Property: check.Integrity, Severity: check.High,
		Title:  "a server on another machine that asks for no password",
		Why:    "whoever reaches its port can write what the site believes",
		Attack: "Servers without a password are found by scanners within hours; CONFIG SET then writes files on them.",
		Wrong:  `valkey.Config{Address: "valkeys://cache.example.org"}`, Right: `valkey.Config{Address: "valkeys://shop@cache.example.org", Password: password}`,
		Source: "Valkey documentation, Security and ACL; CWE-306; OWASP ASVS 5.0 13.2.1"}
	RuleSealed = check.Rule{ID: "MRL-KV-008", Property: check.Integrity, Severity: check.High,
		Title:  "a key, command or script declared after the site started",
		Why:    "they are part of the source, and nothing that a visitor sends may become one",
		Attack: "A text of a request, lifted into a script by a generic helper, runs on the server.",
		Wrong:  "func handler(…) { s := valkey.NewScript[int64](…) }", Right: "var take = valkey.NewScript[int64](`…`)   // a package variable",
		Source: "CWE-94; OWASP ASVS 5.0 1.2.6"}
	RuleInWrite = check.Rule{ID: "MRL-KV-009", Property: check.Availability, Severity: check.Medium,
		Title:  "a server asked inside a write transaction",
		Why:    "every other visitor who writes would wait for its answer",
		Attack: "A server that answers slowly stops the site.",
		Wrong:  `visits.Do(w.Context(), …)`, Right: "in PostAfter's before, or in a job: merlon.Job(…)",
		Source: "CWE-400; OWASP ASVS 5.0 15.2.2"}
	RuleSlot = check.Rule{ID: "MRL-KV-010", Property: check.Availability, Severity: check.Medium,
		Title:  "keys used together that a cluster keeps apart",
		Why:    "a command or script runs on one server, which has only the keys whose first value is the same",
		Attack: "No attack: the program would fail on the day when it moves to a cluster.",
		Wrong:  `pair.Do(ctx, client, []valkey.Name{cart.Of("ann"), cart.Of("ben")})`, Right: `pair.Do(ctx, client, []valkey.Name{cart.Of("ann"), order.Of("ann")})`,
		Source: "Valkey documentation, Cluster specification, Hash tags"}
	RuleEviction = check.Rule{ID: "MRL-KV-011", Property: check.Integrity, Severity: check.High,
		Title:  "a server that throws keys away when its memory is full",
		Why:    "what it throws away may be the count of somebody's guesses, or the mark that a session has ended",
		Attack: "An attacker fills the memory, for instance by visits from many addresses, and guesses on when the counts are gone.",
		Wrong:  "maxmemory-policy allkeys-lru", Right: "maxmemory-policy noeviction, and memory that is watched",
		Source: "Valkey documentation, Key eviction; CWE-307"}
	RulePersistence = check.Rule{ID: "MRL-KV-012", Property: check.Integrity, Severity: check.Medium,
		Title:  "a server that forgets when it is started anew",
		Why:    "sign-outs and counted guesses would be undone, or all visitors signed out",
		Attack: "Whoever can make the server restart, by a crash or a full memory, has a fresh number of guesses.",
		Wrong:  "appendonly no", Right: "appendonly yes; appendfsync always where no second may be lost",
		Source: "Valkey documentation, Persistence"}
	RuleSilent = check.Rule{ID: "MRL-KV-013", Property: check.Availability, Severity: check.Medium,
		Title:  "a server that does not answer",
		Why:    "while it is away nobody signs in, and visitors who are signed in are told to come again; all others are served, so\na site starts without it",
		Attack: "None is needed: the server ended, or the address names another port, or one that speaks no TLS.",
		Wrong:  `valkey.Config{Address: "valkey://127.0.0.1:6380"}, where nobody listens`, Right: "the address at which valkey-cli gets an answer to PING",
		Source: "Valkey documentation, Client handling"}
	RuleRefuses = check.Rule{ID: "MRL-KV-014", Property: check.Availability, Severity: check.High,
		Title:  "a server that lets the site do nothing",
		Why:    "nobody could sign in, and it does not pass by itself",
		Attack: "None is needed: the password was changed on one side, or the number of the database is one that the server does not have.",
		Wrong:  `valkey.Config{Address: "valkeys://shop@cache.example.org/99"}`, Right: `valkey.Config{Address: "valkeys://shop@cache.example.org", Password: password}, with the password of the server's ACL`,
		Source: "Valkey documentation, ACL; OWASP ASVS 5.0 13.2.1"}
)

// Rules lists the rules of the room.
func Rules() []check.Rule {
	return []check.Rule{RuleKey, RuleCommand, RuleScript, RuleValue, RuleServer, RulePlain, RulePassword, RuleSealed, RuleInWrite, RuleSlot, RuleEviction, RulePersistence, RuleSilent, RuleRefuses}
}

var _ = check.Known(Rules()...)
