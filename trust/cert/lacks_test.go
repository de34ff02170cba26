package cert

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/merlon-web/merlon/check"
)

// TestLacks: what an authority has not given is found, host by host, and does not refuse a start.
func TestLacks(t *testing.T) {
	now, dir := time.Now(), t.TempDir()
	for name, text := range map[string][]byte{
		"sound.test": pairOf(t, 1, now.Add(-day), now.Add(89*day), "sound.test"),
		"other.test": pairOf(t, 2, now.Add(-day), now.Add(89*day), "sound.test"),
		"junk.test":  []byte("junk"),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for host, want := range map[string]string{"sound.test": "", "other.test": "not other.test", "junk.test": "holds no certificate", "none.test": "has given none yet"} {
		a, err := NewACME(ACMEConfig{Hosts: []string{host}, Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		found := check.Run(t.Context(), Checks(a, time.Now)...).Findings(check.Low)
		switch {
		case want == "" && len(found) > 0:
			t.Errorf("%s: found %v", host, found)
		case want != "" && (len(found) != 1 || found[0].ID != RuleACME.ID || found[0].Severity != check.Medium || !strings.Contains(found[0].What, want)):
			t.Errorf("%s: found %v, want %s: %s", host, found, RuleACME.ID, want)
		}
	}
}
