package mail

import (
	"crypto/rand"
	"encoding/base64"
	netmail "net/mail"
	"strings"
	"time"
	"unicode/utf8"

	gomail "github.com/wneessen/go-mail"
)

// A Mail is what is sent: to one recipient, text first. There is no Cc or Bcc, no header of the caller's, no attachment.
type Mail struct {
	To      string    // required: one plain address
	Subject string    // one line
	Text    string    // required
	HTML    string    // the same as a page, or ""
	ID      string    // the part of the Message-ID before the @; "": a random one. The same on a second try.
	Date    time.Time // required
}

// maxMail bounds a mail, in bytes before encoding. Room mailbox has closer limits.
const maxMail = 2 << 20

// valid is the last door: what room mailbox has refused long ago is refused here too, for whoever uses this room alone.
func (m Mail) valid() error {
	refuse := func(what, do string) error { return RuleMail.Finding("", what, do) }
	switch {
	case !plainAddress(m.To):
		return refuse("the recipient is not one plain address", "make it with mailbox.ParseAddress")
	case strings.ContainsFunc(m.Subject, control) || !utf8.ValidString(m.Subject):
		return refuse("the subject holds a line break, a control character or bytes that are not UTF-8", "take them out")
	case m.Text == "" || len(m.Subject)+len(m.Text)+len(m.HTML) > maxMail:
		return refuse("the mail is empty or larger than 2 MiB", "give it a text, and a shorter one")
	case !utf8.ValidString(m.Text) || !utf8.ValidString(m.HTML):
		return refuse("the mail holds bytes that are not UTF-8", "mend the text before it is queued")
	case strings.ContainsFunc(m.ID, func(r rune) bool {
		return r != '.' && r != '-' && (r < '0' || r > 'z' || r > '9' && r < 'A' || r > 'Z' && r < 'a')
	}):
		return refuse("the ID holds other characters than letters, digits, dot and dash", "leave it empty for a random one")
	case m.Date.IsZero():
		return refuse("the mail has no date", "give it the time of the site's clock")
	}
	return nil
}

// message makes the bytes of a mail. RFC 5322; RFC 3834, 5 for Auto-Submitted: other machines do not answer it.
func (s *Sender) message(m Mail) *gomail.Msg {
	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	from := s.from
	msg.FromMailAddress(&from)
	msg.ToMailAddress(&netmail.Address{Address: m.To})
	if m.ID == "" {
		m.ID = rand.Text()
	}
	msg.SetMessageIDWithValue(m.ID + "@" + strings.Trim(s.c.Site, "[]"))
	msg.SetDateWithValue(m.Date)
	msg.SetGenHeader("Auto-Submitted", "auto-generated")
	msg.SetGenHeaderPreformatted(gomail.HeaderSubject, encodeSubject(m.Subject))
	msg.SetBodyString(gomail.TypeTextPlain, m.Text)
	if m.HTML != "" {
		msg.AddAlternativeString(gomail.TypeTextHTML, m.HTML)
	}
	return msg
}

// Subjects are encoded as a whole or not at all: in halves, a subject that a visitor wrote as "=?utf-8?b?…?=" would be
// decoded by the reader's program into what no check has seen (RFC 2047, 5 and 6.2).
const (
	subjectLine = 66 // a plain subject that fits in one line of 78 with its name
	subjectWord = 39 // bytes of an encoded word: 52 in base64, 64 with its frame
)

func encodeSubject(s string) string {
	plain := len(s) <= subjectLine && strings.TrimSpace(s) == s && !strings.Contains(s, "=?")
	for i := 0; plain && i < len(s); i++ {
		plain = s[i] >= ' ' && s[i] < 0x7f
	}
	if plain {
		return s
	}
	var words []string
	for s != "" {
		n := min(len(s), subjectWord)
		for n < len(s) && !utf8.RuneStart(s[n]) { // a word holds whole letters
			n--
		}
		words = append(words, "=?UTF-8?B?"+base64.StdEncoding.EncodeToString([]byte(s[:n]))+"?=")
		s = s[n:]
	}
	return strings.Join(words, "\r\n ")
}
