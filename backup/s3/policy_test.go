package s3_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"

	"github.com/merlon-web/merlon/backup"
	"github.com/merlon-web/merlon/backup/s3"
	"github.com/merlon-web/merlon/backup/targettest"
	"github.com/merlon-web/merlon/internal/e2e/s3peer"
)

const (
	siteKey    = "key-of-the-site"
	siteSecret = "key-of-the-site-secret"
	bucket     = "site-points"
)

// guarded starts a server with a bucket that the printed policy guards, and returns the target as the site has it.
func guarded(t testing.TB) (*s3peer.Server, string) {
	t.Helper()
	server := s3peer.Start(t)
	server.Bucket(bucket, true)
	server.User(siteKey, siteSecret)
	papers, err := s3.Policy(server.Address(bucket, "base"), "site", siteKey)
	if err != nil {
		t.Fatal(err)
	}
	server.Policy(bucket, without(t, papers.Site, "NoLockForDecades"))
	return server, server.Address(bucket, "base/site")
}

// without takes a statement out of a policy: versitygw refuses those with conditions that it does not know.
func without(t testing.TB, policy, id string) string {
	t.Helper()
	var p struct{ Version, Statement any }
	if err := json.Unmarshal([]byte(policy), &p); err != nil {
		t.Fatal(err)
	}
	all := p.Statement.([]any)
	kept := slices.DeleteFunc(slices.Clone(all), func(s any) bool { return s.(map[string]any)["Sid"] == id })
	if len(kept) != len(all)-1 {
		t.Fatalf("%d statements are %s", len(all)-len(kept), id)
	}
	text, err := json.Marshal(map[string]any{"Version": p.Version, "Statement": kept})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// All that a target must do, a site can do with the printed policy.
func TestPolicyIsEnough(t *testing.T) {
	_, address := guarded(t)
	n := 0
	targettest.Run(t, func(t *testing.T) targettest.Place {
		n++
		keys := s3peer.Keys(t, siteKey, siteSecret)
		at := strings.Replace(address, "/site?", fmt.Sprintf("/site/%d?", n), 1)
		return func() backup.Target { return open(t, at, keys) }
	})
}

// Whoever took the site's key takes no point away, makes no lock shorter and hides nothing from a listing.
func TestPolicyStopsAThief(t *testing.T) {
	server, address := guarded(t)
	target := open(t, address, s3peer.Keys(t, siteKey, siteSecret))
	defer target.Close()
	now, err := target.Now(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var points []backup.Object
	for i := range 3 {
		o := announce("sealed")
		o.LockUntil = now.Add(72 * time.Hour)
		at, err := target.Put(t.Context(), fmt.Sprintf("d/%08d/data.age", i), strings.NewReader("sealed"), o)
		if err != nil {
			t.Fatal(err)
		}
		points = append(points, at)
	}
	before := server.All(bucket)
	thief := server.Client(siteKey, siteSecret)
	ctx := t.Context()
	refused := func(what string, err error) {
		t.Helper()
		if code := minio.ToErrorResponse(err).StatusCode; err == nil || code < 400 || code >= 500 {
			t.Errorf("%s: %v, want a refusal", what, err)
		}
	}
	soon, governance, compliance := time.Now().Add(time.Minute), minio.Governance, minio.Compliance
	for _, p := range points {
		key := "base/site/" + p.Name
		refused("delete a version", thief.RemoveObject(ctx, bucket, key, minio.RemoveObjectOptions{VersionID: p.Version}))
		refused("delete a version past governance", thief.RemoveObject(ctx, bucket, key, minio.RemoveObjectOptions{VersionID: p.Version, GovernanceBypass: true}))
		refused("a delete marker", thief.RemoveObject(ctx, bucket, key, minio.RemoveObjectOptions{}))
		refused("shorten", thief.PutObjectRetention(ctx, bucket, key, minio.PutObjectRetentionOptions{Mode: &compliance, RetainUntilDate: &soon, VersionID: p.Version}))
		refused("weaken", thief.PutObjectRetention(ctx, bucket, key, minio.PutObjectRetentionOptions{Mode: &governance, RetainUntilDate: &soon, VersionID: p.Version, GovernanceBypass: true}))
	}
	stopped := 0
	for fault := range thief.RemoveObjects(ctx, bucket, keysOf(points), minio.RemoveObjectsOptions{}) {
		if minio.ToErrorResponse(fault.Err).Code == "AccessDenied" {
			stopped++
		}
	}
	if stopped != len(points) {
		t.Errorf("of deleting %d at once %d were refused", len(points), stopped)
	}
	refused("the policy", thief.SetBucketPolicy(ctx, bucket, ""))
	refused("versions off", thief.SuspendVersioning(ctx, bucket))
	refused("the bucket's lock", thief.SetBucketObjectLockConfig(ctx, bucket, nil, nil, nil))
	refused("the bucket", thief.RemoveBucket(ctx, bucket))

	// Putting over is allowed without the condition; it hides, and a listing shows what is behind.
	if _, err := thief.PutObject(ctx, bucket, "base/site/"+points[0].Name, strings.NewReader("other!"), 6, minio.PutObjectOptions{}); err != nil {
		t.Fatal(err)
	}
	var found []backup.Object
	for o, err := range target.List(ctx, "d/") {
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, o)
	}
	if len(found) != 4 || !found[0].Hidden || found[0].Version != points[0].Version || found[1].Hidden {
		t.Fatalf("List tells %+v", found)
	}
	for _, p := range points {
		if got := read(t, target, p); got != "sealed" {
			t.Errorf("%s is %q now", p.Name, got)
		}
		if got, err := target.Stat(ctx, p.Name); p.Name != points[0].Name && (err != nil || got.LockUntil.Before(p.LockUntil)) {
			t.Errorf("%s is locked until %s, %v; was until %s", p.Name, got.LockUntil, err, p.LockUntil)
		}
	}
	if after := server.All(bucket); len(after) != len(before)+1 {
		t.Errorf("before: %q, after: %q", before, after)
	}
}

func keysOf(points []backup.Object) <-chan minio.ObjectInfo {
	c := make(chan minio.ObjectInfo, len(points))
	for _, p := range points {
		c <- minio.ObjectInfo{Key: "base/site/" + p.Name, VersionID: p.Version}
	}
	close(c)
	return c
}

// A key without rights is told what it lacks, when the target is opened.
func TestAKeyWithoutRights(t *testing.T) {
	server := s3peer.Start(t)
	server.Bucket(bucket, true)
	server.User(siteKey, siteSecret)
	for _, c := range []struct {
		access, secret, bucket string
		kind                   error
		says                   string
	}{
		{siteKey, siteSecret, bucket, backup.ErrDenied, "backup policy s3"},
		{siteKey, "wrong-secret", bucket, backup.ErrDenied, "backup policy s3"},
		{"nobody", "wrong-secret", bucket, backup.ErrDenied, "backup policy s3"},
		{s3peer.Owner, s3peer.OwnerSecret, "no-such-bucket", backup.ErrNotFound, "renamed or deleted"},
	} {
		_, err := backup.OpenTarget(t.Context(), server.Address(c.bucket, ""), s3peer.Keys(t, c.access, c.secret), []backup.Scheme{s3.Scheme})
		if !errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), c.secret) {
			t.Errorf("%s at %s: %v", c.access, c.bucket, err)
		}
	}
	server.Stop()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if _, err := backup.OpenTarget(ctx, server.Address(bucket, ""), s3peer.Keys(t, s3peer.Owner, s3peer.OwnerSecret), []backup.Scheme{s3.Scheme}); !errors.Is(err, backup.ErrUnreachable) {
		t.Errorf("a server that is gone: %v", err)
	}
}

