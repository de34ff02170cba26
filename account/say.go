package account

import (
	"strings"
	"unicode/utf8"

	"github.com/merlon-web/merlon/internal/text"
	"github.com/merlon-web/merlon/password"
	"github.com/merlon-web/merlon/secret"
)

// asked is the request of a visitor: Read and Write know the language, and the site's own words.
type asked interface {
	Lang() string
	Words(id string, args ...any) string
}

// say returns one of Merlon's own messages in the visitor's language. The labels and helps of the forms of this room stay
// English in their structs; room merlon has them translated when a form is printed.
func say(r asked, id string, args ...any) string {
	return r.Words(id, args...)
}

// browser is the label of a browser (session.DeviceLabel) in the visitor's language.
func browser(r asked, label string) string { return browserIn(r.Lang(), label) }

// browserIn is [browser] in a language, for mails.
func browserIn(lang, label string) string {
	if name, system, ok := strings.Cut(label, " on "); ok {
		if name == "a browser" {
			name = text.Own().Format(lang, "account.browser.some")
		}
		return text.Own().Format(lang, "account.browser.on", name, system)
	}
	if label == "unknown browser" {
		return text.Own().Format(lang, "account.browser.unknown")
	}
	return label
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
