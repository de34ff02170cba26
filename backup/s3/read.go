package s3

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"

	"github.com/merlon-web/merlon/backup"
)

// Now implements backup.Target: the Date of an answer about the bucket.
func (t *target) Now(ctx context.Context) (now time.Time, err error) {
	var date string
	err = t.try(context.WithValue(ctx, dateKey{}, &date), "now", "", func(ctx context.Context) error {
		date = ""
		there, err := t.core.BucketExists(ctx, t.bucket)
		if err != nil {
			return err
		}
		if !there {
			return fmt.Errorf("%w: no bucket %s", backup.ErrNotFound, t.bucket)
		}
		if now, err = http.ParseTime(date); err != nil {
			return fmt.Errorf("the answer has no date: %w", err)
		}
		return nil
	})
	return now, err
}

// Stat implements backup.Target.
func (t *target) Stat(ctx context.Context, name string) (backup.Object, error) {
	if err := backup.ValidName(name); err != nil {
		return backup.Object{}, t.fail(ctx, "stat", name, err)
	}
	return t.stat(ctx, name, "")
}

func (t *target) stat(ctx context.Context, name, version string) (o backup.Object, err error) {
	err = t.try(ctx, "stat", name, func(ctx context.Context) error {
		info, err := t.core.StatObject(ctx, t.bucket, t.base+name, minio.StatObjectOptions{VersionID: version, Checksum: true})
		if err == nil && version != "" && info.VersionID != version {
			return fmt.Errorf("%w: the version %s was asked for, the store answers with %s", backup.ErrDamaged, version, info.VersionID)
		}
		o = t.object(info)
		return err
	})
	return o, err
}

// object turns what the library tells into what we tell. The hash of an object in parts is none of the whole.
func (t *target) object(info minio.ObjectInfo) backup.Object {
	o := backup.Object{Name: strings.TrimPrefix(info.Key, t.base), Size: info.Size, SHA256: fromBase64(info.ChecksumSHA256), Stored: info.LastModified}
	if t.traits.Versions {
		o.Version = info.VersionID
	}
	if info.Metadata.Get("X-Amz-Object-Lock-Mode") == string(minio.Compliance) {
		o.LockUntil, _ = time.Parse(time.RFC3339, info.Metadata.Get("X-Amz-Object-Lock-Retain-Until-Date"))
	}
	return o
}

// Get implements backup.Target.
func (t *target) Get(ctx context.Context, o backup.Object) (io.ReadCloser, error) {
	if err := backup.ValidName(o.Name); err != nil {
		return nil, t.fail(ctx, "get", o.Name, err)
	}
	var r io.ReadCloser
	err := t.try(ctx, "get", o.Name, func(ctx context.Context) error {
		bounded, cancel := limit(ctx, max(o.Size, maxSize/64))
		body, info, _, err := t.core.GetObject(bounded, t.bucket, t.base+o.Name, minio.GetObjectOptions{VersionID: o.Version})
		if err == nil && (o.Size != 0 && info.Size != o.Size || o.Version != "" && info.VersionID != o.Version) {
			err = errors.Join(fmt.Errorf("%w: it has %d bytes, not %d, or is another version", backup.ErrDamaged, info.Size, o.Size), body.Close())
		}
		if err != nil {
			cancel()
			return err
		}
		r = &reading{backup.Exactly(body, body, info.Size), t, ctx, cancel, o.Name}
		return nil
	})
	return r, err
}

// reading is an answer whose errors are ours.
type reading struct {
	io.ReadCloser
	t      *target
	ctx    context.Context
	cancel context.CancelFunc
	name   string
}

func (r *reading) Read(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p)
	if err != nil && err != io.EOF {
		err = r.t.fail(r.ctx, "get", r.name, err)
	}
	return n, err
}

func (r *reading) Close() error {
	defer r.cancel()
	return r.ReadCloser.Close()
}

