package mail

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"strings"

	"github.com/merlon-web/merlon/event"
)

// An Error says why a mail was not sent. Its text holds what the server answered, cleaned of control characters, and never
// the password, the recipient or what the mail says, also when the server repeats them.
type Error struct {
	Permanent  bool // this mail will never be taken: the server refused its recipient or its content for good (5xx)
	Connection bool // no fault of this mail: the server was not reached, was not safe, or refused the site
	Unreached  bool // there was no server, or it said nothing in time
	Code       int  // what the server answered with, 0 if it did not
	What, Do   string
}

// Error says what happened, why, and what to do.
func (e *Error) Error() string { return "outbound/mail: " + e.What + ": " + e.Do }

// step is a part of the conversation, with what to do when it fails.
type step struct {
	what, do   string
	connection bool
}

var (
	reach = step{"the mail server %s cannot be reached", "see that it runs, and that its address and port are right", true}
	greet = step{"the mail server %s does not greet", "see that it is a mail server, and that smtp:// or smtps:// fits its port", true}
	cover = step{"the connection to the mail server %s cannot be made safe", "see that its certificate is valid for this name and that smtp:// or smtps:// fits its port; nothing was sent", true}
	enter = step{"the mail server %s refused the sign-in", "correct the user and the password of the mail settings", true}
	begin = step{"the mail server %s refused the sender", "use a From address that this server may send for", true}
	rcpt  = step{"the mail server %s refused the recipient", "see that the address exists", false}
	data  = step{"the mail server %s refused the mail", "see its answer", false}
)

// aboutUs are answers that tell of the site's settings at whatever step they come: authentication (RFC 4954, 6), a server
// that goes away (RFC 5321, 4.2.1), a wrong order of commands. A mail is not given up for them.
var aboutUs = map[int]bool{421: true, 503: true, 530: true, 534: true, 535: true, 538: true}

// fail makes the error of a step.
func (s *Sender) fail(at step, err error, m Mail) *Error {
	e := &Error{Connection: at.connection, Do: at.do}
	var network net.Error
	e.Unreached = at.what == reach.what || errors.As(err, &network) && network.Timeout()
	why := err.Error()
	var answer *textproto.Error
	if errors.As(err, &answer) {
		e.Code = answer.Code
		e.Connection = e.Connection || aboutUs[e.Code]
		e.Permanent = e.Code >= 500 && e.Code < 600 && !e.Connection
		why = fmt.Sprintf("%d %s", answer.Code, answer.Msg)
	}
	e.What = fmt.Sprintf(at.what, s.Server()) + ": " + s.clean(why, m)
	return e
}

// What is looked at of a server's answer, and what is kept of it, in bytes. The second cut comes last: a secret that was cut
// in two would not be found.
const (
	maxLooked = 1000
	maxSaid   = 300
)

// clean makes a server's words fit to be kept and shown. Servers do repeat what they were sent: a filter quotes the link that
// it did not like, and that link may let someone in.
func (s *Sender) clean(said string, m Mail) string {
	said = event.Clean(strings.Join(strings.Fields(strings.ToValidUTF8(said, "\ufffd")), " ")) // first: what it writes out may make a secret whole
	if len(said) > maxLooked {
		said = said[:max(strings.LastIndexByte(said[:maxLooked], ' '), 0)] + " …"
	}
	if password := s.c.Password.Reveal(); password != "" {
		said = replaceFold(said, event.Clean(password), "[redacted]") // some servers answer in capitals
		for _, secret := range []string{encode(password), encode("\x00" + s.c.User + "\x00" + password)} {
			said = strings.ReplaceAll(said, secret, "[redacted]")
		}
	}
	if m.To != "" {
		said = replaceFold(said, m.To, "[recipient]")
	}
	words := strings.Split(said, " ")
	for i, w := range words {
		if repeats(w, m) {
			words[i] = "[redacted]"
		}
	}
	said = strings.Join(words, " ")
	if len(said) > maxSaid {
		said = strings.ToValidUTF8(said[:maxSaid], "") + "…"
	}
	return said
}

func encode(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

func replaceFold(s, old, by string) string {
	lower := strings.ToLower(s)
	if len(lower) != len(s) {
		return by // letters of other lengths: nothing is kept
	}
	var b strings.Builder
	for {
		at := strings.Index(lower, strings.ToLower(old))
		if at < 0 {
			return b.String() + s
		}
		b.WriteString(s[:at] + by)
		s, lower = s[at+len(old):], lower[at+len(old):]
	}
}

// repeated is how many bytes in a row of a word must be the mail's own to hide the word: longer than most words of a
// language, shorter than any token.
const repeated = 12

func repeats(word string, m Mail) bool {
	for i := 0; i+repeated <= len(word); i++ {
		part := word[i : i+repeated]
		if strings.Contains(m.Text, part) || strings.Contains(m.HTML, part) || strings.Contains(m.Subject, part) {
			return true
		}
	}
	return false
}
