package valkey

import (
	"context"
	"errors"
	"strings"

	"github.com/merlon-web/merlon/check"
)

// Checks look whether the server can be asked, and at each server whether what is kept there stays: for the list of a part
// ([merlon.Part.Checks] in a site).
func (c *Client) Checks() []check.Check {
	reach := func(rule check.Rule, is func(error) bool, do string) check.Check {
		return check.Check{Rule: rule, Live: true, Run: func(ctx context.Context) []check.Finding {
			if _, err := c.info(ctx, "server"); err != nil && is(err) {
				return []check.Finding{rule.Finding(c.host, strings.TrimPrefix(err.Error(), "outbound/valkey: "), do)}
			}
			return nil
		}}
	}
	live := func(rule check.Rule, section string, look func(info map[string]string) (what, do string)) check.Check {
		return check.Check{Rule: rule, Live: true, Run: func(ctx context.Context) (found []check.Finding) {
			all, err := c.info(ctx, section)
			switch {
			case err == nil:
			case silent(err), refuses(err):
				return nil // it says nothing of this, and is a finding of its own
			default:
				return []check.Finding{rule.Finding(c.host, "the server does not tell: "+err.Error(), "let the site's user run INFO")}
			}
			for at, info := range all {
				if what, do := look(info); what != "" {
					found = append(found, rule.Finding(at, what, do))
				}
			}
			return found
		}}
	}
	return []check.Check{
		reach(RuleSilent, silent, "start it, or correct the address, its port and its TLS (of a site: valkey.url, valkey.roots)"),
		reach(RuleRefuses, refuses, "correct the user, the password or the number of the database (of a site: valkey.url, valkey.password_file)"),
		live(RuleEviction, "memory", func(info map[string]string) (string, string) {
			if policy := info["maxmemory_policy"]; policy != "noeviction" {
				return "when its memory is full the server throws keys away (maxmemory-policy " + policy + ")", "set maxmemory-policy noeviction in its configuration"
			}
			return "", ""
		}),
		live(RulePersistence, "persistence", func(info map[string]string) (string, string) {
			if info["aof_enabled"] != "1" {
				return "the server keeps no log of what is written (appendonly no)", "set appendonly yes, and appendfsync always if not even the last second may be lost, in its configuration"
			}
			return "", ""
		}),
	}
}

func silent(err error) bool { return errors.Is(err, ErrCannot) }

// refuses reports whether a server lets nobody in who asks so. A right that lacks is told by what needs it.
func refuses(err error) bool {
	said, ok := errors.AsType[*Error](err)
	return ok && said.Code != "NOPERM"
}

// info asks each server for a section of what it says of itself.
func (c *Client) info(ctx context.Context, section string) (map[string]map[string]string, error) {
	conn, err := c.open()
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithTimeout(ctx, c.timeout)
	defer stop()
	all := map[string]map[string]string{}
	for at, node := range conn.Nodes() {
		text, err := node.Do(ctx, node.B().Info().Section(section).Build()).ToString()
		if err != nil {
			return nil, told(err)
		}
		info := map[string]string{}
		for line := range strings.Lines(text) {
			if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
				info[name] = value
			}
		}
		all[at] = info
	}
	return all, nil
}
