package host_test

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/check/host"
)

// TestMain makes this program its own child: it prints what it finds about itself.
func TestMain(m *testing.M) {
	if data := os.Getenv("MERLON_TEST_FACTS"); data != "" {
		f := host.Read(data)
		var ids []string
		for _, found := range check.Run(host.With(context.Background(), f), host.Checks(data)...).Findings(check.Low) {
			ids = append(ids, found.ID)
		}
		f.Env = nil
		_ = json.NewEncoder(os.Stdout).Encode(struct {
			Facts host.Facts
			IDs   []string
		}{f, ids})
		return
	}
	os.Exit(m.Run())
}

// TestFactsAreThoseOfTheProcess starts the same program with a shell that sets what is to be seen.
func TestFactsAreThoseOfTheProcess(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("facts of a process are read on Linux")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(t.TempDir(), "data")
	if err := os.Mkdir(data, 0o700); err != nil {
		t.Fatal(err)
	}
	open := filepath.Join(data, "shop.db")
	if err := os.WriteFile(open, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	ask := func(script string) (ids []string) {
		t.Helper()
		c := exec.Command("sh", "-c", script+`; exec "$0"`, self)
		c.Env = []string{"PATH=" + os.Getenv("PATH"), "MERLON_TEST_FACTS=" + data, "GORACE=" + os.Getenv("GORACE")} // with which it ends at once
		out, err := c.Output()
		if err != nil {
			t.Fatalf("%s: %v", script, err)
		}
		var got struct {
			Facts host.Facts
			IDs   []string
		}
		if err := json.Unmarshal(out, &got); err != nil {
			t.Fatal(err)
		}
		if got.Facts.UID != os.Geteuid() || got.Facts.Program == "" || got.Facts.Data.Path != data || got.Facts.Data.Free <= 0 {
			t.Errorf("facts %+v", got.Facts)
		}
		return got.IDs
	}
	for _, c := range []struct {
		rule          check.Rule
		broken, sound string
	}{
		{host.RuleUmask, "umask 0022", "umask 0077"},
		{host.RuleCore, "ulimit -S -c 1000 2>/dev/null || ulimit -S -c unlimited", "ulimit -c 0"},
		{host.RuleFiles, "ulimit -n 256", ":"},
		{host.RuleNoLimit, ":", "export GOMEMLIMIT=100MiB"},
		{host.RuleLimit, "export GOMEMLIMIT=900TiB", "export GOMEMLIMIT=100MiB"},
		{host.RuleCrash, "export GOTRACEBACK=crash", "export GOTRACEBACK=single"},
		{host.RuleGodebug, "export GODEBUG=http2client=0,tls10server=1", "export GODEBUG=http2client=0"},
		{host.RulePreload, "export LD_LIBRARY_PATH=/nowhere", ":"},
		{host.RuleSecretEnv, "export MERLON_MAIL_PASSWORD=x", "export MERLON_MAIL_PASSWORD_FILE=x"},
		{host.RuleOpen, "chmod 644 " + open, "chmod 600 " + open},
	} {
		if ids := ask(c.broken); !slices.Contains(ids, c.rule.ID) {
			t.Errorf("%s: %q does not find it: %s", c.rule.ID, c.broken, strings.Join(ids, " "))
		}
		if ids := ask(c.sound); slices.Contains(ids, c.rule.ID) {
			t.Errorf("%s: %q finds it", c.rule.ID, c.sound)
		}
	}
}

// TestFolderByALink: a data folder that is named by a link, as systemd makes one of DynamicUser=, is looked into.
func TestFolderByALink(t *testing.T) {
	real, link := filepath.Join(t.TempDir(), "private"), filepath.Join(t.TempDir(), "data")
	if err := os.Mkdir(real, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(real, "shop.db"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(real, "shop.db"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(real, link); err != nil {
		t.Skip("no symbolic links here: ", err)
	}
	if open := host.Read(link).Data.Open; !slices.Equal(open, []string{"shop.db (0644)"}) {
		t.Errorf("open to others: %q", open)
	}
}

// A program that does not know when it was committed cannot tell a clock that is behind.
func TestClockWithoutACommit(t *testing.T) {
	for _, built := range []time.Time{{}, time.Unix(1, 0)} {
		f := host.Facts{Built: built, Now: time.Now()}
		for _, r := range check.Run(host.With(t.Context(), f), host.Checks(t.TempDir())...) {
			if r.Rule.ID == host.RuleClock.ID && (r.Unseen != "") != built.IsZero() {
				t.Errorf("committed at %v: %s %s", built, r.Word(), r.Unseen)
			}
		}
	}
}

// TestFolderOfManyFiles: what lies in the data folder itself is looked at, also behind more uploads than are; and that these were not all
// looked at is told.
func TestFolderOfManyFiles(t *testing.T) {
	data := t.TempDir()
	folder := filepath.Join(data, "a")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	defer host.LookAt(20)()
	for n := range 20 {
		if err := os.WriteFile(filepath.Join(folder, strconv.Itoa(n)), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	state := func() check.Result {
		return check.Run(host.With(t.Context(), host.Facts{Data: host.Read(data).Data}), check.Choice{Only: []string{host.RuleOpen.ID}}.Of(host.Checks(data))...)[0]
	}
	if r := state(); r.Word() != "UNSEEN" {
		t.Errorf("%s %v", r.Word(), r.Findings)
	}
	open := filepath.Join(data, "zoo.db")
	if err := os.WriteFile(open, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(open, 0o644); err != nil {
		t.Fatal(err)
	}
	if r := state(); r.Word() != "FAIL" || !strings.Contains(r.Findings[0].What, "zoo.db (0644)") {
		t.Errorf("%s %v", r.Word(), r.Findings)
	}
}
