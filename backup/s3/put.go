package s3

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"

	"github.com/merlon-web/merlon/backup"
)

// Put implements backup.Target.
func (t *target) Put(ctx context.Context, name string, from io.ReadSeeker, o backup.PutOptions) (backup.Object, error) {
	if err := backup.ValidName(name); err != nil {
		return backup.Object{}, t.fail(ctx, "put", name, err)
	}
	if o.Size > maxSize {
		return backup.Object{}, &backup.TargetError{Op: "put", Target: t.address, Name: name, Kind: backup.ErrFull,
			Err: fmt.Errorf("%d bytes: the store takes at most %d in one object", o.Size, int64(maxSize)), Advice: "back up to a folder or by SFTP"}
	}
	until := wholeSecond(o.LockUntil)
	if !until.IsZero() && !t.traits.Locks {
		return backup.Object{}, &backup.TargetError{Op: "put", Target: t.address, Name: name, Kind: backup.ErrNoLock,
			Advice: "make a bucket with object lock: it cannot be turned on by the site"}
	}
	version, err := t.send(ctx, name, from, o, until)
	if err != nil {
		return backup.Object{}, err
	}
	return t.confirm(ctx, name, version, o, until)
}

// wholeSecond rounds up to what the store keeps.
func wholeSecond(until time.Time) time.Time {
	if whole := until.Truncate(time.Second); !whole.Equal(until) {
		return whole.Add(time.Second)
	}
	return until
}

// send uploads until the store has answered, and returns the version that it made.
func (t *target) send(ctx context.Context, name string, from io.ReadSeeker, o backup.PutOptions, until time.Time) (version string, err error) {
	options := minio.PutObjectOptions{
		ContentType:          "application/octet-stream",
		UserMetadata:         map[string]string{"x-amz-checksum-sha256": base64.StdEncoding.EncodeToString(o.SHA256[:])},
		DisableContentSha256: true, // of chunks: the whole is signed by its hash
		DisableMultipart:     true,
	}
	if o.Once {
		options.SetMatchETagExcept("*")
	}
	if !until.IsZero() {
		options.Mode, options.RetainUntilDate = minio.Compliance, until
	}
	err = backup.Patiently(ctx, func(try int, last bool) error {
		version, err = t.sendOnce(ctx, name, from, o, options)
		// After a try without an answer, and after the last, what is there may be what was sent.
		lost := errors.Is(err, backup.ErrUnreachable)
		if lost && last || try > 0 && errors.Is(err, backup.ErrExists) {
			if at, statErr := t.stat(ctx, name, ""); statErr == nil && at.Size == o.Size && at.SHA256 == o.Sum() {
				version = at.Version
				return nil
			}
		}
		return err
	})
	return version, err
}

// sendOnce uploads in one request.
func (t *target) sendOnce(ctx context.Context, name string, from io.ReadSeeker, o backup.PutOptions, options minio.PutObjectOptions) (string, error) {
	body, err := backup.NewBody(ctx, from, o)
	if err == nil && o.Size == 0 {
		_, err = io.Copy(io.Discard, body) // the library does not read an empty one
	}
	if err != nil {
		return "", t.fail(ctx, "put", name, err)
	}
	bounded, cancel := limit(ctx, o.Size)
	defer cancel()
	info, err := t.core.PutObject(bounded, t.bucket, t.base+name, body, o.Size, "", hex.EncodeToString(o.SHA256[:]), options)
	if broken := body.Err(); broken != nil {
		err = broken // whatever the library made of it
		if !errors.Is(err, backup.ErrDamaged) && context.Cause(ctx) == nil {
			return "", fmt.Errorf("backup: reading what should be put as %s: %w", name, err)
		}
	}
	if err == nil && info.ChecksumSHA256 != "" && info.ChecksumSHA256 != options.UserMetadata["x-amz-checksum-sha256"] {
		err = fmt.Errorf("%w: the store says that it took others", backup.ErrDamaged)
	}
	return info.VersionID, t.fail(ctx, "put", name, err)
}

