// Package s3peer runs an S3 server (versitygw, of the module internal/peer) on loopback for a test, with its objects in a
// folder of the test, and a proxy before it that damages what passes.
package s3peer

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/merlon-web/merlon/internal/e2e/need"
)

// The owner's own key, which may do everything.
const (
	Owner       = "owner-of-buckets"
	OwnerSecret = "owner-of-buckets-secret"
)

// A Server is one versitygw that runs. Its methods fail the test.
type Server struct {
	Addr     string // 127.0.0.1:PORT
	Endpoint string // http://127.0.0.1:PORT
	Folder   string // a folder for each bucket, with a file for each object

	t   testing.TB
	run *need.Served
}

// Start starts a server with no bucket until the test ends. It skips the test when the program is not there.
func Start(t testing.TB) *Server {
	t.Helper()
	program := need.Peer(t, "versitygw")
	dir := t.TempDir()
	s := &Server{t: t, Folder: filepath.Join(dir, "buckets")}
	for _, folder := range []string{"buckets", "versions", "accounts"} {
		if err := os.Mkdir(filepath.Join(dir, folder), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	s.run = need.Serve(t, "versitygw", func(addr string) *exec.Cmd {
		return exec.Command(program, "--port", addr, "--access", Owner, "--secret", OwnerSecret, "--region", "us-east-1",
			"--iam-dir", filepath.Join(dir, "accounts"), "--health", "/health", "--quiet", "--log-level", "silent",
			"posix", "--versioning-dir", filepath.Join(dir, "versions"), s.Folder)
	}, func(addr string) bool {
		answer, err := http.Get("http://" + addr + "/health")
		if err == nil {
			_ = answer.Body.Close()
		}
		return err == nil
	})
	s.Addr, s.Endpoint = s.run.Addr, "http://"+s.run.Addr
	return s
}

// Stop ends the server; its objects stay in the folder.
func (s *Server) Stop() { s.run.End() }

// Bucket makes a bucket: with object lock and versions, or with neither.
func (s *Server) Bucket(name string, locked bool) {
	s.t.Helper()
	if err := s.Client(Owner, OwnerSecret).MakeBucket(s.t.Context(), name, minio.MakeBucketOptions{ObjectLocking: locked}); err != nil {
		s.t.Fatalf("make bucket %s: %v\n%s", name, err, s.run.Log)
	}
}

// User makes an account that may do nothing before a policy names it.
func (s *Server) User(access, secret string) {
	s.t.Helper()
	// By this very program: the request is one of its own.
	out, err := exec.Command(s.run.Cmd.Path, "admin", "--access", Owner, "--secret", OwnerSecret, "--endpoint-url", s.Endpoint, "create-user",
		"--access", access, "--secret", secret, "--role", "user").CombinedOutput()
	if err != nil {
		s.t.Fatalf("make user %s: %v\n%s", access, err, out)
	}
}

// Policy puts a policy on a bucket.
func (s *Server) Policy(bucket, policy string) {
	s.t.Helper()
	if err := s.Client(Owner, OwnerSecret).SetBucketPolicy(s.t.Context(), bucket, policy); err != nil {
		s.t.Fatalf("policy of %s: %v\n%s\n%s", bucket, err, policy, s.run.Log)
	}
}

// Client returns a client of the library with an account's key, for what a thief or an owner would do.
func (s *Server) Client(access, secret string) *minio.Client {
	s.t.Helper()
	c, err := minio.New(s.Addr, &minio.Options{Creds: credentials.NewStaticV4(access, secret, ""), Region: "us-east-1", MaxRetries: 1, TrailingHeaders: true})
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

// Address returns the address of a prefix of a bucket.
func (s *Server) Address(bucket, prefix string) string { return Address(s.Endpoint, bucket, prefix) }

// Address returns the address of a prefix of a bucket behind an endpoint.
func Address(endpoint, bucket, prefix string) string {
	return fmt.Sprintf("s3://%s/%s?endpoint=%s&region=us-east-1", bucket, prefix, endpoint)
}

// Keys writes a file with an account's key and returns the settings that name it.
func Keys(t testing.TB, access, secret string) map[string]string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "credentials")
	if err := os.WriteFile(file, []byte("access-key = "+access+"\nsecret-key = "+secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return map[string]string{"credentials": file}
}

// All lists every version and every marker of a bucket, as "NAME VERSION" and "NAME VERSION marker".
func (s *Server) All(bucket string) (all []string) {
	s.t.Helper()
	for o := range s.Client(Owner, OwnerSecret).ListObjects(context.WithoutCancel(s.t.Context()), bucket, minio.ListObjectsOptions{Recursive: true, WithVersions: true}) {
		if o.Err != nil {
			s.t.Fatal(o.Err)
		}
		line := o.Key + " " + o.VersionID
		if o.IsDeleteMarker {
			line += " marker"
		}
		all = append(all, strings.TrimSpace(line))
	}
	return all
}

// LockOf returns until when a version is locked in mode COMPLIANCE, zero when it is not. It asks for the lock alone: HEAD of
// this server tells none of versions that others stand before.
func (s *Server) LockOf(bucket, key, version string) time.Time {
	s.t.Helper()
	c, err := minio.New(s.Addr, &minio.Options{Creds: credentials.NewStaticV4(Owner, OwnerSecret, ""), Region: "us-east-1", MaxRetries: 1, Transport: plainWords{}})
	if err != nil {
		s.t.Fatal(err)
	}
	mode, until, err := c.GetObjectRetention(s.t.Context(), bucket, key, version)
	if code := minio.ToErrorResponse(err).Code; code == "NoSuchObjectLockConfiguration" {
		return time.Time{}
	}
	if err != nil {
		s.t.Fatal(err)
	}
	if *mode != minio.Compliance {
		return time.Time{}
	}
	return *until
}

// plainWords turns the server's own word for an answer into that of S3, which the library knows.
type plainWords struct{}

// RoundTrip implements http.RoundTripper.
func (plainWords) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err == nil {
		Body(func(body []byte) []byte {
			return bytes.ReplaceAll(body, []byte("ObjectLockRetention"), []byte("Retention"))
		})(answer)
	}
	return answer, err
}
