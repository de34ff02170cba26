package password

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/merlon-web/merlon/secret"
)

// Least lengths, in characters (code points).
const (
	MinAlone            = 15 // a password that is the only factor (NIST SP 800-63B-4, 3.1.1.2)
	MinWithSecondFactor = 8  // where a second factor is asked as well; also OWASP ASVS 5.0 6.2.1
)

// A Policy says which passwords may be chosen. It asks for length and against the lists of passwords that are tried first,
// and for nothing else: no character classes, no change by date (NIST SP 800-63B-4; OWASP ASVS 5.0 6.2.5, 6.2.10). The zero
// Policy is for a password that stands alone.
type Policy struct {
	Min   int      // characters. Zero: [MinAlone]. Less than [MinWithSecondFactor] counts as that
	Words []string // words of the site, such as its name: no password may be made of them (ASVS 6.2.11)
}

// A Problem is why a password may not be chosen.
type Problem struct {
	Key  string // of a catalogue: password.empty, .short, .long, .common, .pattern, .words
	Text string // for the visitor, in English; never holds the password
}

func (p Policy) min() int {
	if p.Min == 0 {
		return MinAlone
	}
	return max(p.Min, MinWithSecondFactor)
}

// Sentence is the rule in one sentence, for the field's help.
func (p Policy) Sentence() string {
	return fmt.Sprintf("At least %d characters. Anything goes, spaces too: a few words are easy to remember.", p.min())
}

// Problems returns why a password may not be chosen, nil when it may. words are those of this account: name, address.
// It does not hash and takes a few microseconds.
func (p Policy) Problems(password secret.String, words ...string) []Problem {
	text := password.Reveal()
	length := utf8.RuneCountInString(text)
	switch {
	case text == "":
		return []Problem{{"password.empty", "Enter a password."}}
	case len(text) > MaxBytes:
		return []Problem{{"password.long", fmt.Sprintf("Use at most %d bytes: this password is longer than what is kept.", MaxBytes)}}
	case length < p.min():
		return []Problem{{"password.short", fmt.Sprintf("Use at least %d characters: this password has %d.", p.min(), length)}}
	}
	lower := strings.ToLower(text)
	switch {
	case Common(text), isFamous(squash(lower)):
		return []Problem{{"password.common", "Choose another password: this one is on the lists that attackers try first."}}
	case patterned(lower), again(squash(lower)):
		return []Problem{{"password.pattern", "Choose another password: this one repeats itself or counts, which attackers try first."}}
	case ofWords(lower, append(append([]string(nil), p.Words...), words...)):
		return []Problem{{"password.words", "Choose another password: this one is made of the name of this site, or of your own name or address."}}
	}
	return nil
}

// patterned reports what a list cannot hold in full: one unit repeated that is shorter than any password may be, or itself
// common, so that the repetition is all its length; and runs such as abcdefgh, 987654321, acegikmo.
func patterned(lower string) bool {
	r := []rune(lower)
	if again(r) {
		return true
	}
	breaks := 0 // places where the step to the next character is another than before
	for i := 2; i < len(r); i++ {
		if r[i]-r[i-1] != r[i-1]-r[i-2] {
			breaks++
		}
	}
	return breaks*5 <= len(r) // 12345678901234567890, aaaaaaaabbbbbbbb
}

// again reports whether all is one unit repeated that is shorter than any password may be, or common. [Policy.Problems] asks
// it of the letters and digits alone, too: "password password password" is one word of the lists, whatever stands between
// (NIST SP 800-63B-4, 3.1.1.2: repetitive passwords; OWASP ASVS 5.0 6.2.4). Several common words are still let through: a
// list of words would refuse what people are told to choose.
func again(r []rune) bool {
	for unit := 1; unit <= len(r)/2; unit++ {
		if repeats(r, unit) && (unit < MinWithSecondFactor || Common(string(r[:unit]))) {
			return true
		}
	}
	return false
}

// squash keeps letters and digits.
func squash(lower string) []rune {
	return []rune(strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return -1
	}, lower))
}

// repeats reports whether r is its first unit characters again and again; the last time may be cut.
func repeats(r []rune, unit int) bool {
	for i := unit; i < len(r); i++ {
		if r[i] != r[i-unit] {
			return false
		}
	}
	return true
}

// ofWords takes the words, digits and punctuation out; if less than five characters remain the password was made of them.
func ofWords(lower string, words []string) bool {
	rest, found := lower, false
	for _, word := range words {
		for _, part := range strings.FieldsFunc(strings.ToLower(word), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
			if utf8.RuneCountInString(part) >= 3 && strings.Contains(rest, part) {
				rest, found = strings.ReplaceAll(rest, part, " "), true
			}
		}
	}
	if !found {
		return false
	}
	letters := 0
	for _, r := range rest {
		if unicode.IsLetter(r) {
			letters++
		}
	}
	return letters < 5
}
