// Command settings writes docs/settings.md: every key of merlon.toml, of the one table where they are declared. It is run by
// go generate.
package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/merlon-web/merlon/internal/setting"
)

//go:generate go run . ../../../docs/settings.md

func main() {
	if err := os.WriteFile(os.Args[1], []byte(page()), 0o644); err != nil {
		fmt.Fprintln(os.Stderr, "settings:", err)
		os.Exit(1)
	}
}

const head = `# Settings

The keys of ` + "`merlon.toml`" + `, the file in the folder in which a site's program is started. Written by ` + "`go generate`" + `; the words stand beside the code, in
` + "`internal/setting`" + `, and ` + "`deploy settings`" + ` prints the same as a file to begin with.

Each key is a variable of the environment, too, which wins over the file. A list has a comma between its texts there. A key or a variable of these tables that nothing reads is an error, since a
setting that is misspelled protects nobody.

` + "`serve --production`, `check --deploy`" + ` and commands that are typed beside a site in the world read all of it. ` + "`serve`" + ` under development reads the tables ` + "`db` and `valkey`" + ` and, of the mails, the
variables alone: it is on this machine, and what is meant for the world must not be done from here.

No password is in the file: each is in a file of its own, a credential of systemd, or, last, in one of the variables ` + "`%s`, `%s`, `%s` and `%s`" + `.
`

// page is the whole page.
func page() string {
	var b strings.Builder
	fmt.Fprintf(&b, head, setting.MailPassword, setting.DatabasePassword, setting.DatabaseReaderPassword, setting.ValkeyPassword)
	last := ""
	for _, s := range setting.Settings {
		table, name, _ := strings.Cut(string(s.Key), ".")
		if table != last {
			fmt.Fprintf(&b, "\n## %s\n\n| key | variable | takes | what it is | left out | example |\n|---|---|---|---|---|---|\n", table)
			last = table
		}
		fmt.Fprintf(&b, "| `%s` | `%s` | %s | %s | %s | `%s = %s` |\n", string(s.Key), s.Key.Variable(), s.Kind, cell(s.Means), cell(s.Default), name, s.Example)
	}
	return b.String()
}

// cell is a text in a table.
func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }
