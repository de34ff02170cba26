package valkey

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"

	"github.com/merlon-web/merlon/keyring"
	"github.com/merlon-web/merlon/outbound/valkey"
	"github.com/merlon-web/merlon/session"
)

// A mark says that all sessions up to an id have ended: ids rise, and none is given twice. It is read beside each row, so all have
// ended for all processes with the write of the mark, however many they are; the sweep ends their rows one by one later. It rests as
//
//	MAC (36 bytes, keyring) | form (1) | id, time (varints) | reason
//
// and the MAC is over the generation, a digest of zeros, which is no token's, and what stands behind it.
type mark struct {
	upto   int64
	at     int64
	reason string
}

const markForm = 2

var (
	markKey = valkey.NewKey("session:{}:mark") // generation: the mark
	dueKey  = valkey.NewKey("session:{}:due")  // generation: the same, as long as there may be rows that it ended and that do not say so
	openKey = valkey.NewKey("session:{}:open") // generation: digests of rows that neither say so nor are ended by the mark, by id

	getMark = valkey.NewCommand[string]("GET {key}", markKey)
	getDue  = valkey.NewCommand[string]("GET {key}", dueKey)
	opened  = valkey.NewCommand[int64]("ZCARD {key}", openKey)

	// KEYS: the mark, the due one, the indexes of those alive and of those open. ARGV: the mark; after how many milliseconds it may be
	// forgotten.
	endAll = valkey.NewScript[int64](`
redis.call('SET', KEYS[1], ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
redis.call('SET', KEYS[2], ARGV[1])
redis.call('PEXPIRE', KEYS[2], ARGV[2])
return redis.call('UNLINK', KEYS[3], KEYS[4])`)

	// KEYS: the due mark. ARGV: one that is carried out.
	carried = valkey.NewScript[int64](`
if redis.call('GET', KEYS[1]) == ARGV[1] then
	return redis.call('DEL', KEYS[1])
end
return 0`)
)

// end ends a row that the mark has ended.
func (m *mark) end(r *session.Row) {
	if m != nil && r.Ended == 0 && r.ID <= m.upto {
		r.Ended, r.Reason, r.Data = m.at, m.reason, nil
	}
}

func (s *Store) markText(m *mark) (string, error) {
	rest := binary.AppendVarint(binary.AppendVarint([]byte{markForm}, m.upto), m.at)
	rest = append(rest, m.reason...)
	mac, err := s.keys.MAC(nil, s.signed(new(session.Digest), string(rest)))
	return string(mac) + string(rest), err
}

// markOf reads a mark. It is nil for one that the site has not signed.
func (s *Store) markOf(text string) *mark {
	if len(text) <= keyring.MACSize || !s.keys.Verify(s.signed(new(session.Digest), text[keyring.MACSize:]), []byte(text[:keyring.MACSize])) {
		return nil
	}
	b := []byte(text[keyring.MACSize:])
	upto, n := binary.Varint(b[1:])
	if b[0] != markForm || n <= 0 {
		return nil
	}
	at, k := binary.Varint(b[1+n:])
	if k <= 0 {
		return nil
	}
	return &mark{upto, at, string(b[1+n+k:])}
}

// markNow asks for the mark, nil if there is none. One that the site has not signed is none, and damaged.
func (s *Store) markNow(ctx context.Context) (m *mark, damaged bool, err error) {
	return s.markRead(getMark.Do(ctx, s.client, markKey.Of(s.generation)))
}

func (s *Store) markRead(text string, err error) (m *mark, damaged bool, _ error) {
	if refused, ok := errors.AsType[*valkey.Error](err); ok && refused.Code == "WRONGTYPE" {
		return nil, true, nil
	}
	if errors.Is(err, valkey.ErrNone) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, away(err)
	}
	m = s.markOf(text)
	return m, m == nil, nil
}

