package s3_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/merlon-web/merlon/backup"
	"github.com/merlon-web/merlon/backup/s3"
	"github.com/merlon-web/merlon/backup/targettest"
	"github.com/merlon-web/merlon/internal/e2e/s3peer"
)

func open(t testing.TB, address string, s backup.Settings) backup.Target {
	t.Helper()
	target, err := backup.OpenTarget(context.WithoutCancel(t.Context()), address, s, []backup.Scheme{s3.Scheme})
	if err != nil {
		t.Fatal(err)
	}
	return target
}

// A bucket with locks and the owner's key, which may delete what no lock holds.
func TestLockedBucketConforms(t *testing.T) { conforms(t, true) }

// A bucket with neither locks nor versions.
func TestPlainBucketConforms(t *testing.T) { conforms(t, false) }

func conforms(t *testing.T, locked bool) {
	server := s3peer.Start(t)
	n := 0
	targettest.Run(t, func(t *testing.T) targettest.Place {
		n++
		bucket := fmt.Sprintf("bucket-%d", n)
		server.Bucket(bucket, locked)
		keys := s3peer.Keys(t, s3peer.Owner, s3peer.OwnerSecret)
		return func() backup.Target { return open(t, server.Address(bucket, "some/prefix"), keys) }
	})
}
