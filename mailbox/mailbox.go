// Package mailbox keeps the mails that a site wants sent, in the transaction of the request that wants it: a mail goes out
// if and only if what it tells of was committed.
//
// It does not send. A worker (the site's own, through room outbound/mail) takes mails ([Box.Take]), sends them with no
// transaction open and settles them ([Box.Settle]): each at least once, twice if the worker dies between. What a mail says
// rests sealed under the site's keys, since it may hold a link that lets someone in, and is erased when it was sent; who gets
// it and when rests in the clear.
package mailbox

import (
	"embed"
	"encoding/binary"
	"fmt"
	"regexp"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/keyring"
)

// constant is the type of a mail's kind: only an untyped constant of the program fits.
type constant string

//go:embed migrations
var files embed.FS

var schema = db.From(files, "migrations").Named("mailbox")

// Schema returns the schema of the room's table, for the engine to be opened with.
func Schema() *db.Schema { return schema }

// Limits of a mail, in bytes.
const (
	MaxSubject = 4 << 10
	MaxText    = 256 << 10
	MaxHTML    = 512 << 10
)

// A Mail is what is to be sent. There is one recipient: two people get two mails, and neither sees the other.
type Mail struct {
	To      Address  // required
	Kind    constant // what sort of mail, for lists and for [Box.Drop]: "reset"
	Subject string   // one line, UTF-8
	Text    string   // required: the mail in plain text
	HTML    string   // the same as a page; "": the worker makes one, see [HTML]
	Lang    string   // its language, "de"; "": the site's
	Soon    bool     // somebody waits for it before a page, and its link does not live long: it is sent before others (see [Box.Take])
}

// Config of a [Box].
type Config struct {
	Keys  *keyring.Subkeys // required: what mails rest sealed under
	Clock func() time.Time // required
}

// A Box queues mails and hands them out. It is safe for concurrent use.
type Box struct {
	keys   *keyring.Subkeys
	clock  func() time.Time
	queued chan struct{}
	takes  atomic.Uint32 // calls of Take
}

// New returns a box. The error is [check.Faults].
func New(c Config) (*Box, error) {
	var faults check.Faults
	if c.Keys == nil {
		faults = append(faults, RuleConfig.Finding("mailbox.Config", "Keys is nil", "give it the key ring's keys: ring.For(…)"))
	}
	if c.Clock == nil {
		faults = append(faults, RuleConfig.Finding("mailbox.Config", "Clock is nil", "give it the site's clock, or time.Now"))
	}
	if len(faults) > 0 {
		return nil, faults
	}
	return &Box{keys: c.Keys, clock: c.Clock, queued: make(chan struct{}, 1)}, nil
}

var insert = db.Returning[idRow](schema, `
	INSERT INTO merlon_mail (recipient, kind, state, created, next_try, content, line, turn)
	VALUES ($1, $2, 'queued', $3, $4, $5, $6, (SELECT COUNT(*) FROM merlon_mail WHERE recipient = $1 AND state = 'queued' AND line = $6))
	RETURNING id`)

type idRow struct{ ID int64 }

// Queue adds a mail to the transaction. A mail that could not be sent, or that would carry a header of its own, is refused
// with a [check.Finding]; the transaction then ought to be given up.
func (b *Box) Queue(w *db.Writer, m Mail) error {
	if err := m.valid(); err != nil {
		return err
	}
	now := b.clock().UnixMicro()
	content, err := b.seal(m, now)
	if err != nil {
		return err
	}
	line := int64(1)
	if m.Soon {
		line = 0
	}
	_, err = insert.Run(w, m.To.text, string(m.Kind), now, now, content, line)
	if err != nil {
		return fmt.Errorf("mailbox: a mail could not be queued: %w", err)
	}
	w.OnCommit(b.Wake)
	return nil
}

// Queued is signalled after a commit that queued or released mails, once for many of them: a worker that waits for it sends
// at once. Mails whose next try comes later are not told of.
func (b *Box) Queued() <-chan struct{} { return b.queued }

// Wake signals [Box.Queued]. It does not block.
func (b *Box) Wake() {
	select {
	case b.queued <- struct{}{}:
	default: // one signal waits already
	}
}

func (m Mail) valid() error {
	content := func(what string) error {
		return RuleContent.Finding("", what, "see the limits of mailbox.Mail")
	}
	switch {
	case m.To.text == "":
		return RuleAddress.Finding("", "the mail has no recipient", "make one with mailbox.ParseAddress")
	case !headerLine(m.Subject):
		return RuleHeader.Finding("", "the mail's subject holds a line break, a control character or bytes that are not UTF-8", "take them out of what goes into it")
	case len(m.Subject) > MaxSubject:
		return content(fmt.Sprintf("the mail's subject has more than %d bytes", MaxSubject))
	case m.Text == "" || len(m.Text) > MaxText:
		return content(fmt.Sprintf("the mail's text has not 1 to %d bytes", MaxText))
	case len(m.HTML) > MaxHTML:
		return content(fmt.Sprintf("the mail's HTML has more than %d bytes", MaxHTML))
	case !body(m.Text) || !body(m.HTML):
		return content("the mail holds a NUL or bytes that are not UTF-8")
	case !langTag.MatchString(m.Lang):
		return content("the mail's language is no language tag")
	}
	return nil
}

// langTag is the shape of BCP 47 tags, or nothing.
var langTag = regexp.MustCompile(`^([A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,3})?$`)

// headerLine accepts what may stand in a header once it is encoded. Unicode's own line breaks are no line breaks in mail
// and arrive as encoded words; C0, DEL and C1 have no business there.
func headerLine(s string) bool {
	for _, r := range s {
		if r < 0x20 || r >= 0x7f && r <= 0x9f {
			return false
		}
	}
	return utf8.ValidString(s)
}

func body(s string) bool { return strings.IndexByte(s, 0) < 0 && utf8.ValidString(s) }

// seal packs subject, text, HTML and language into one box, bound to recipient, kind and time: a row's content cannot be moved to
// another recipient.
func (b *Box) seal(m Mail, created int64) ([]byte, error) {
	plain := make([]byte, 0, 16+len(m.Lang)+len(m.Subject)+len(m.Text)+len(m.HTML))
	for _, s := range []string{m.Subject, m.Text, m.HTML, m.Lang} {
		plain = binary.BigEndian.AppendUint32(plain, uint32(len(s)))
		plain = append(plain, s...)
	}
	return b.keys.Seal(nil, plain, bound(m.To.text, string(m.Kind), created))
}

func bound(to, kind string, created int64) []byte {
	return fmt.Appendf(nil, "%d %s %s", created, to, kind) // an address holds no space
}

// open is the reverse of seal.
func (b *Box) open(content []byte, to, kind string, created int64) (parts [4]string, err error) {
	plain, err := b.keys.Open(nil, content, bound(to, kind, created))
	if err != nil {
		return parts, err
	}
	for i := range parts {
		if len(plain) < 4 || uint64(len(plain)-4) < uint64(binary.BigEndian.Uint32(plain)) {
			return [4]string{}, keyring.ErrOpen
		}
		n := int(binary.BigEndian.Uint32(plain))
		parts[i], plain = string(plain[4:4+n]), plain[4+n:]
	}
	return parts, nil
}
