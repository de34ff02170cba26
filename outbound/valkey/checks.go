package valkey

import (
	"context"
	"strings"

	"github.com/merlon-web/merlon/check"
)

// Checks look, at each server, whether what is kept there stays: for the list of a part ([merlon.Part.Checks] in a site).
func (c *Client) Checks() []check.Check {
	live := func(rule check.Rule, section string, look func(info map[string]string) (what, do string)) check.Check {
		return check.Check{Rule: rule, Live: true, Run: func(ctx context.Context) (found []check.Finding) {
			all, err := c.info(ctx, section)
			if err != nil {
				return []check.Finding{rule.Finding(c.host, "the server does not tell: "+err.Error(), "let the site's user run INFO, and see that the server runs")}
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
