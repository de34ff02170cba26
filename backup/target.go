package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/url"
	"strings"
	"time"
)

// A Target is a place where objects lie: a folder, a bucket, an account on another machine. What lies there is sealed before
// it comes here, and whoever runs the place is trusted with nothing but keeping it: hashes and signatures say what is whole.
//
// Names are relative to the target's address, see [ValidName]. Every method that talks to the store takes a context and ends
// soon after it is cancelled, with the context's error or one that wraps it; a store that says nothing is given up by the
// method itself, so that no caller waits for ever. Errors wrap one of the kinds below ([ErrNotFound] …). All methods may be
// called from several goroutines. Package backup/targettest holds what an implementation must do.
type Target interface {
	// String returns the address as it was given: it names the place and holds no secret.
	String() string

	// Traits says what the place can do. They are found out when it is opened and do not change.
	Traits() Traits

	// Now asks the store for its own clock, by which locks and retention go. Its resolution may be a second.
	Now(ctx context.Context) (time.Time, error)

	// Put stores a body under a name and returns when the store has it durably and what the store says it has was compared
	// with what was sent. The body has exactly o.Size bytes with o.SHA256: any other is ErrDamaged, and then nothing stands
	// under the name that was not there before. It is read from its beginning, more than once if need be.
	//
	// With o.Once an object of this name that is there already is left as it is: ErrExists. Of several at once exactly one
	// wins. Without it the new one takes its place (a new version where Traits.Versions).
	//
	// After ErrUnreachable nobody knows whether the store has it: ask Stat and compare. A put that was tried again inside
	// Put and finds its own bytes there is a success.
	Put(ctx context.Context, name string, body io.ReadSeeker, o PutOptions) (Object, error)

	// Get reads an object: the version that o names, the current one when o.Version is "". The reader ends with io.EOF only
	// after as many bytes as the store said it has, and as o.Size says unless that is 0: what was cut short is an error.
	// Whether they are the right bytes is for the caller to hold against a signed hash.
	Get(ctx context.Context, o Object) (io.ReadCloser, error)

	// Stat tells the object that Get gives for its name alone: ErrNotFound when there is none or a marker hides it.
	Stat(ctx context.Context, name string) (Object, error)

	// List tells all objects whose names begin with the prefix ("" for all), in byte order of their names: all versions,
	// hidden ones too, of one name the oldest first; of a name with very many (thousands) the oldest and the newest. It ends at the first error. Names that Put would refuse are left out:
	// nobody put them there through a target. A folder that is not there is empty, a bucket that is not there an error.
	List(ctx context.Context, prefix string) iter.Seq2[Object, error]

	// Delete takes an object away: the version that o names, and where there are versions and o names none, it puts a marker
	// in front. Probes ask for it, to see that it is refused; and retention, where nothing locks. An object that is not
	// there is ErrNotFound where the store tells.
	Delete(ctx context.Context, o Object) error

	// Lock makes the lock of an object last until a time, and reads back that it does. A lock is never made shorter:
	// ErrDenied. ErrNoLock where Traits.Locks is false.
	Lock(ctx context.Context, o Object, until time.Time) error

	// Close gives back connections and files. No method may be called afterwards.
	Close() error
}

// Traits are what a place can do. What it cannot do is told to the owner in words: see docs/backups.md.
type Traits struct {
	Locks    bool // an object can be locked until a time, against whoever has the site's own credentials too
	Versions bool // what is put over an object or deleted stays as an older version
	Hashes   bool // Stat and Put tell a SHA-256 that the store computed over what it has: no read back is needed to know
	Dates    bool // Object.Stored is by the store's own clock, and nobody who may put can choose it
	Local    bool // the place is part of this machine's file system: it may be lost together with it
}

// PutOptions are what a [Target] is told about a body before it comes.
type PutOptions struct {
	Size      int64     // bytes, known before: a store must never take the end of a broken stream for the end of an object
	SHA256    [32]byte  // of the body
	Once      bool      // never over an existing one
	LockUntil time.Time // zero: no lock. Where Traits.Locks is false anything else is ErrNoLock, before a byte is sent
}

// An Object is what a store says of one version of one object.
type Object struct {
	Name      string    // below the target's address
	Version   string    // the store's word for this version; "" where it has no versions
	Size      int64     // bytes
	SHA256    string    // 64 hexadecimal digits in lower case, as the store computed it; "" when it does not tell
	Stored    time.Time // by the store's clock
	LockUntil time.Time // zero: not locked, or not told: List does not ask for locks
	Hidden    bool      // the name alone leads to something else: a newer version, or a marker that it was deleted
}

