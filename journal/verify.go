package journal

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/merlon-web/merlon/db"
)

// A Head is an end of the chain that was noted at some time: link number and hash. Its text is "LINK:HEX".
type Head struct {
	Link int64
	Hash Hash
}

// String returns the head as a log or a manifest keeps it.
func (h Head) String() string { return fmt.Sprintf("%d:%x", h.Link, h.Hash[:]) }

// ParseHead reads what [Head.String] wrote.
func ParseHead(s string) (Head, error) {
	number, text, _ := strings.Cut(s, ":")
	link, _ := strconv.ParseInt(number, 10, 64)
	raw, _ := hex.DecodeString(text)
	h := Head{Link: link}
	copy(h.Hash[:], raw)
	if h.Link < 0 || h.String() != s { // the one spelling, whatever was wrong with it
		return Head{}, fmt.Errorf("journal: %q is no head of a chain: it is a number, a colon and 64 hex digits; take it from the log or a manifest", s)
	}
	return h, nil
}

// A Broken is the first place where the chain does not hold.
type Broken struct {
	Link int64  // its place in the chain, from 1
	Seq  int64  // the row that is there, 0 if there is none
	Why  string // what was done, as far as it shows
}

// A Result of [Verify].
type Result struct {
	Linked   int64 // rows whose links were checked and hold, up to the first broken one
	Unlinked int64 // rows that wait for the chainer: nothing protects them yet
	// FirstUnlinked and OldestUnlinked tell of the unlinked tail, if there is one.
	FirstUnlinked  int64
	OldestUnlinked time.Time
	Anchor         Head // what was purged ends here; link 0: nothing was
	Head           Head // the end of what holds
	Broken         *Broken
}

type tailRow struct {
	N      int64
	Seq    int64
	Oldest int64
}

var (
	linked = db.Query[row](schema, `
		SELECT seq, at, id, property, outcome, title, request, method, route, client, user_id, detail, link, prev, hash
		FROM merlon_event WHERE link > $1 ORDER BY link`)
	atLink = db.Query[row](schema, `
		SELECT seq, at, id, property, outcome, title, request, method, route, client, user_id, detail, link, prev, hash
		FROM merlon_event WHERE link = $1`)
	linkBefore = db.Query[seqRow](schema, `SELECT seq FROM merlon_event WHERE link <= $1 LIMIT 1`)
	tail       = db.Query[tailRow](schema, `
		SELECT COUNT(*) AS n, COALESCE(MIN(seq), 0) AS seq, COALESCE(MIN(at), 0) AS oldest
		FROM merlon_event WHERE link IS NULL`)
	lastPurge = db.Query[row](schema, `
		SELECT seq, at, id, property, outcome, title, request, method, route, client, user_id, detail, link, prev, hash
		FROM merlon_event WHERE id = $1 ORDER BY seq DESC LIMIT 1`)
)

// Verify walks the whole chain in one reading transaction, about a million rows in a few seconds, and names the first broken
// link. The heads noted earlier must lie on the chain (those before its anchor cannot be looked at any more): that also
// finds a chain that was rebuilt. An error means that it could not be walked; a broken chain is no error.
func Verify(from db.Querier, known ...Head) (Result, error) { return verify(from, 0, known) }

