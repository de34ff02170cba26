package backup

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/merlon-web/merlon/internal/datafolder"
	"github.com/merlon-web/merlon/internal/whole"
)

// A home is the folder data/backup: what the server keeps of its backups. None of it opens a point. Nothing in it but the
// settings is in a point.
type home struct{ dir string }

func homeOf(data string) home { return home{filepath.Join(data, "backup")} }

// The files of a home, all of mode 0600.
const (
	settingsFile = "settings.json" // where the points go, to whom they are sealed
	signersFile  = "signers.json"  // the keys of the next one and the one after it: in no point
	stateFile    = "state.json"    // what was done
	baseFile     = "base.json"     // the newest point that holds all uploads
	lockFile     = "lock"          // one runner at a time
	spoolFolder  = "spool"         // ciphertext on its way
)

func (h home) path(name string) string { return filepath.Join(h.dir, name) }

// make makes the folder, and the data folder around it where there is no site yet.
func (h home) make() error {
	if err := datafolder.Make(filepath.Dir(h.dir)); err != nil {
		return err
	}
	return os.MkdirAll(h.dir, 0o700)
}

// A Setup is what init wrote: where the points go and who can open them.
type Setup struct {
	Format  string    `json:"format"`
	Site    string    `json:"site"`
	Created time.Time `json:"created"`
	Target  string    `json:"target"`            // its address, without secrets
	Options Settings  `json:"options,omitempty"` // of its scheme; secrets are named by their files
	R       []string  `json:"r"`                 // recipients of the points
	T       PublicKey `json:"t"`                 // the owner's root key
	Genesis string    `json:"genesis"`           // its hash
	Try     bool      `json:"try,omitempty"`     // the target is no safe place, and the owner said so
	Mail    string    `json:"mail,omitempty"`    // whom failures are told
	Ping    string    `json:"ping,omitempty"`    // an address outside that is asked for after each drill that passed
	Probes  []Probe   `json:"probes,omitempty"`  // what the target answered at init
}

// setupFormat stands in a Setup, stateFormat in a state.
const (
	setupFormat   = "merlon-backup-settings 1"
	signersFormat = "merlon-backup-signers 1"
	stateFormat   = "merlon-backup-state 1"
	baseFormat    = "merlon-backup-base 1"
)

// ErrNotSetUp says that the site has no backups yet.
var ErrNotSetUp = errors.New("backup: this site has no backups yet: run backup init --to ADDRESS")

// ReadSetup returns the backup settings of a data folder. The error is [ErrNotSetUp] when there are none.
func ReadSetup(data string) (*Setup, error) {
	s := &Setup{}
	switch err := homeOf(data).read(settingsFile, s); {
	case errors.Is(err, fs.ErrNotExist):
		return nil, ErrNotSetUp
	case err != nil:
		return nil, err
	}
	if s.Format != setupFormat || !siteShape.MatchString(s.Site) || recipients(s.R) != nil {
		return nil, fmt.Errorf("backup: %s is damaged or a newer program's: restore it, or move the folder away and run backup init again", homeOf(data).path(settingsFile))
	}
	return s, nil
}

// state is what the server remembers of its chain.
type state struct {
	Format  string              `json:"format"`
	Seq     int64               `json:"seq"`    // of the newest point
	Hash    string              `json:"hash"`   // of its manifest, of the genesis before the first
	Branch  int                 `json:"branch"` //
	Instant time.Time           `json:"instant"`
	Until   time.Time           `json:"until"`             // the lock of the newest point
	Class   Class               `json:"class,omitempty"`   // of the newest point
	Lasts   map[Class]time.Time `json:"lasts,omitempty"`   // the newest instant of each class
	Links   []Link              `json:"links,omitempty"`   // not in a links record yet
	GoneOn  string              `json:"gone_on,omitempty"` // a day of the store's
	Gone    map[Class]int       `json:"gone,omitempty"`    // points whose time was over that were deleted on it
	Size    int64               `json:"size,omitempty"`    // of the last ciphertext
	Content string              `json:"content,omitempty"` // what the last point held: equal, and there is nothing to do
	Current time.Time           `json:"current"`           // the newest point is what the site is, as of then
	Recent  []time.Time         `json:"recent,omitempty"`  // when the site was covered, the last day's

	Tried  time.Time `json:"tried"`            // the last run
	Failed string    `json:"failed,omitempty"` // why it failed, "": it did not
	Since  time.Time `json:"since"`            // of the first failure in a row
	Mailed time.Time `json:"mailed"`           // when the owner was told last
	Offset float64   `json:"offset,omitempty"` // seconds by which this machine's clock is before the store's

	Proven   time.Time   `json:"proven"`            // the owner's key was shown to open a point
	Codes    []codeHash  `json:"codes,omitempty"`   // that would show it
	Wrong    []time.Time `json:"wrong,omitempty"`   // tries of the last day
	Scrubbed time.Time   `json:"scrubbed,omitzero"` // older points were read last
	Nights   nights      `json:"nights,omitzero"`   // points that were made for drills
	Drilled  time.Time   `json:"drilled"`           // the last drill that passed
	Drill    string      `json:"drill,omitempty"`   // how the last one ended
	DrillAt  time.Time   `json:"drill_at"`          // and when; of a demo's chain that had none: when it began
	Probed   time.Time   `json:"probed"`            // when the target was probed last
	Probes   []Probe     `json:"probes,omitempty"`  // what it answered then
	Relocked time.Time   `json:"relocked,omitzero"` // when the locks of the chain's records were made longer last
	Orphans  int64       `json:"orphans,omitempty"` // bytes of data that no manifest names, kept until their lock ends
	Damaged  []damaged   `json:"damaged,omitempty"` // points that were read and are not what was signed
}

