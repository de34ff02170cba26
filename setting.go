package merlon

import (
	"context"
	"slices"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/internal/setting"
	"github.com/merlon-web/merlon/outbound/mail"
)

// Rooms that also work alone name what is wrong with their configuration by words of their own. Of a site the owner wrote none
// of them, but settings.
var roomSettings = map[string]setting.Key{
	"hosts":         setting.Hosts,
	"proxies":       setting.Proxies,
	"client header": setting.ClientHeader,
	"mail server":   setting.MailAddress,
}

// asSet returns a room's findings at the settings that they are about.
func asSet(found []check.Finding) []check.Finding {
	found = slices.Clone(found)
	for i, f := range found {
		key, ok := roomSettings[f.Where]
		if ok && f.ID == mail.RuleFrom.ID {
			key = setting.MailFrom
		}
		if ok {
			found[i].Where = key.String()
		}
	}
	return found
}

// checksAsSet are a room's checks with their findings at the settings.
func checksAsSet(all []check.Check) []check.Check {
	all = slices.Clone(all)
	for i, c := range all {
		all[i].Run = func(ctx context.Context) []check.Finding { return asSet(c.Run(ctx)) }
	}
	return all
}