// verify walks the chain after a link; 0: from its anchor on.
func verify(from db.Querier, after int64, known []Head) (Result, error) {
	fail := func(err error) (Result, error) {
		return Result{}, fmt.Errorf("journal: the chain could not be read: %w", err)
	}
	var res Result
	t, err := tail.One(from)
	if err != nil {
		return fail(err)
	}
	if res.Unlinked = t.N; t.N > 0 {
		res.FirstUnlinked, res.OldestUnlinked = t.Seq, time.UnixMicro(t.Oldest).UTC()
	}
	c, err := getChain.One(from)
	if errors.Is(err, db.ErrNoRow) {
		res.Broken = &Broken{Why: "the row of the chain's ends was deleted"}
		return res, nil
	}
	if err != nil {
		return fail(err)
	}
	if len(c.AnchorHash) != len(Hash{}) || len(c.HeadHash) != len(Hash{}) {
		res.Broken = &Broken{Why: "the row of the chain's ends was edited"}
		return res, nil
	}
	res.Anchor = Head{c.AnchorLink, Hash(c.AnchorHash)}
	res.Head = res.Anchor
	if why, err := anchorFault(from, res.Anchor); err != nil {
		return fail(err)
	} else if why != "" {
		res.Broken = &Broken{Link: c.AnchorLink, Why: why}
		return res, nil
	}
	if after > c.AnchorLink {
		r, err := atLink.One(from, after)
		if err != nil && !errors.Is(err, db.ErrNoRow) {
			return fail(err)
		}
		if err != nil || len(r.Hash) != len(Hash{}) {
			res.Broken = &Broken{Link: after, Why: "the row of this link was deleted"}
			return res, nil
		}
		res.Head = Head{after, Hash(r.Hash)}
	}
	if res.Broken, err = walk(from, &res, known); err != nil {
		return fail(err)
	}
	if res.Broken == nil && (res.Head.Link != c.HeadLink || !bytes.Equal(res.Head.Hash[:], c.HeadHash)) {
		res.Broken = &Broken{Link: res.Head.Link + 1, Why: "the chain does not end where its head says: rows were deleted from its end, or the head was edited"}
	}
	return res, nil
}

// walk follows the links from res.Head on.
func walk(from db.Querier, res *Result, known []Head) (*Broken, error) {
	noted := map[int64]Hash{}
	for _, h := range known {
		if other, ok := noted[h.Link]; ok && other != h.Hash {
			return &Broken{Link: h.Link, Why: "two different heads were noted for this link: one of them is of another chain"}, nil
		}
		noted[h.Link] = h.Hash
	}
	contradicts := func(h Head) *Broken {
		if hash, ok := noted[h.Link]; ok {
			delete(noted, h.Link)
			if hash != h.Hash {
				return &Broken{Link: h.Link, Why: "the hash is not the one that was noted elsewhere: the chain was rebuilt"}
			}
		}
		return nil
	}
	if b := contradicts(res.Head); b != nil {
		return b, nil
	}
	start := res.Head.Link
	var buffer []byte
	for r, err := range linked.Each(from, start) {
		if err != nil {
			return nil, err
		}
		link := res.Head.Link + 1
		b := &Broken{Link: link, Seq: r.Seq}
		if *r.Link != link {
			b.Seq, b.Why = 0, "the row of this link was deleted"
			return b, nil
		}
		if !bytes.Equal(r.Prev, res.Head.Hash[:]) {
			b.Why = "the row does not follow the one before it: it was inserted or moved, or the one before was replaced"
			return b, nil
		}
		var hash Hash
		hash, buffer = r.linkHash(res.Head.Hash, link, buffer)
		if !bytes.Equal(r.Hash, hash[:]) {
			b.Why = "the row is not what was linked: it was edited or moved"
			return b, nil
		}
		res.Head = Head{link, hash}
		if b := contradicts(res.Head); b != nil {
			b.Seq = r.Seq
			return b, nil
		}
		res.Linked++
	}
	for link := range noted {
		if link > res.Head.Link {
			return &Broken{Link: res.Head.Link + 1, Why: fmt.Sprintf("link %d was noted elsewhere, but the chain ends before it: rows were deleted from its end", link)}, nil
		}
	}
	return nil, nil
}

// anchorFault looks whether the anchor stands where the last purge put it. The purge is an event of the chain itself, so
// that deleting the oldest rows and moving the anchor leaves a trace.
func anchorFault(from db.Querier, anchor Head) (string, error) {
	if _, err := linkBefore.One(from, anchor.Link); err == nil {
		return "rows lie before the chain's beginning: they were inserted, or the beginning was moved", nil
	} else if !errors.Is(err, db.ErrNoRow) {
		return "", err
	}
	if anchor.Link == 0 {
		if anchor.Hash != (Hash{}) {
			return "the chain's beginning was edited", nil
		}
		return "", nil
	}
	last, err := lastPurge.One(from, RulePurged.ID)
	if errors.Is(err, db.ErrNoRow) || err == nil && last.Detail != string(purgeDetail(anchor)) {
		return "the chain's beginning is not where the last purge left it: the oldest rows were deleted", nil
	}
	return "", err
}
