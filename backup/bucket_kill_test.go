package backup_test

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/merlon-web/merlon/backup"
	"github.com/merlon-web/merlon/backup/s3"
	"github.com/merlon-web/merlon/internal/e2e/s3peer"
)

const bucketChild = "MERLON_TEST_BUCKET_CHILD"

// TestBucketChild is the process that TestKilledRunsToABucket kills: it makes points and prints their receipts.
func TestBucketChild(t *testing.T) {
	data := os.Getenv(bucketChild)
	if data == "" {
		return // in the parent's own process there is nothing to do
	}
	s := backup.StartTestSite(t, data, s3.Scheme)
	fmt.Println("up")
	for {
		made, err := s.Run(20)
		if err != nil {
			fmt.Fprintln(os.Stderr, "child:", err)
			os.Exit(1)
		}
		fmt.Println("point", made.Receipt)
	}
}

// A process that is killed at random moments of its runs to a bucket loses no point that it announced, and leaves a chain that
// is whole and that the next run goes on with, and nothing in the clear.
func TestKilledRunsToABucket(t *testing.T) {
	if testing.Short() {
		t.Skip("kills processes")
	}
	server := s3peer.Start(t)
	server.Bucket(pointBucket, true)
	site := backup.NewTestSite(t, server.Address(pointBucket, "base"), s3peer.Keys(t, s3peer.Owner, s3peer.OwnerSecret), s3.Scheme)
	store := site.Store()
	if err := site.Close(); err != nil {
		t.Fatal(err)
	}
	temp := t.TempDir()
	var announced []string
	for round := range backup.Kills() {
		cmd := exec.Command(os.Args[0], "-test.run=^TestBucketChild$")
		cmd.Env = append(os.Environ(), bucketChild+"="+site.Data(), "TMPDIR="+temp)
		var problems strings.Builder
		cmd.Stderr = &problems
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		var timer *time.Timer
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if lines.Text() == "up" {
				timer = time.AfterFunc(rand.N(600*time.Millisecond), func() { _ = cmd.Process.Kill() })
			}
			if receipt, ok := strings.CutPrefix(lines.Text(), "point "); ok {
				announced = append(announced, receipt)
			}
		}
		_ = cmd.Wait()
		if timer == nil || problems.Len() > 0 {
			t.Fatalf("round %d: %s", round, problems.String())
		}
		backup.NoCanary(t, filepath.Join(site.Data(), "backup"), temp)
		points, err := store.Chain(t.Context(), nil)
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		there := map[string]bool{}
		for _, p := range points {
			there[p.Receipt().String()] = true
		}
		for _, receipt := range announced {
			if !there[receipt] {
				t.Fatalf("round %d: the point %s was announced, and is lost", round, receipt)
			}
		}
	}
	backup.NoCanary(t, server.Folder)
	made := backup.StartTestSite(t, site.Data(), s3.Scheme).Point()
	points, err := store.Chain(t.Context(), nil)
	if err != nil || len(points) != int(made.Seq) {
		t.Fatalf("%d points, %v; the last is %d", len(points), err, made.Seq)
	}
	for _, p := range points[max(0, len(points)-20):] {
		opens(t, store, p, site.Recovery().Identity())
	}
	t.Logf("%d kills: %d points announced, %d made in all", backup.Kills(), len(announced), made.Seq)
}