func TestPapers(t *testing.T) {
	p, err := s3.Policy("s3://points/base?region=eu-central-1", "4f1c9a2be07d6633", "")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"COMPLIANCE"`, `"base/4f1c9a2be07d6633/h/"`, `"arn:aws:s3:::points/base/4f1c9a2be07d6633/*"`, `"s3:object-lock-remaining-retention-days": "435"`, "second factor"} {
		if !strings.Contains(p.String(), want) {
			t.Errorf("the papers do not say %s:\n%s", want, p)
		}
	}
	if strings.Contains(p.Site, "Principal") || strings.Contains(p.Owner, "Put") {
		t.Errorf("a principal, or a reader that puts:\n%s", p)
	}
	for _, c := range []struct{ address, site string }{{"file:///x", "a"}, {"s3://points", "a/../b"}, {"s3://points", ""}, {"s3://Points", "a"}} {
		if _, err := s3.Policy(c.address, c.site, ""); err == nil {
			t.Errorf("papers for %q at %q", c.site, c.address)
		}
	}
}

// A store that does not know the condition of the cap (versitygw does not) refuses the policy whole: nobody believes locks to be
// capped where they are not. And the cap leaves room for the longest lock that the site itself asks for.
func TestTheCapIsNotLeftOutInSilence(t *testing.T) {
	server := s3peer.Start(t)
	server.Bucket(bucket, true)
	server.User(siteKey, siteSecret)
	p, err := s3.Policy(server.Address(bucket, "base"), "4f1c9a2be07d6633", siteKey)
	if err != nil {
		t.Fatal(err)
	}
	owner := server.Client(s3peer.Owner, s3peer.OwnerSecret)
	if err := owner.SetBucketPolicy(t.Context(), bucket, p.Site); err == nil {
		t.Error("the policy with the cap was taken: versitygw knows the condition now: test the cap itself here")
	}
	if now, err := owner.GetBucketPolicy(t.Context(), bucket); err == nil && now != "" {
		t.Errorf("half a policy is in force: %s", now)
	}
	longest := max(backup.Hourly.Keep(), backup.Daily.Keep(), backup.Weekly.Keep(), backup.Monthly.Keep())
	if cap := s3.MostDays * 24 * time.Hour; longest >= cap || longest < cap-60*24*time.Hour {
		t.Errorf("the longest lock is %s, the cap %s", longest, time.Duration(cap))
	}
}