// confirm asks the store what it has, and reads it back where it tells no hash.
func (t *target) confirm(ctx context.Context, name, version string, o backup.PutOptions, until time.Time) (backup.Object, error) {
	damaged := func(format string, args ...any) error {
		return t.fail(ctx, "put", name, fmt.Errorf("%w: "+format, append([]any{backup.ErrDamaged}, args...)...))
	}
	at, err := t.stat(ctx, name, version)
	if err != nil {
		return backup.Object{}, err
	}
	if at.Size != o.Size {
		return backup.Object{}, damaged("%d were sent, the store has %d", o.Size, at.Size)
	}
	if at.SHA256 == "" {
		r, err := t.Get(ctx, at)
		if err != nil {
			return backup.Object{}, err
		}
		defer r.Close()
		if at.SHA256, err = hashOf(r); err != nil {
			return backup.Object{}, t.fail(ctx, "put", name, err)
		}
	}
	if at.SHA256 != o.Sum() {
		return backup.Object{}, damaged("their SHA-256 at the store is %s, %s was sent", at.SHA256, o.Sum())
	}
	if until.IsZero() {
		return at, nil
	}
	// The bucket's own rule may lock too, and shows nowhere: what counts is what this version has.
	if at.LockUntil.IsZero() {
		if at.LockUntil, err = t.lockOf(ctx, at); err != nil {
			return backup.Object{}, err
		}
	}
	if at.LockUntil.Before(until) {
		return backup.Object{}, t.fail(ctx, "put", name, fmt.Errorf("%w: the object is stored, and locked until %s where %s was asked for", backup.ErrDenied, at.LockUntil, until))
	}
	return at, nil
}

// lockOf reads until when a version is locked against everybody; zero when it is not. HEAD tells it to whoever may ask; a
// store that leaves it out there is asked for it alone.
func (t *target) lockOf(ctx context.Context, o backup.Object) (until time.Time, err error) {
	if at, err := t.stat(ctx, o.Name, o.Version); err != nil || !at.LockUntil.IsZero() {
		return at.LockUntil, err
	}
	err = t.try(ctx, "lock", o.Name, func(ctx context.Context) error {
		mode, date, err := t.core.GetObjectRetention(ctx, t.bucket, t.base+o.Name, o.Version)
		if code := minio.ToErrorResponse(err).Code; code == "NoSuchObjectLockConfiguration" || code == "ObjectLockConfigurationNotFoundError" {
			return nil
		}
		if err == nil && mode != nil && *mode == minio.Compliance && date != nil {
			until = *date
		}
		return err
	})
	return until, err
}

// Lock implements backup.Target.
func (t *target) Lock(ctx context.Context, o backup.Object, until time.Time) error {
	if !t.traits.Locks {
		return &backup.TargetError{Op: "lock", Target: t.address, Name: o.Name, Kind: backup.ErrNoLock}
	}
	until = wholeSecond(until)
	now, err := t.lockOf(ctx, o)
	if err != nil {
		return err
	}
	if now.After(until) {
		return t.fail(ctx, "lock", o.Name, fmt.Errorf("%w: it is locked until %s, and no lock is made shorter", backup.ErrDenied, now))
	}
	mode := minio.Compliance
	err = t.try(ctx, "lock", o.Name, func(ctx context.Context) error {
		return t.core.PutObjectRetention(ctx, t.bucket, t.base+o.Name, minio.PutObjectRetentionOptions{Mode: &mode, RetainUntilDate: &until, VersionID: o.Version})
	})
	if err != nil {
		return err
	}
	if now, err = t.lockOf(ctx, o); err == nil && now.Before(until) {
		err = t.fail(ctx, "lock", o.Name, fmt.Errorf("%w: the store said yes, and the lock lasts until %s, not %s", backup.ErrDenied, now, until))
	}
	return err
}

// fromBase64 turns the store's word for a hash into ours; "" when it is none of a whole object.
func fromBase64(sum string) string {
	raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(sum))
	if err != nil || len(raw) != 32 {
		return ""
	}
	return hex.EncodeToString(raw)
}
