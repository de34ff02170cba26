package file

import (
	"errors"
	"fmt"
	"syscall"

	"github.com/merlon-web/merlon/check/host"
	"github.com/merlon-web/merlon/db"
	"github.com/merlon-web/merlon/form"
)

// Limits are how much room uploads may take, in bytes.
type Limits struct {
	User     int64 // what each user may keep
	Visitors int64 // what all visitors without a session may keep together
	Free     int64 // what uploads leave free on the disk
}

// Default are the limits of a site that sets none.
var Default = Limits{User: 1_000_000_000, Visitors: 1_000_000_000, Free: 500_000_000}

// OrDefault returns the limits with those that are not set as [Default] has them.
func (l Limits) OrDefault() Limits {
	for _, one := range []struct {
		set *int64
		is  int64
	}{{&l.User, Default.User}, {&l.Visitors, Default.Visitors}, {&l.Free, Default.Free}} {
		if *one.set <= 0 {
			*one.set = one.is
		}
	}
	return l
}

// Owners that are no users.
const (
	Visitor = 0  // somebody without a session
	Unknown = -1 // kept before owners were noted: counts for nobody
)

// Least is what a file counts for at least, in bytes: a row, a name in a folder and the block of a disk are not free, and a backup
// holds a number of files.
const Least = 16 << 10

// By content the bytes of two users may be one blob. Each row counts in full all the same: were the second one free, a user's own
// count would tell that somebody else has these bytes, and would rise when that one deletes them.
var used = db.Query[int64](schema, "SELECT CAST(COALESCE(SUM(CASE WHEN size < 16384 THEN 16384 ELSE size END), 0) AS BIGINT) FROM merlon_file WHERE owner = $1")

// Used returns how many bytes the uploads of a user count for, each as [Least] at least; of the user [Visitor], those of all visitors
// without a session. What was removed counts until its bytes are collected.
func Used(from db.Querier, owner int64) (int64, error) { return used.One(from, owner) }

// Over is the error of a file that its sender may not keep. Errors of [Keep] and [Fits] are it by [errors.As].
type Over struct {
	Owner int64 // who sent it
	Used  int64 // bytes that the sender's uploads count for
	More  int64 // bytes that this would add
	Most  int64 // the limit
}

// Error implements error.
func (o *Over) Error() string {
	who, setting := fmt.Sprintf("user %d", o.Owner), "uploads.user"
	if o.Owner == Visitor {
		who, setting = "visitors without a session", "uploads.visitors"
	}
	return fmt.Sprintf("file: %s may keep %d bytes, and have %d: %d more were refused; remove some (they count until they are collected, two days later) or set %s", who, o.Most, o.Used, o.More, setting)
}

// Fits reports by an [*Over] that the sender of some files may not keep them all. Of two requests that ask at once one writes first,
// in all processes, so what the first keeps the second one finds.
func Fits(w *db.Writer, files ...form.File) error {
	var more int64
	var from *waiting
	for _, f := range files {
		one, ok := f.Waiting().(*waiting)
		if !ok || from != nil && one.spool != from.spool {
			return ErrNotHere
		}
		from, more = one, more+max(f.Size(), Least)
	}
	if from == nil {
		return nil
	}
	owner := from.spool.owner
	most := from.store.limits.User
	if owner == Visitor {
		most = from.store.limits.Visitors
	}
	has, err := Used(w, owner)
	if err == nil && has+more > most {
		err = &Over{owner, has, more, most}
	}
	return err
}

// A Spool is where the uploads of one request wait, a [form.Spool]: they are kept as those of who sent them.
type Spool struct {
	store *Store
	owner int64
	full  bool
}

// For returns the spool of a request of a user, by the user's number, or of a [Visitor].
func (s *Store) For(owner int64) *Spool { return &Spool{store: s, owner: owner} }

// Full reports whether the disk had no room for a file of the request.
func (s *Spool) Full() bool { return s.full }

// room asks the disk for room. Where it cannot be asked it is taken to have some: then a write says that there is none.
func (s *Spool) room() error {
	if free := s.store.free(s.store.data); free != host.Unknown && free < s.store.limits.Free {
		return s.noRoom(nil)
	}
	return nil
}

func (s *Spool) noRoom(err error) error {
	s.full = true
	return errors.Join(form.ErrNoRoom, err)
}

// judged is an error of the disk, as that of a full one if it says so.
func (s *Spool) judged(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return s.noRoom(err)
	}
	return err
}

// asked is after how many bytes of a file the disk is asked again.
const asked = 4 << 20

// Write implements [io.Writer].
func (w *waiting) Write(p []byte) (int, error) {
	if w.unasked += len(p); w.unasked >= asked {
		w.unasked = 0
		if err := w.spool.room(); err != nil {
			return 0, err
		}
	}
	n, err := w.File.Write(p)
	return n, w.spool.judged(err)
}

// Sync implements [form.Waiting].
func (w *waiting) Sync() error { return w.spool.judged(w.File.Sync()) }
