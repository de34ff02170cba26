// Command findings writes docs/findings: a page for each room, with what `explain ID` prints of each of its rules. It is run
// by go generate.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/account"
	"github.com/merlon-web/merlon/attack"
	"github.com/merlon-web/merlon/backup"
	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/cli"
	"github.com/merlon-web/merlon/outbound/command"
	"github.com/merlon-web/merlon/outbound/export"
	"github.com/merlon-web/merlon/outbound/fetch"
	"github.com/merlon-web/merlon/outbound/ldap"
	"github.com/merlon-web/merlon/outbound/valkey"
	"github.com/merlon-web/merlon/passkey"
)

//go:generate go run . ../../../docs/findings

func main() {
	dir := os.Args[1]
	if err := write(dir); err != nil {
		fmt.Fprintln(os.Stderr, "findings:", err)
		os.Exit(1)
	}
}

// all returns every rule of every room, sorted by id.
func all() []check.Rule {
	rules := slices.Concat(merlon.AllRules(), account.Rules(), attack.Rules(), backup.Rules(), passkey.Rules(), cli.Rules(), command.Rules(), export.Rules(), fetch.Rules(), ldap.Rules(), valkey.Rules())
	slices.SortFunc(rules, func(a, b check.Rule) int { return strings.Compare(a.ID, b.ID) })
	return rules
}

func write(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	made := pages(all())
	old, err := filepath.Glob(filepath.Join(dir, "*.md"))
	if err != nil {
		return err
	}
	for _, file := range old {
		if _, kept := made[filepath.Base(file)]; !kept {
			if err := os.Remove(file); err != nil {
				return err
			}
		}
	}
	for name, text := range made {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// room is the middle word of an id, in lower case: its page's name.
func room(id string) string { return strings.ToLower(strings.Split(id, "-")[1]) }

// pages are the files by name. The rules are sorted by id.
func pages(rules []check.Rule) map[string]string {
	index := "# Findings\n\nWhat `check`, a refused start, a refused request or an event names by an id. The same texts are in each site's program: `explain ID`.\nWritten by `go generate`; the words stand beside the code, in each room's rules.\n\n| id | what | guards | severity |\n|---|---|---|---|\n"
	made := map[string]string{}
	for _, r := range rules {
		name := room(r.ID) + ".md"
		if made[name] == "" {
			made[name] = "# " + strings.ToUpper(room(r.ID)) + "\n\n[All findings](README.md)\n"
		}
		made[name] += section(r)
		index += fmt.Sprintf("| [%s](%s#%s) | %s | %s | %s |\n", r.ID, name, strings.ToLower(r.ID), cell(r.Title), r.Property, r.Severity)
	}
	made["README.md"] = index
	return made
}

// cell is a text in a table.
func cell(s string) string { return strings.ReplaceAll(prose(s), "|", `\|`) }

// prose keeps what looks like HTML from being taken for it.
func prose(s string) string {
	return strings.NewReplacer("<", "&lt;", "\n", " ").Replace(strings.TrimSpace(s))
}

func section(r check.Rule) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n## %s\n\n**%s.** Guards %s, severity %s.\n\n%s.\n\n**What an attacker does with it.** %s\n", r.ID, prose(upper(r.Title)), r.Property, r.Severity,
		prose(upper(strings.TrimSuffix(r.Why, "."))), prose(r.Attack))
	for _, part := range []struct{ name, text string }{{"Wrong", r.Wrong}, {"Right", r.Right}} {
		if text := strings.Trim(part.text, "\n"); text != "" {
			fence := "```"
			for strings.Contains(text, fence) {
				fence += "`"
			}
			fmt.Fprintf(&b, "\n%s:\n\n%s\n%s\n%s\n", part.name, fence, text, fence)
		}
	}
	fmt.Fprintf(&b, "\nSource: %s\n", prose(r.Source))
	return b.String()
}

func upper(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
