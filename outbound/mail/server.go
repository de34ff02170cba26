package mail

import (
	"net/url"
	"strconv"
	"strings"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/internal/setting"
)

// ParseServer reads the address of a mail server into a [Config]: smtp://user@host:587 (STARTTLS, required),
// smtps://user@host:465, or smtp+plain://localhost:25. The port may be left out. The user may hold an @ of its own. A
// password in it is refused, and no error repeats the address, for it may hold one. The error is [check.Faults].
func ParseServer(address string) (Config, error) {
	refuse := func(rule check.Rule, what, do string) (Config, error) {
		return Config{}, check.Faults{rule.Finding("mail server", what, do)}
	}
	const write = "write smtp://user@mail.example.org:587 or smtps://user@mail.example.org:465"
	scheme, rest, ok := strings.Cut(address, "://")
	kinds := map[string]TLS{"smtp": StartTLS, "smtps": Implicit, "smtp+plain": Plain}
	kind, known := kinds[strings.ToLower(scheme)]
	if !ok || !known {
		return refuse(RuleServer, "the address does not begin with smtp://, smtps:// or smtp+plain://", write)
	}
	user := ""
	if at := strings.LastIndexByte(rest, '@'); at >= 0 {
		user, rest = rest[:at], rest[at+1:]
		if strings.Contains(user, ":") {
			return refuse(RulePassword, "the address holds a password", "take it out, and set "+setting.MailPasswordFile.String()+", or the variable "+setting.MailPassword+"; a colon in a user's name is %3A")
		}
	}
	name, err := url.PathUnescape(user)
	if err != nil {
		return refuse(RuleServer, "the user in the address holds a % that begins no escape", "write %25 for it")
	}
	u, err := url.Parse("smtp://" + rest)
	if err != nil || u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "" || u.ForceQuery || u.User != nil {
		return refuse(RuleServer, "behind the address's host and port stands something else, or they cannot be read", write)
	}
	c := Config{Host: u.Hostname(), TLS: kind, User: name}
	if p := u.Port(); p != "" {
		if c.Port, err = strconv.Atoi(p); err != nil || c.Port < 1 || c.Port > 65535 {
			return refuse(RuleServer, "the address's port is no port", write)
		}
	}
	return c, nil
}
