package asvs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/merlon-web/merlon/check/asvs"
)

const root = "../.."

func TestRowsAreWhole(t *testing.T) {
	id := regexp.MustCompile(`^\d+\.\d+\.\d+$`)
	seen := map[string]bool{}
	total, last := 0, []int{0, 0, 0}
	for _, r := range asvs.Rows() {
		if seen[r.ID] {
			t.Errorf("%s stands twice", r.ID)
		}
		seen[r.ID] = true
		total += r.Count
		if r.Count == 1 && !id.MatchString(r.ID) || r.Level != 1 && r.Level != 2 || r.State == "" || r.What == "" || r.How == "" {
			t.Errorf("the row is not whole: %+v", r)
		}
		if needs := r.State == asvs.Enforced || r.State == asvs.Checked; needs != (r.Proof != "") {
			t.Errorf("%s is %s with the proof %q", r.ID, r.State, r.Proof)
		}
		now := []int{0, 0, 0}
		for i, part := range strings.Split(r.ID, ".") {
			now[i], _ = strconv.Atoi(part)
		}
		if now[0] < last[0] || now[0] == last[0] && (now[1] < last[1] || now[1] == last[1] && now[2] <= last[2]) {
			t.Errorf("%s is out of order", r.ID)
		}
		last = now
	}
	if total != 70+183 { // levels 1 and 2 of ASVS 5.0.0
		t.Errorf("%d requirements, the standard has 253 of levels 1 and 2", total)
	}
	t.Log(asvs.Summary(asvs.Rows()))
}

// TestProofsAreThere: each test that a row names is a test of that room.
func TestProofsAreThere(t *testing.T) {
	for _, r := range asvs.Rows() {
		if r.State != asvs.Enforced {
			continue
		}
		room, name, ok := strings.Cut(r.Proof, ".")
		dir := filepath.Join(root, room)
		if room == "merlon" {
			dir = root
		}
		files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
		if err != nil || !ok {
			t.Fatalf("%s: %q: %v", r.ID, r.Proof, err)
		}
		if !declares(t, files, name) {
			t.Errorf("%s: %s has no test %s", r.ID, room, name)
		}
	}
	if declares(t, []string{"asvs_test.go"}, "TestProofsAre") {
		t.Error("a part of a name is taken for the name")
	}
}

func declares(t *testing.T, files []string, name string) bool {
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "\nfunc "+name+"(t *testing.T)") {
			return true
		}
	}
	return false
}

// TestReadmeHasTheCounts: the claim is made once, and is true.
func TestReadmeHasTheCounts(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	if want := asvs.Summary(asvs.Rows()); !strings.Contains(string(text), want) {
		t.Errorf("README.md lacks %q", want)
	}
}
