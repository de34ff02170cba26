package build

import (
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/merlon-web/merlon/check"
)

func TestVersionsAreOrdered(t *testing.T) {
	// Semantic Versioning 2.0.0, 11.4, and what Go adds.
	order := []string{"0", "0.0.0-20200101000000-aaaaaaaaaaaa", "0.0.0-20210101000000-aaaaaaaaaaaa", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta.2", "1.0.0-beta.11",
		"1.0.0-rc.1", "1.0.0", "1.0.1-0.20200101000000-aaaaaaaaaaaa", "1.0.1", "1.2.0", "1.10.0", "1.26", "1.26.8", "1.27.0-0", "1.27rc1", "1.27rc2", "1.27", "2.0.0+incompatible"}
	for i, a := range order {
		for j, b := range order {
			want := 0
			if i < j {
				want = -1
			} else if i > j {
				want = 1
			}
			if got := compare(a, b); got != want {
				t.Errorf("compare(%s, %s) = %d, want %d", a, b, got, want)
			}
		}
	}
	if compare("v1.2.3", "1.2.3+meta") != 0 || compare("1.26", "1.26.0") != 0 {
		t.Error("a v before, or words behind, make another version")
	}
}

func TestHolesAreFoundByVersion(t *testing.T) {
	for _, c := range []struct {
		module, version, id string
		has                 bool
	}{
		{"github.com/go-chi/chi/v5", "5.2.1", "GO-2025-3770", true}, // fixed in 5.2.2
		{"github.com/go-chi/chi/v5", "5.2.2", "GO-2025-3770", false},
		{"github.com/go-chi/chi", "1.5.5", "GO-2026-4316", true}, // no version is mended
		{"stdlib", "1.22.4", "GO-2024-2963", true},               // net/http, fixed in 1.22.5
		{"stdlib", "1.22.5", "GO-2024-2963", false},
		{"stdlib", "1.21.11", "GO-2024-2963", true},
		{"example.org/nobody/knows", "1.0.0", "GO-2024-2963", false},
	} {
		has := false
		for _, h := range holesOf(c.module, c.version) {
			has = has || h.id == c.id
		}
		if has != c.has {
			t.Errorf("%s %s has %s: %v, want %v", c.module, c.version, c.id, has, c.has)
		}
	}
	if to := mended([]hole{{"a", "1.2.3"}, {"b", "1.10.0"}}, "1.0.0"); to != "1.10.0" {
		t.Errorf("mended in %s", to)
	}
	if to := mended([]hole{{"a", "1.2.3"}, {"b", ""}}, "1.0.0"); to != "" {
		t.Errorf("one that is not mended is mended in %s", to)
	}
}

// What the program does not tell of itself has not passed.
func TestWhatIsNotToldIsUnseen(t *testing.T) {
	words := func(i Info) map[string]string {
		all := map[string]string{}
		for _, r := range check.Run(With(t.Context(), i), Checks()...) {
			all[r.Rule.ID] = r.Word()
		}
		return all
	}
	none := words(Info{Go: "go1.999.0", Now: Known()})
	for id, word := range words(Info{Go: "devel go1.28-abcdef", Now: Known(), Build: &debug.BuildInfo{Settings: []debug.BuildSetting{{Key: "-trimpath", Value: "true"}}}}) {
		if want := map[bool]string{true: "UNSEEN", false: "PASS"}[id == RuleGo.ID]; word != want {
			t.Errorf("%s of a development version of Go: %s, want %s", id, word, want)
		}
		want := "UNSEEN"
		switch id {
		case RuleGo.ID, RuleStale.ID:
			want = "PASS"
		case RuleUnknown.ID:
			want = "NOTE"
		}
		if none[id] != want {
			t.Errorf("%s without build information: %s, want %s", id, none[id], want)
		}
	}
}

func TestListIsWhole(t *testing.T) {
	if day := Known(); day.Before(time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("the list is of %v", day)
	}
	lines := strings.Split(strings.TrimSuffix(vulns, "\n"), "\n")
	if len(lines) < 5000 {
		t.Errorf("%d lines", len(lines))
	}
	for i, line := range lines[1:] {
		if strings.Count(line, "\t") != 2 || i > 0 && line < lines[i] {
			t.Fatalf("line %d is broken or not in order: %q", i+2, line)
		}
	}
}