// nights counts the points that were made for the drills of a day, by the site's clock.
type nights struct {
	Day string `json:"day"`
	N   int    `json:"n"`
}

// mostNights is how many points a day's drills may make by themselves: each is whole and kept for weeks, and a drill whose process
// dies, or whose point cannot be read back, would be tried again until midnight.
const mostNights = 3

func (s *state) countNight(now time.Time) {
	if day := now.UTC().Format(time.DateOnly); s.Nights.Day != day {
		s.Nights = nights{Day: day}
	}
	s.Nights.N++
}

// tired reports whether a day's drills have made as many points as they may.
func (s *state) tired(now time.Time) bool {
	return s.Nights.Day == now.UTC().Format(time.DateOnly) && s.Nights.N >= mostNights
}

// newest is the newest point that the site knows of; nil when there is none, or it was restored and has made none since: then
// the hash is that of the record by which it goes on.
func (s *state) newest() *Receipt {
	if s.Seq == 0 || s.Class == "" {
		return nil
	}
	return &Receipt{s.Seq, s.Hash}
}

// covers is as of when the newest point is what the site is. What was noted while the clock was ahead does not count: then it is the
// newest time before that which is still known, and the zero time where none is.
func (s *state) covers(now time.Time) (at time.Time) {
	for _, t := range append([]time.Time{s.Current}, s.Recent...) {
		if !ahead(t, now) {
			at = latest(at, t)
		}
	}
	return at
}

// told is the newest point as mails tell it: its receipt, which a restore takes, and as of when it is what the site is.
func (s *state) told() string {
	r := s.newest()
	if r == nil {
		return "-"
	}
	return fmt.Sprintf("%s, %s", r, s.Current.UTC().Format("2006-01-02 15:04 MST"))
}

// codeHash is what the server keeps of a recovery code: enough to compare.
type codeHash struct {
	Seq  int64  `json:"seq"`
	Salt []byte `json:"salt"`
	Sum  []byte `json:"sum"`
}

// readState returns the state, a fresh one when there is none.
func (h home) readState() (*state, error) {
	s := &state{}
	switch err := h.read(stateFile, s); {
	case errors.Is(err, fs.ErrNotExist):
		return &state{Format: stateFormat, Branch: 1, Lasts: map[Class]time.Time{}}, nil
	case err != nil:
		return nil, err
	}
	if s.Format != stateFormat || s.Branch < 1 {
		return nil, fmt.Errorf("backup: %s is damaged or a newer program's: delete it, and the next run reads the chain from the target", h.path(stateFile))
	}
	if s.Lasts == nil {
		s.Lasts = map[Class]time.Time{}
	}
	return s, nil
}

// read reads a file of JSON.
func (h home) read(name string, v any) error {
	text, err := os.ReadFile(h.path(name))
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return fmt.Errorf("backup: %s is damaged: %w", h.path(name), err)
	}
	return nil
}

// write writes a file of JSON in one step: after a crash the old one is there or the new one, whole.
func (h home) write(name string, v any) error {
	text, err := json.MarshalIndent(v, "", "\t")
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	if err := h.make(); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	return writeFile(h.path(name), append(text, '\n'))
}

func writeFile(path string, text []byte) error {
	if err := whole.Write(path, ".new-*", text, 0o600); err != nil {
		return fmt.Errorf("backup: %s cannot be written: %w", path, err)
	}
	return nil
}

// sweep removes what a run that was killed left: ciphertext whose drill key died with it, and halves of files.
func (h home) sweep() error {
	for dir, pattern := range map[string]string{h.path(spoolFolder): "*", h.dir: ".new-*"} {
		found, err := inFolder(dir, pattern)
		if err != nil {
			return err
		}
		for _, name := range found {
			if err := os.Remove(name); err != nil {
				return fmt.Errorf("backup: what an earlier run left cannot be removed: %w", err)
			}
		}
	}
	return nil
}

// inFolder returns the paths of what lies in a folder and has a name of the pattern, in order; none when there is no folder.
// The folder's own name is taken as it is, whatever characters it has.
func inFolder(dir, pattern string) (paths []string, err error) {
	all, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("backup: %w", err)
	}
	for _, e := range all {
		if ok, _ := filepath.Match(pattern, e.Name()); ok {
			paths = append(paths, filepath.Join(dir, e.Name()))
		}
	}
	return paths, nil
}
