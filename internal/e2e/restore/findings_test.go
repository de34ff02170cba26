package restore_test

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/merlon-web/merlon/internal/e2e/need"
	"github.com/merlon-web/merlon/internal/e2e/s3peer"
)

// A new site lacks backups. After init, run, a drill and the proof of the recovery key nothing of the backups is found any more
// where the place locks what is put there; where it does not, that alone is.
func TestBackupFindingsGo(t *testing.T) {
	need.Time(t, "sets up, drills and proves the backups of two clubs")
	tool := need.Built(t, "cmd/merlon")
	server := s3peer.Start(t)
	for _, c := range []struct {
		bucket string
		locks  bool
		left   []string
	}{{"locked-points", true, nil}, {"plain-points", false, []string{"MRL-BACK-008"}}} {
		t.Run(c.bucket, func(t *testing.T) {
			server.Bucket(c.bucket, c.locks)
			h := newHome(t)
			h.program = need.Built(t, "internal/e2e/restore/bucketclub")
			h.run(0, "migrate", "up")
			if found := backupFindings(t, h); !slices.Equal(found, []string{"MRL-BACK-001"}) {
				t.Errorf("of a new site's backups check finds %v", found)
			}
			kit := filepath.Join(t.TempDir(), "kit")
			h.run(0, "backup", "init", "--to", server.Address(c.bucket, "base"), "--kit", kit, "--set", "credentials="+s3peer.Keys(t, s3peer.Owner, s3peer.OwnerSecret)["credentials"])
			if _, said := h.run(0, "backup", "run"); !strings.Contains(said, "sealing") || !strings.Contains(said, "storing point 1, ") || !strings.Contains(said, "proving point 1") {
				t.Errorf("on its way a run says %q", said)
			}
			if out, _ := h.run(0, "drill"); !strings.Contains(out, "PASS") {
				t.Errorf("the drill: %s", out)
			}
			headers := glob(t, h.data(), "backup/header-*.bin")
			if len(headers) == 0 {
				t.Fatal("no header to prove the key with")
			}
			out, err := exec.Command(tool, "recovery", "prove", slices.Max(headers), "--key-file", kit+".txt", "--json").Output()
			var proof struct{ Code string }
			if err != nil || json.Unmarshal(out, &proof) != nil {
				t.Fatalf("recovery prove: %s, %v", out, err)
			}
			h.run(0, "backup", "verify", "--proof", proof.Code)
			if found := backupFindings(t, h); !slices.Equal(found, c.left) {
				t.Errorf("of the backups check still finds %v, want %v", found, c.left)
			}
		})
	}
}

// backupFindings are the rules of backups that check --deploy finds broken.
func backupFindings(t *testing.T, h *home) (ids []string) {
	t.Helper()
	out, _ := h.run(1, "check", "--deploy", "--json")
	var doc struct{ Findings []struct{ ID string } }
	if err := json.Unmarshal([]byte(out), &doc); err != nil {
		t.Fatal(err)
	}
	for _, f := range doc.Findings {
		if strings.HasPrefix(f.ID, "MRL-BACK-") {
			ids = append(ids, f.ID)
		}
	}
	return ids
}
