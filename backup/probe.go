package backup

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// A Probe is one thing that was tried at the target with the site's own credentials.
type Probe struct {
	Name string `json:"name"` // "delete"
	OK   bool   `json:"ok"`
	Need bool   `json:"need,omitempty"` // without it there are no backups there
	Said string `json:"said"`           // what came of it
	Mean string `json:"mean,omitempty"` // what that means, when it is not OK
}

// probeLock is how long a probe's object is locked: until then nothing can take it away, and it stays behind.
const probeLock = 2 * time.Minute

// probe tries what backups need of a target, and what a thief of the site's credentials could do there. The error means that
// the target could not be asked at all.
func probe(ctx context.Context, s *Store, clock time.Time) (all []Probe, err error) {
	t, traits := s.target, s.target.Traits()
	add := func(name string, ok, need bool, mean, format string, args ...any) bool {
		p := Probe{Name: name, OK: ok, Need: need, Said: fmt.Sprintf(format, args...)}
		if !ok {
			p.Mean = mean
		}
		all = append(all, p)
		return ok
	}
	now, err := t.Now(ctx)
	if err != nil {
		return nil, err
	}
	offset := clock.Sub(now).Round(time.Second)
	add("clock", offset.Abs() <= maxOffset, true, "locks would last too long or too short: set this machine's clock (NTP)", "this machine is %s from the store", offset)

	text := make([]byte, 32)
	rand.Read(text)
	body := []byte("merlon probe " + hex.EncodeToString(text) + "\n")
	name := s.full(fmt.Sprintf("h/probe-%s.txt", strings.Replace(now.UTC().Format("20060102T150405.000"), ".", "-", 1)+"-"+hex.EncodeToString(text[:4])))
	o := PutOptions{Size: int64(len(body)), SHA256: sha256.Sum256(body), Once: true}
	if traits.Locks {
		o.LockUntil = now.Add(probeLock)
	}
	put, err := t.Put(ctx, name, bytes.NewReader(body), o)
	if !add("put", err == nil, true, "nothing can be stored there with these credentials", "%s", outcome(err, "an object was stored")) {
		return all, nil
	}
	add("read back", same(ctx, t, put, body), true, "what is stored there does not come back as it was", "what was stored was read again")
	_, err = t.Put(ctx, name, bytes.NewReader(body), o)
	add("put once", errors.Is(err, ErrExists), true, "a second server that writes by mistake, or a thief, could write over points", "%s", expected(err, ErrExists, "a second put of the same name was refused", "a second put of the same name was taken"))
	if !add("put once at the same time", onlyOne(ctx, s, now, o.LockUntil), true, "two servers that write at the same moment could write over each other's points", "of %d puts at once exactly one was taken", atOnce) {
		all[len(all)-1].Said = "several puts of one name were taken at once, or none"
	}
	add("lock", traits.Locks, false, "points can be deleted by whoever has this server's credentials: keep a second copy where this server cannot delete", "%s", yes(traits.Locks, "objects are locked until a time", "objects cannot be locked"))
	if traits.Locks {
		told, err := t.Stat(ctx, name)
		add("lock is read back", err == nil && !told.LockUntil.Before(o.LockUntil.Truncate(time.Second)), false,
			"the store took the lock and does not show it: a lock that nobody can see may not be there", "%s", outcome(err, "locked until "+told.LockUntil.UTC().Format(time.RFC3339)))
		err = t.Lock(ctx, put, now.Add(probeLock/4))
		add("shorten a lock", err != nil && !errors.Is(err, ErrUnreachable), false, "a thief of this server's credentials could shorten the locks, and then delete", "%s", expected(err, ErrDenied, "shortening was refused", "the lock was made shorter"))
	}
	err = t.Delete(ctx, put)
	add("delete", err != nil && !errors.Is(err, ErrUnreachable), false, "a thief of this server's credentials could delete the points", "%s", expected(err, ErrDenied, "deleting was refused", "the object was deleted"))
	return all, nil
}

// atOnce is how many puts of one name a probe makes at the same time.
const atOnce = 4

// onlyOne puts different bytes under one new name, all at the same time: a place that looks first whether a name is taken, and
// then gives it, passes the probe of one after the other and fails here.
func onlyOne(ctx context.Context, s *Store, now, until time.Time) bool {
	id := make([]byte, 4)
	rand.Read(id)
	name := s.full(fmt.Sprintf("h/probe-%s-%x-once.txt", now.UTC().Format("20060102T150405"), id))
	var group sync.WaitGroup
	var won [atOnce]bool
	var put [atOnce]Object
	body := func(i int) []byte { return fmt.Appendf(nil, "merlon probe %x %d\n", id, i) }
	for i := range atOnce {
		group.Go(func() {
			text := body(i)
			o, err := s.target.Put(ctx, name, bytes.NewReader(text), PutOptions{Size: int64(len(text)), SHA256: sha256.Sum256(text), Once: true, LockUntil: until})
			won[i], put[i] = err == nil, o
		})
	}
	group.Wait()
	winner, n := -1, 0
	for i := range atOnce {
		if won[i] {
			winner, n = i, n+1
		}
	}
	if n != 1 {
		return false
	}
	ok := same(ctx, s.target, put[winner], body(winner))
	_ = s.target.Delete(ctx, put[winner]) // refused where it is locked, as it should be
	return ok
}

func same(ctx context.Context, t Target, o Object, body []byte) bool {
	r, err := t.Get(ctx, o)
	if err != nil {
		return false
	}
	defer r.Close()
	got, err := io.ReadAll(io.LimitReader(r, int64(len(body))+1))
	return err == nil && bytes.Equal(got, body)
}

func yes(is bool, yes, no string) string {
	if is {
		return yes
	}
	return no
}

func outcome(err error, done string) string {
	if err != nil {
		return err.Error()
	}
	return done
}

// expected tells a refusal for the right reason from another error.
func expected(err, kind error, refused, taken string) string {
	switch {
	case err == nil:
		return taken
	case errors.Is(err, kind):
		return refused
	}
	return err.Error()
}

// mayDelete reports whether the probes found that the server itself can take points away.
func mayDelete(all []Probe) (means []string) {
	for _, p := range all {
		if !p.OK && !p.Need {
			means = append(means, p.Name+": "+p.Said)
		}
	}
	return means
}
