package journal

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/merlon-web/merlon/db"
)

// Hash is the SHA-256 of a link.
type Hash [sha256.Size]byte

// row is an event as it lies in the table.
type row struct {
	Seq      int64
	At       int64
	ID       string
	Property string
	Outcome  string
	Title    string
	Request  string
	Method   string
	Route    string
	Client   string
	UserID   int64
	Detail   string
	Link     *int64
	Prev     []byte
	Hash     []byte
}

// appendCanonical appends the bytes that a link hashes after the hash before it. Numbers have 8 bytes and texts are
// preceded by their length, so that no two rows have the same bytes.
func (r *row) appendCanonical(dst []byte, link int64) []byte {
	dst = append(dst, "merlon/journal/v1\x00"...)
	for _, n := range [...]int64{link, r.Seq, r.At, r.UserID} {
		dst = binary.BigEndian.AppendUint64(dst, uint64(n))
	}
	for _, s := range [...]string{r.ID, r.Property, r.Outcome, r.Title, r.Request, r.Method, r.Route, r.Client, r.Detail} {
		dst = binary.BigEndian.AppendUint64(dst, uint64(len(s)))
		dst = append(dst, s...)
	}
	return dst
}

// linkHash is SHA-256(prev ‖ canonical row).
func (r *row) linkHash(prev Hash, link int64, buffer []byte) (Hash, []byte) {
	buffer = r.appendCanonical(append(buffer[:0], prev[:]...), link)
	return sha256.Sum256(buffer), buffer
}

type chainRow struct {
	AnchorLink int64
	AnchorHash []byte
	HeadLink   int64
	HeadHash   []byte
}

type seqRow struct{ Seq int64 }

var (
	getChain = db.Query[chainRow](schema, `
		SELECT anchor_link, anchor_hash, head_link, head_hash FROM merlon_event_chain WHERE one = 1`)
	anyUnlinked = db.Query[seqRow](schema, `SELECT seq FROM merlon_event WHERE link IS NULL LIMIT 1`)
	unlinked    = db.Query[row](schema, `
		SELECT seq, at, id, property, outcome, title, request, method, route, client, user_id, detail, link, prev, hash
		FROM merlon_event WHERE link IS NULL ORDER BY seq LIMIT $1`)
	setLink = db.Exec(schema, `
		UPDATE merlon_event SET link = $1, prev = $2, hash = $3 WHERE seq = $4 AND link IS NULL`)
	moveHead = db.Exec(schema, `
		UPDATE merlon_event_chain SET head_link = $1, head_hash = $2
		WHERE one = 1 AND head_link = $3 AND head_hash = $4`)
)

// batch is how many rows one transaction of the chainer links: a few milliseconds, so that no post waits longer.
const batch = 250

var errMoved = errors.New("journal: another chainer moved the head")

// Chain links the rows that are not linked yet, in their order, and returns how many. One call a second, by one caller, is
// what a site needs; two at a time are safe, since a link is only written on the head that was read. It opens no write
// transaction when there is nothing to link.
func Chain(ctx context.Context, engine db.Engine) (int, error) {
	total := 0
	for {
		if waiting, err := anyWaiting(ctx, engine); err != nil || !waiting {
			return total, err
		}
		n := 0
		err := engine.Write(ctx, func(ctx context.Context, w *db.Writer) (err error) {
			n, err = linkBatch(w)
			return err
		})
		if errors.Is(err, errMoved) {
			return total, nil // the other one links them
		}
		if err != nil {
			return total, fmt.Errorf("journal: events could not be linked: %w", err)
		}
		total += n
		if n < batch {
			return total, nil
		}
	}
}

func anyWaiting(ctx context.Context, engine db.Engine) (bool, error) {
	r := engine.Read(ctx)
	defer r.Close()
	_, err := anyUnlinked.One(r)
	if errors.Is(err, db.ErrNoRow) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("journal: the unlinked events could not be read: %w", err)
	}
	return true, nil
}

func linkBatch(w *db.Writer) (int, error) {
	c, err := getChain.One(w)
	if err != nil {
		return 0, err
	}
	rows, err := unlinked.All(w, int64(batch))
	if err != nil || len(rows) == 0 {
		return 0, err
	}
	head, err := toHash(c.HeadHash)
	if err != nil {
		return 0, err
	}
	link := c.HeadLink
	var buffer []byte
	for i := range rows {
		link++
		prev := head
		head, buffer = rows[i].linkHash(prev, link, buffer)
		done, err := setLink.Run(w, link, prev[:], head[:], rows[i].Seq)
		if err != nil {
			return 0, err
		}
		if done.Rows != 1 {
			return 0, errMoved
		}
	}
	done, err := moveHead.Run(w, link, head[:], c.HeadLink, c.HeadHash)
	if err != nil {
		return 0, err
	}
	if done.Rows != 1 {
		return 0, errMoved
	}
	return len(rows), nil
}

func toHash(b []byte) (Hash, error) {
	if len(b) != len(Hash{}) {
		return Hash{}, errors.New("journal: the row of the chain's ends is damaged: a hash has not 32 bytes; restore the table merlon_event_chain from a backup")
	}
	return Hash(b), nil
}