// A Scheme is a kind of target: what its addresses begin with, and how one is opened.
type Scheme struct {
	Name    string   // "s3": addresses are s3://…
	Example string   // an address, for whoever sets it up
	Options []Option // what is needed beside the address

	// Open connects. It refuses an address that holds a password, that it does not understand whole, or that would send
	// credentials in the clear, and says what to do. Nothing is written.
	Open func(ctx context.Context, address *url.URL, s Settings) (Target, error)

	// Policy returns what an owner applies at the store for the backups of one site, so that the site itself can take nothing
	// away: printed by `backup policy`, and the document of its --json. nil: such a place has no policies.
	Policy func(address, site string) (fmt.Stringer, error)
}

// An Option is one of the [Settings] of a scheme.
type Option struct {
	Name   string // "host-key"
	What   string // what it is, in one line
	Needed bool
}

// Settings are what a target needs beside its address, by the names of [Scheme.Options]. They may be kept in a file that only
// the site reads and be shown: secrets are named by the file that holds them, never written here.
type Settings map[string]string

// The kinds of errors of targets. Test with errors.Is.
var (
	ErrNotFound    = errors.New("backup: no such object")                     // the bucket, folder or object is not there
	ErrExists      = errors.New("backup: the object is there already")        // and was left as it is
	ErrDenied      = errors.New("backup: the store refuses")                  // no right, or a lock
	ErrFull        = errors.New("backup: the store is full")                  // or a quota is used up
	ErrUnreachable = errors.New("backup: the store does not answer")          // or breaks off, or says to come later
	ErrDamaged     = errors.New("backup: the bytes are not those announced")  // other size or hash, here or at the store
	ErrNoLock      = errors.New("backup: the store cannot lock")              // see Traits.Locks
	ErrName        = errors.New("backup: an object must not have this name")  // see ValidName
	ErrAddress     = errors.New("backup: the address of the target is wrong") // or a setting
)

// A TargetError is what a target was asked and why it failed. It wraps its kind and its cause.
type TargetError struct {
	Op     string // "put", "get", "stat", "list", "delete", "lock", "now", "open"
	Target string // its address
	Name   string // of the object, "" when it is about the place
	Kind   error  // ErrNotFound …
	Err    error  // what the system or the store said, nil when Kind says it all
	Advice string // what to do, "" when nothing but trying again helps
}

// Error implements error: what happened, why, what to do.
func (e *TargetError) Error() string {
	var b strings.Builder
	b.WriteString(e.Kind.Error())
	b.WriteString(": " + e.Op)
	if e.Name != "" {
		b.WriteString(" " + e.Name)
	}
	b.WriteString(" at " + e.Target)
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	if e.Advice != "" {
		b.WriteString("; " + e.Advice)
	}
	return b.String()
}

// Unwrap returns kind and cause.
func (e *TargetError) Unwrap() []error {
	if e.Err == nil {
		return []error{e.Kind}
	}
	return []error{e.Kind, e.Err}
}

// Longest names of objects, in bytes: S3 takes 1,024 with the prefix of the address, file systems 255 in each part.
const (
	maxName = 512
	maxPart = 128
)

// ValidName reports as ErrName why an object must not have a name. A name has parts of letters, digits, dots, dashes and
// underscores of ASCII, divided by single slashes; no part begins with a dot, none is longer than 128 bytes and no name than
// 512. So it is the same name on every store, and leads nowhere outside.
func ValidName(name string) error {
	if len(name) > maxName {
		return fmt.Errorf("%w: it has %d bytes, at most %d are allowed", ErrName, len(name), maxName)
	}
	for part := range strings.SplitSeq(name, "/") {
		switch {
		case part == "" || part[0] == '.':
			return fmt.Errorf("%w: %q has a part that is empty or begins with a dot", ErrName, name)
		case len(part) > maxPart:
			return fmt.Errorf("%w: %q has a part of %d bytes, at most %d are allowed", ErrName, name, len(part), maxPart)
		}
		for _, c := range []byte(part) {
			if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '.' || c == '-' || c == '_') {
				return fmt.Errorf("%w: %q has the byte %q", ErrName, name, c)
			}
		}
	}
	return nil
}
