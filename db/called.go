package db

import (
	"fmt"
	"path"
	"strconv"
	"strings"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/internal/source"
)

// Called holds the calls of the schemas' statements against the number of their parameters, in the program's Go files where
// these still lie: what a compiler cannot see, and the first visitor would. Seen is false where none of them was found, as on
// a server. It sees the calls of package variables in their own package.
func Called(schemas ...*Schema) (faults check.Faults, seen bool) {
	for _, schema := range schemas {
		for _, d := range schema.list() {
			file, number, _ := strings.Cut(path.Base(d.where), ":")
			line, err := strconv.Atoi(number)
			if err != nil || d.home == "" {
				continue
			}
			v, ok := source.Find(d.home, file, line, d.sql)
			seen = seen || ok
			for _, c := range v.Calls {
				switch c.Method {
				case "Run", "All", "One", "Each":
				default:
					continue
				}
				if got := c.Args - 1; got != d.params {
					faults = append(faults, RuleCalled.Finding(c.At, fmt.Sprintf("%s.%s is given %s, and the statement (%s) has %s", v.Name, c.Method, count(got, "argument"), d.where, count(d.params, "parameter")),
						fmt.Sprintf("give exactly %d behind the reader or writer, for %s", d.params, upTo(d.params))))
				}
			}
		}
	}
	return faults, seen
}

func count(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}

func upTo(n int) string {
	switch n {
	case 0:
		return "a text without $1"
	case 1:
		return "$1"
	}
	return fmt.Sprintf("$1 to $%d", n)
}