// look reads one row, as the mark has left it: both are asked for at once.
func (s *Store) look(ctx context.Context, key session.Digest) (stored, error) {
	texts, text, err, markErr := valkey.Both(ctx, s.client, getRow.With(s.rowName(key)), getMark.With(markKey.Of(s.generation)))
	was, err := s.read(key, texts, err, true)
	if err != nil {
		return was, err
	}
	m, damaged, err := s.markRead(text, markErr)
	if err != nil {
		return was, err
	}
	m.end(&was.row)
	was.noMark = damaged
	return was, nil
}

// ended returns the mark as the transaction sees it. Nobody else writes one meanwhile.
func (p *pending) ended(ctx context.Context) (*mark, error) {
	if !p.asked {
		m, _, err := p.s.markNow(ctx)
		if err != nil {
			return nil, err
		}
		p.mark, p.asked = m, true
	}
	return p.mark, nil
}

// markFor returns the mark for lists, of a transaction that writes as it sees it.
func (s *Store) markFor(ctx context.Context, p *pending) (*mark, error) {
	if p != nil {
		return p.ended(ctx)
	}
	m, _, err := s.markNow(ctx)
	return m, err
}

// endAll ends all there are: what the transaction itself has written one by one, all else by a mark, which is written with it.
func (p *pending) endAll(ctx context.Context, at int64, reason string) (n int64, err error) {
	if _, err := p.ended(ctx); err != nil {
		return 0, err
	}
	if !p.marks {
		if n, err = opened.Do(ctx, p.s.client, openKey.Of(p.s.generation)); err != nil {
			return 0, away(err)
		}
	}
	for _, e := range p.order {
		open := e.was.text != "" && e.was.row.Ended == 0 // it is among those that were counted
		ends := !e.deleted && e.now.Ended == 0
		switch {
		case open && !ends && !p.marks:
			n--
		case ends && (!open || p.marks):
			n++
		}
		if ends {
			e.now.Ended, e.now.Reason, e.now.Data, e.data = at, reason, nil, true
		}
	}
	text, err := nextID.Do(ctx, p.s.client, []valkey.Name{lastKey.Of(p.s.generation)}, valkey.Int(at))
	if err != nil {
		return 0, away(err)
	}
	upto, err := strconv.ParseInt(text, 10, 64)
	if err != nil || upto <= 0 || upto > maxNumber {
		return 0, fmt.Errorf("session/valkey: %q is no id: let no other program write to the site's keys", text)
	}
	p.mark, p.marks = &mark{upto, at, reason}, true
	return n, nil
}

// writeMark writes the transaction's mark. It is not taken back: what has ended stays so.
func (p *pending) writeMark(ctx context.Context) error {
	text, err := p.s.markText(p.mark)
	if err != nil {
		return err
	}
	g := p.s.generation
	_, err = endAll.Do(ctx, p.s.client, []valkey.Name{markKey.Of(g), dueKey.Of(g), liveKey.Of(g), openKey.Of(g)}, valkey.Text(text), valkey.Text(millis(longest)))
	return away(err)
}

// carryOut has each row that a mark has ended say so itself, and takes it out of the lists. It may be stopped anywhere, and done by
// several processes at once. What is no row of the site's goes.
func (s *Store) carryOut(ctx context.Context) error {
	text, err := getDue.Do(ctx, s.client, dueKey.Of(s.generation))
	if errors.Is(err, valkey.ErrNone) {
		return nil
	}
	if err != nil {
		return away(err)
	}
	if m := s.markOf(text); m != nil {
		if err := s.window(ctx, m.upto, func(f stored, member string) error {
			if f.damaged {
				return s.forget(ctx, f, member)
			}
			e := &entry{was: f, now: f.row, data: true}
			if m.end(&e.now); f.text == "" || f.row.Ended != 0 {
				return nil
			}
			if err := s.write(ctx, e); !errors.Is(err, errMoved) { // else another process was faster
				return err
			}
			return nil
		}); err != nil {
			return err
		}
	}
	_, err = carried.Do(ctx, s.client, []valkey.Name{dueKey.Of(s.generation)}, valkey.Text(text))
	return away(err)
}
