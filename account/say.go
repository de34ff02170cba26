package account

import (
	"unicode/utf8"

	"github.com/merlon-web/merlon/password"
	"github.com/merlon-web/merlon/secret"
)

// asked is the request of a visitor: Read and Write know the language, and the site's own words.
type asked interface {
	Words(id string, args ...any) string
}

// say returns one of Merlon's own messages in the visitor's language. The labels and helps of the forms of this room stay
// English in their structs; room merlon has them translated when a form is printed.
func say(r asked, id string, args ...any) string {
	return r.Words(id, args...)
}

// places are the values that the message of a [password.Problem] has places for.
func places(key string, chosen secret.String) []any {
	switch key {
	case "password.short":
		return []any{password.MinAlone, utf8.RuneCountInString(chosen.Reveal())}
	case "password.long":
		return []any{password.MaxBytes}
	}
	return nil
}
