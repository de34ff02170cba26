package password

import (
	_ "embed"
	"strings"

	"github.com/merlon-web/merlon/password/internal/golomb"
)

// The passwords that are tried first: those of OWASP SecLists' 10-million-password-list-top-1000000 that have 15 characters
// or more (9,728), and the most frequent of those with 8 or more, in lower case; SecLists is under the MIT licence. The file
// holds hashes of 27 bits, not the passwords. How it is made: internal/gencommon.
//
// Made by: go run ./internal/gencommon -out common.bin -entries 215000 LIST
//
//go:embed common.bin
var commonFile string

var common = golomb.Set(commonFile)

// Common reports whether a password is on the list, in any case of letters. Of other passwords about one in 512 is taken
// for one that is: a false alarm costs its author a second choice.
func Common(password string) bool { return common.Has(strings.ToLower(password)) }
