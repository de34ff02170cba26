package valkey

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/outbound/valkey"
	"github.com/merlon-web/merlon/session"
)

// pending is what one transaction is about to write, a [db.Companion]. It is changed by the transaction's goroutine alone.
type pending struct {
	s     *Store
	rows  map[session.Digest]*entry
	order []*entry
	kept  []*entry // what may have been written: what Undo takes back
}

// An entry is one row as it was read and as it is to be.
type entry struct {
	was     stored
	now     session.Row
	data    bool // Data was given or thrown away; else it stays as it is
	deleted bool
	text    string // now, as it was written
}

// of returns what the transaction of a writer has pending; nil for a reader.
func (s *Store) of(q db.Querier) (*pending, error) {
	w, ok := q.(*db.Writer)
	if !ok {
		return nil, nil
	}
	p, ok := w.Beside(s, func() db.Companion { return &pending{s: s, rows: map[session.Digest]*entry{}} }).(*pending)
	if !ok {
		return nil, db.ErrClosed
	}
	return p, nil
}

// find returns the entry of a row, read from the server if the transaction has none yet; nil if there is no such row.
func (p *pending) find(ctx context.Context, key session.Digest) (*entry, error) {
	if e := p.rows[key]; e != nil {
		if e.deleted {
			return nil, nil
		}
		return e, nil
	}
	ctx, done := outside(ctx)
	defer done()
	was, err := p.s.load(ctx, key, true)
	if err != nil || was.text == "" {
		return nil, err
	}
	return &entry{was: was, now: was.row}, nil
}

// put has an entry written with the transaction.
func (p *pending) put(e *entry) {
	if p.rows[e.now.Key] == e {
		return
	}
	p.rows[e.now.Key] = e
	p.order = append(p.order, e)
}

// Keep implements [db.Companion].
func (p *pending) Keep(ctx context.Context) error {
	ctx, done := outside(ctx)
	defer done()
	p.kept = p.order
	err := each(len(p.order), func(i int) error {
		if e := p.order[i]; !e.deleted || e.was.text != "" { // else it was begun and deleted in one transaction
			return p.s.write(ctx, e)
		}
		return nil
	})
	if err != nil { // also when no answer came: it may have been written
		p.Undo()
	}
	return err
}

// undoTime bounds how long is tried to take back what was written.
const undoTime = 3 * time.Second

// Undo implements [db.Companion]: what began is taken away, what was changed is as before, and what has ended stays so. What
// cannot be taken back, since the server is away, is a session whose cookie nobody has, or values of a request that failed.
func (p *pending) Undo() {
	ctx, done := context.WithTimeout(context.Background(), undoTime)
	defer done()
	for _, e := range p.kept {
		if e.deleted || e.now.Ended != 0 || e.text == "" {
			continue
		}
		back := &entry{was: stored{row: e.now, text: e.text}, now: e.was.row, data: e.data, deleted: e.was.text == ""}
		if back.deleted {
			back.now = e.now
		}
		_ = p.s.write(ctx, back)
	}
	p.kept = nil
}

var errMoved = errors.New("session/valkey: a session was changed by another process within this one's transaction: give all processes of the site one database")

// write makes one row what it is to be. An index has a row before it is there and as long as it is: what an index has and is not
// there counts as gone.
func (s *Store) write(ctx context.Context, e *entry) (err error) {
	row := &e.now
	if e.deleted {
		if err := s.change(ctx, e, "", "keep", nil, ""); err != nil {
			return err
		}
		return errors.Join(s.indexUser(ctx, row, false), s.unindex(ctx, string(row.Key[:])))
	}
	if e.text, err = s.textOf(row); err != nil {
		return err
	}
	if e.was.text == "" {
		if err := s.index(ctx, row); err != nil {
			return err
		}
		if err := s.indexUser(ctx, row, row.Ended == 0); err != nil {
			return err
		}
		keep := time.Duration(max(row.Absolute-row.Created, 0))*time.Microsecond + session.Keep + 24*time.Hour
		return s.change(ctx, e, e.text, "set", row.Data, millis(keep))
	}
	data := "keep"
	if e.data {
		data = "set"
		if len(row.Data) == 0 {
			data = "drop"
		}
	}
	if err := s.change(ctx, e, e.text, data, row.Data, ""); err != nil {
		return err
	}
	if err := s.index(ctx, row); err != nil {
		return err
	}
	if row.Ended != 0 {
		return s.indexUser(ctx, row, false)
	}
	return nil
}

func (s *Store) change(ctx context.Context, e *entry, text, what string, data []byte, keep string) error {
	n, err := change.Do(ctx, s.client, []valkey.Name{s.rowName(e.now.Key)}, valkey.Text(e.was.text), valkey.Text(text), valkey.Text(what), valkey.Bytes(data), valkey.Text(keep))
	if err != nil {
		return away(err)
	}
	if n != 1 {
		return fmt.Errorf("%w (%w)", errMoved, db.ErrBusy)
	}
	return nil
}

func millis(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }

// index gives a row its places in the indexes of all.
func (s *Store) index(ctx context.Context, row *session.Row) error {
	over, alive := min(row.Idle, row.Absolute), ""
	if row.Ended != 0 {
		over = min(over, row.Ended)
	} else if row.User != 0 {
		alive = strconv.FormatInt(over, 10)
	}
	return s.places(ctx, string(row.Key[:]), strconv.FormatInt(row.ID, 10), alive, strconv.FormatInt(max(over, 0), 10))
}

// unindex takes what an index names out of those of all.
func (s *Store) unindex(ctx context.Context, member string) error {
	return s.places(ctx, member, "", "", "")
}

func (s *Store) places(ctx context.Context, member, id, alive, over string) error {
	names := []valkey.Name{allKey.Of(s.generation), liveKey.Of(s.generation), overKey.Of(s.generation)}
	_, err := index.Do(ctx, s.client, names, valkey.Text(member), valkey.Text(id), valkey.Text(alive), valkey.Text(over), valkey.Text(millis(longest)))
	return away(err)
}

// forget takes away what is damaged, and the places of what is not there. It is done at once: nobody's session is it either way.
func (s *Store) forget(ctx context.Context, f stored, member string) error {
	if _, is := digestOf(member); is && f.damaged {
		if _, err := drop.Do(ctx, s.client, s.rowName(f.row.Key)); err != nil {
			return away(err)
		}
	}
	return s.unindex(ctx, member)
}

func (s *Store) indexUser(ctx context.Context, row *session.Row, there bool) error {
	if row.User == 0 {
		return nil
	}
	keep := ""
	if there {
		keep = millis(longest)
	}
	_, err := indexUser.Do(ctx, s.client, []valkey.Name{s.userName(row.User)}, valkey.Bytes(row.Key[:]), valkey.Text(keep))
	return away(err)
}
