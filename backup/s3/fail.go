package s3

import (
	"context"
	"errors"
	"net/http"

	"github.com/minio/minio-go/v7"

	"github.com/merlon-web/merlon/backup"
)

// try asks until the store answers. Errors are those of package backup.
func (t *target) try(ctx context.Context, op, name string, ask func(ctx context.Context) error) error {
	return backup.Patiently(ctx, func(int, bool) error { return t.fail(ctx, op, name, ask(ctx)) })
}

// fail says what an error of the library means. The context's own end stays what it is.
func (t *target) fail(ctx context.Context, op, name string, err error) error {
	if err == nil {
		return nil
	}
	if cause := context.Cause(ctx); cause != nil && cause != errSlow {
		return cause
	}
	if already := new(backup.TargetError); errors.As(err, &already) {
		return err
	}
	advice, kind := kind(err)
	return &backup.TargetError{Op: op, Target: t.address, Name: name, Kind: kind, Err: err, Advice: advice}
}

// kinds are what stores' codes mean.
var kinds = map[string]error{
	"NoSuchKey": backup.ErrNotFound, "NoSuchBucket": backup.ErrNotFound, "NoSuchVersion": backup.ErrNotFound,
	"PreconditionFailed": backup.ErrExists,
	"QuotaExceeded":      backup.ErrFull, "InsufficientStorage": backup.ErrFull, "ServiceQuotaExceeded": backup.ErrFull, "XMinioStorageFull": backup.ErrFull,
	"XMinioAdminBucketQuotaExceeded": backup.ErrFull, "StorageCapExceeded": backup.ErrFull, "EntityTooLarge": backup.ErrFull,
	"BadDigest": backup.ErrDamaged, "InvalidDigest": backup.ErrDamaged, "XAmzContentSHA256Mismatch": backup.ErrDamaged, "IncompleteBody": backup.ErrDamaged,
	"ConditionalRequestConflict": backup.ErrUnreachable, "OperationAborted": backup.ErrUnreachable, "RequestTimeout": backup.ErrUnreachable, "SlowDown": backup.ErrUnreachable,
	"ObjectLocked": backup.ErrDenied, "InvalidRequest": backup.ErrDenied, "MethodNotAllowed": backup.ErrDenied,
}

// kind returns what to do about an error, and what kind it is.
func kind(err error) (advice string, kind error) {
	for _, own := range []error{backup.ErrNotFound, backup.ErrExists, backup.ErrDenied, backup.ErrFull, backup.ErrDamaged, backup.ErrNoLock, backup.ErrName} {
		if errors.Is(err, own) {
			return "", own
		}
	}
	var answer minio.ErrorResponse
	if !errors.As(err, &answer) {
		return "", backup.ErrUnreachable // no answer, or half of one
	}
	if answer.Code == "NoSuchBucket" {
		return "see whether the bucket was renamed or deleted, and whether endpoint and region are right", backup.ErrNotFound
	}
	if answer.Code == "RequestTimeTooSkewed" {
		return "set this machine's clock: the store's differs by more than it allows", backup.ErrDenied
	}
	if k := kinds[answer.Code]; k != nil {
		return "", k
	}
	switch code := answer.StatusCode; {
	case code == http.StatusNotFound:
		return "", backup.ErrNotFound
	case code == http.StatusPreconditionFailed:
		return "", backup.ErrExists
	case code == http.StatusInsufficientStorage:
		return "", backup.ErrFull
	case code >= 500, code == http.StatusTooManyRequests, code == http.StatusRequestTimeout, code < 400:
		return "", backup.ErrUnreachable
	}
	return "see whether the key is alive and may do this: `backup policy s3` prints what it needs", backup.ErrDenied
}
