package backup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/internal/datafolder"
	"github.com/merlon-web/merlon/internal/setting"
)

// When things are too old.
const (
	proofWarn  = 90 * 24 * time.Hour
	proofFail  = 180 * 24 * time.Hour
	firstProof = 7 * 24 * time.Hour
	drillOld   = 8 * 24 * time.Hour
)

// checks look at what the server knows of its backups: settings and state, not the target.
func (p *part) checks() []check.Check {
	look := func(rule check.Rule, judge func(*seen) (what, do string)) check.Check {
		return check.Check{Rule: rule, Deploy: true, Live: true, Run: func(context.Context) []check.Finding {
			s, err := p.look()
			if err != nil {
				return []check.Finding{rule.Finding("data/backup", err.Error(), "mend that first: nothing of the backups can be judged")}
			}
			if s == nil || s.setup == nil && rule.ID != RuleNone.ID {
				return nil
			}
			if what, do := judge(s); what != "" {
				return []check.Finding{rule.Finding("data/backup", what, do)}
			}
			return nil
		}}
	}
	return []check.Check{
		look(RuleNone, checkNone), p.checkServer(), look(RuleSameDisk, checkDisk), look(RuleKeyBeside, checkKey), look(RuleDrillOld, checkDrill), look(RuleProofOld, checkProof),
		look(RuleProofMissing, checkNoProof), look(RuleGap, p.checkGap), look(RuleDeletable, checkDeletable), look(RuleClock, checkClock), look(RuleDamaged, checkDamaged),
	}
}

// seen is what a check looks at.
type seen struct {
	setup *Setup // nil: none
	state *state
	data  string
	now   time.Time
}

// look reads settings and state; nil when the site was not started, whose folder is not known then.
func (p *part) look() (*seen, error) {
	if p.house == nil {
		return nil, nil
	}
	s := &seen{data: p.house.Data, now: p.house.Clock()}
	var err error
	if s.setup, err = ReadSetup(s.data); err != nil && !errors.Is(err, ErrNotSetUp) {
		return nil, err
	}
	if s.state, err = homeOf(s.data).readState(); err != nil {
		return nil, err
	}
	return s, nil
}

// checkNone is about a site that goes into the world, as all of these are: one that is being written has nothing to lose.
func checkNone(s *seen) (string, string) {
	switch {
	case s.setup == nil:
		return "no place for backups was named", "backup init --to ADDRESS"
	case s.setup != nil && s.state.Seq == 0 && ageOf(s.setup.Created, s.now) > time.Hour:
		return "backup init was run, and there is no point yet", "backup run"
	}
	return "", ""
}

// checkServer asks the engine whether the database's server lets copies be made and loaded, also before a place was named.
func (p *part) checkServer() check.Check {
	return check.Check{Rule: RuleServer, Deploy: true, Live: true, Run: func(ctx context.Context) []check.Finding {
		if p.house == nil || p.house.Mode == merlon.Drill || p.house.Carrier() == nil {
			return nil
		}
		if err := p.house.Carrier().Able(ctx); err != nil {
			return []check.Finding{RuleServer.Finding(setting.DatabaseURL.String(), err.Error(), "do what it says; then: backup run, and drill")}
		}
		return nil
	}}
}

func checkDisk(s *seen) (string, string) {
	if s.setup.Try {
		return "the target was named with --try, or by serve --demo", "move data/backup away, and run backup init with a place elsewhere"
	}
	if u, err := url.Parse(s.setup.Target); err == nil && u.Scheme == fileScheme.Name {
		if t, err := openFile(u); err == nil {
			defer t.Close()
			if SameDisk(t, s.data) {
				return s.setup.Target + " lies on the same disk as the data: perhaps the disk that it should be on is not mounted", "mount it; or name another place"
			}
		}
	}
	return "", ""
}

// keyFiles bounds what is looked through for a key.
const (
	maxKeyFile  = 256 << 10
	maxKeyFiles = 2000
	maxNear     = 200 // files beside the data folder
)

