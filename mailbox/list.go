package mailbox

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"github.com/merlon-web/merlon/db"
)

// A State is where a mail is on its way.
type State string

// The states.
const (
	Queued State = "queued" // waits for a worker
	Held   State = "held"   // waits to be released, as after a restore
	Sent   State = "sent"   // a mail server took it; its content is erased
	Failed State = "failed" // given up; its content is erased
)

// A Message is a mail of the box. It prints without what it says: see [Message.LogValue].
type Message struct {
	ID      int64
	To      Address
	Kind    string
	State   State
	Created time.Time
	Tries   int       // how often a worker took it
	NextTry time.Time // of a queued one
	Settled time.Time // when it was sent or given up, else zero
	Problem string    // of the last try, as the mail server said it

	Subject, Text, HTML, Lang string
	Unreadable                bool // sealed under keys that the ring lacks: it will never be sent
}

// LogValue implements [slog.LogValuer]: id, kind, state and domain, never what the mail says or to whom.
func (m Message) LogValue() slog.Value {
	return slog.GroupValue(slog.Int64("id", m.ID), slog.String("kind", m.Kind), slog.String("state", string(m.State)),
		slog.String("domain", m.To.Domain()), slog.Int("tries", m.Tries))
}

// MarshalJSON writes what [Message.LogValue] tells: slog prints lists through it.
func (m Message) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]any{"id": m.ID, "kind": m.Kind, "state": m.State, "domain": m.To.Domain(), "tries": m.Tries})
}

// Format prints what [Message.LogValue] tells, under every verb.
func (m Message) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "mail %d (%s, %s)", m.ID, m.Kind, m.State)
}

type mailRow struct {
	ID        int64
	Recipient string
	Kind      string
	State     string
	Created   int64
	Tries     int64
	NextTry   int64
	Settled   int64
	Problem   string
	Content   []byte
}

var (
	listMails = db.Query[mailRow](schema, `
		SELECT id, recipient, kind, state, created, tries, next_try, settled, problem, content
		FROM merlon_mail WHERE id < $1 ORDER BY id DESC LIMIT $2`)
	getMail = db.Query[mailRow](schema, `
		SELECT id, recipient, kind, state, created, tries, next_try, settled, problem, content
		FROM merlon_mail WHERE id = $1`)
)

// maxList bounds a list, whatever is asked for.
const maxList = 500

// List returns the newest mails with an id below before (0: from the newest on), at most 500, newest first. It opens what
// they say: only a page of the development mailbox, or of someone who may read mails, has a use for it.
func (b *Box) List(from db.Querier, before int64, limit int) ([]Message, error) {
	if before <= 0 {
		before = 1<<63 - 1
	}
	rows, err := listMails.All(from, before, int64(min(max(limit, 1), maxList)))
	if err != nil {
		return nil, fmt.Errorf("mailbox: the mails could not be listed: %w", err)
	}
	list := make([]Message, len(rows))
	for i, r := range rows {
		list[i] = b.message(r)
	}
	return list, nil
}

// Get returns one mail; the error wraps [db.ErrNoRow] if there is none.
func (b *Box) Get(from db.Querier, id int64) (Message, error) {
	r, err := getMail.One(from, id)
	if err != nil {
		return Message{}, fmt.Errorf("mailbox: mail %d: %w", id, err)
	}
	return b.message(r), nil
}

func (b *Box) message(r mailRow) Message {
	m := Message{
		ID: r.ID, To: Address{r.Recipient}, Kind: r.Kind, State: State(r.State), Created: time.UnixMicro(r.Created).UTC(),
		Tries: int(r.Tries), NextTry: time.UnixMicro(r.NextTry).UTC(), Problem: r.Problem,
	}
	if r.Settled != 0 {
		m.Settled = time.UnixMicro(r.Settled).UTC()
	}
	if len(r.Content) > 0 {
		parts, err := b.open(r.Content, r.Recipient, r.Kind, r.Created)
		m.Subject, m.Text, m.HTML, m.Lang = parts[0], parts[1], parts[2], parts[3]
		m.Unreadable = err != nil
	}
	return m
}