// hashOf reads to the end.
func hashOf(r io.Reader) (string, error) {
	sum := sha256.New()
	_, err := io.Copy(sum, r)
	return hex.EncodeToString(sum.Sum(nil)), err
}

// mostVersions is how many versions of one name a listing tells: the newest, and of the others the oldest, since what is right
// was there first. Whoever has the site's key can add to them, as many as they like, and lock them for longer than a year.
const mostVersions = 1000

// versions are those of one name, the newest first as stores tell them.
type versions struct {
	first backup.Object   // the newest
	rest  []backup.Object // a ring
	n     int
	mark  string
}

// add takes one more. A store that tells the same ones again and again is found out.
func (v *versions) add(o backup.Object) error {
	if v.n++; v.n&(v.n-1) == 0 {
		v.mark = o.Version
	} else if o.Version == v.mark && o.Version != "" {
		return fmt.Errorf("%w: the store lists the version %s of %s again and again", backup.ErrDamaged, o.Version, o.Name)
	}
	switch {
	case v.n == 1:
		v.first = o
	case len(v.rest) < mostVersions-1:
		v.rest = append(v.rest, o)
	default:
		v.rest[(v.n-2)%len(v.rest)] = o
	}
	return nil
}

// tell tells them, the oldest first, and forgets them.
func (v *versions) tell(yield func(backup.Object, error) bool) bool {
	for i := range v.rest {
		if !yield(v.rest[(v.n-2-i)%len(v.rest)], nil) {
			return false
		}
	}
	ok := v.n == 0 || yield(v.first, nil)
	*v = versions{rest: v.rest[:0]}
	return ok
}

// List implements backup.Target.
func (t *target) List(ctx context.Context, prefix string) iter.Seq2[backup.Object, error] {
	return func(yield func(backup.Object, error) bool) {
		last := "" // the last name whose versions were all told
		err := backup.Patiently(ctx, func(int, bool) error {
			return t.fail(ctx, "list", "", t.listFrom(ctx, prefix, &last, yield))
		})
		if err != nil {
			yield(backup.Object{}, err)
		}
	}
}

// listFrom tells the names after the last one, and moves it on. It returns no error when the listing is over.
func (t *target) listFrom(ctx context.Context, prefix string, last *string, yield func(backup.Object, error) bool) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	options := minio.ListObjectsOptions{Prefix: t.base + prefix, Recursive: true, WithVersions: true}
	if *last != "" {
		options.StartAfter = t.base + *last
	}
	var same versions
	tell := func() bool {
		name := same.first.Name
		if !same.tell(yield) {
			return false
		}
		*last = max(*last, name)
		return true
	}
	for info := range t.core.ListObjectsIter(ctx, t.bucket, options) {
		if info.Err != nil {
			return info.Err
		}
		o := t.object(info)
		if o.Hidden = !info.IsLatest; info.IsDeleteMarker || backup.ValidName(o.Name) != nil || !strings.HasPrefix(o.Name, prefix) {
			continue
		}
		if same.first.Name != o.Name && !tell() {
			return nil
		}
		if o.Name <= *last {
			// Also the page that comes again and again.
			return fmt.Errorf("%w: the store lists %s after %s", backup.ErrDamaged, o.Name, *last)
		}
		if err := same.add(o); err != nil {
			return err
		}
	}
	// The library ends a cancelled listing without a word.
	if err := context.Cause(ctx); err != nil {
		return err
	}
	tell()
	return nil
}

// Delete implements backup.Target.
func (t *target) Delete(ctx context.Context, o backup.Object) error {
	if err := backup.ValidName(o.Name); err != nil {
		return t.fail(ctx, "delete", o.Name, err)
	}
	if _, err := t.stat(ctx, o.Name, o.Version); err != nil {
		return err // deleting says yes to what is not there
	}
	return t.try(ctx, "delete", o.Name, func(ctx context.Context) error {
		return t.core.RemoveObject(ctx, t.bucket, t.base+o.Name, minio.RemoveObjectOptions{VersionID: o.Version})
	})
}