// checkKey looks for a recovery key in the small files of the data folder, and where serve --demo puts a kit.
func checkKey(s *seen) (what, do string) {
	said := func(name string) (string, string) {
		return name + " holds a recovery key", "print it if you have no copy, then delete the file; whoever had access to this machine may have it: begin a new chain"
	}
	page, text := demoPlaceOf(s.data).kit()
	for _, path := range []string{text, page} {
		if holdsKey(path) {
			return said(path)
		}
	}
	for _, end := range []string{"*.txt", "*.html"} { // where init --kit was run, perhaps
		near, _ := inFolder(filepath.Dir(located(s.data)), end)
		for _, path := range near[:min(len(near), maxNear)] {
			if holdsKey(path) {
				return said(path)
			}
		}
	}
	n := 0
	errStop := errors.New("enough")
	err := datafolder.Walk(s.data, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return nil
		}
		if info, err := d.Info(); err != nil || info.Size() > maxKeyFile {
			return nil
		}
		if n++; n > maxKeyFiles {
			return errStop
		}
		if holdsKey(path) {
			what, do = said(filepath.Base(path))
			return errStop
		}
		return nil
	})
	if err != nil && !errors.Is(err, errStop) {
		return err.Error(), "let the site read its data folder"
	}
	return what, do
}

// holdsKey reports whether a small file holds a recovery key, in whatever groups.
func holdsKey(path string) bool {
	info, err := os.Lstat(path)
	if err != nil || !info.Mode().IsRegular() || info.Size() > maxKeyFile {
		return false
	}
	text, err := os.ReadFile(path)
	return err == nil && bytes.Contains(bytes.ToUpper(bytes.Join(bytes.Fields(text), nil)), []byte(recoveryPrefix))
}

func checkDrill(s *seen) (string, string) {
	last := s.state.Drilled
	if last.IsZero() {
		last = s.setup.Created
	}
	if ageOf(last, s.now) <= drillOld {
		return "", ""
	}
	return "the last drill that passed was " + ago(s.state.Drilled, s.now), "run: drill"
}

func (s *seen) proofAge() time.Duration {
	if s.state.Proven.IsZero() {
		return -1
	}
	return ageOf(s.state.Proven, s.now)
}

func checkProof(s *seen) (string, string) {
	if age := s.proofAge(); age > proofWarn && age <= proofFail {
		return "the recovery key was shown to work " + ago(s.state.Proven, s.now), "merlon recovery prove FILE, then backup verify --proof CODE"
	}
	return "", ""
}

func checkNoProof(s *seen) (string, string) {
	age := s.proofAge()
	if age < 0 && ageOf(s.setup.Created, s.now) > firstProof || age > proofFail {
		return "the recovery key was shown to work " + ago(s.state.Proven, s.now), "merlon recovery prove FILE, then backup verify --proof CODE"
	}
	return "", ""
}

// checkGap judges how old what the newest point covers is: while runs fail, and while the site is up and no run comes to its end,
// which leaves no word in the state.
func (p *part) checkGap(s *seen) (string, string) {
	was := "the newest point is what the site was " + ago(s.state.Current, s.now)
	switch {
	case s.state.Failed != "" && ageOf(s.state.covers(s.now), s.now) > p.mostGap():
		return was + ": " + s.state.Failed, "mend that, then: backup run"
	case s.state.newest() != nil && p.overdue(s.state, s.now):
		return was + ", and no run has come to its end since", "see in the log why, and who has " + homeOf(s.data).path(lockFile) + "; then: backup run"
	}
	return "", ""
}

func checkDeletable(s *seen) (string, string) {
	if s.setup.Try {
		return "", "" // said already
	}
	probes := s.state.Probes
	if probes == nil {
		probes = s.setup.Probes
	}
	if means := mayDelete(probes); len(means) > 0 {
		return fmt.Sprintf("%s: %s", s.setup.Target, means[0]), "give the place an object lock, or keep a second copy that this server cannot reach"
	}
	return "", ""
}

func checkClock(s *seen) (string, string) {
	if d := time.Duration(s.state.Offset * float64(time.Second)); d.Abs() > maxOffset {
		return fmt.Sprintf("this machine's clock was %s from the store's at the last run", d.Round(time.Second)), "set this machine's clock by NTP, then: backup run"
	}
	return "", ""
}
