package backup

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"
)

const evidenceFormat = "merlon-drill 1"

// Evidence is what a drill leaves: a file in data/drills. It holds no secret. Each names the hash of the one before, and its
// own is in the signed proof at the target; it is a claim of the server all the same.
type Evidence struct {
	Format    string             `json:"format"`
	Seq       int64              `json:"seq"` // the point
	Class     Class              `json:"class,omitempty"`
	Instant   time.Time          `json:"instant"`
	Outcome   string             `json:"outcome"` // pass or fail
	Problem   string             `json:"problem,omitempty"`
	Failed    string             `json:"failed_step,omitempty"`
	Started   time.Time          `json:"started"`
	RPO       float64            `json:"rpo_s"` // how old what would have been restored was when the drill began
	RPOTarget float64            `json:"rpo_target_s"`
	WorstGap  float64            `json:"worst_gap_24h_s"`
	RTO       float64            `json:"rto_machine_s"` // fetch to first page, on this machine: people and a new server take longer
	RTOTarget float64            `json:"rto_target_s"`
	Bytes     int64              `json:"bytes"` // of ciphertext, that were fetched
	Steps     map[string]float64 `json:"steps_s"`
	Checks    DrillChecks        `json:"checks"`
	ProofAge  float64            `json:"recovery_proof_age_d"` // days; -1: never shown, or while the clock was ahead
	Build     string             `json:"build"`
	Prev      string             `json:"prev,omitempty"` // the hash of the evidence before

	read readings
}

// DrillChecks are what a drill looked at.
type DrillChecks struct {
	Chain       string `json:"chain,omitempty"`
	Ciphertext  string `json:"ciphertext,omitempty"`
	Integrity   string `json:"integrity,omitempty"`
	ForeignKeys int    `json:"foreign_keys"`
	Tables      int    `json:"tables"`
	RowsEqual   int    `json:"rows_equal"`
	Uploads     int    `json:"uploads"` // all of the point, each of which is there with its bytes
	Users       int    `json:"users"`   // that signed in, one of each role
	SignIn      string `json:"signin,omitempty"`
	Pages       int    `json:"pages"`          // that were read
	Post        string `json:"post,omitempty"` // ok when what users of each role sent by a form stood there afterwards
	OldCookie   string `json:"old_cookie,omitempty"`
	OldLink     string `json:"old_link,omitempty"`
	Check       string `json:"check,omitempty"`
	Network     string `json:"network,omitempty"` // what kept the copy from calling out
	Dials       int64  `json:"outbound_dials"`
	Before      string `json:"newest_before,omitempty"`     // ok when the newest point before the drill's own was read and is what was signed
	BeforeSeq   int64  `json:"newest_before_seq,omitempty"` // its number
	Older       int    `json:"older_points_read"`           // and compared with what was signed
	Damaged     int    `json:"damaged_points"`              // that were found before, and have not been whole since
}

// age fills in how old things were when the drill began.
func (e *Evidence) age(s *state, now time.Time) {
	if !s.Current.IsZero() {
		e.RPO = seconds(ageOf(s.covers(now), now))
	}
	recent := slices.DeleteFunc(slices.Clone(s.Recent), func(t time.Time) bool { return ahead(t, now) })
	for i, at := range recent {
		next := now
		if i+1 < len(recent) {
			next = recent[i+1]
		}
		e.WorstGap = max(e.WorstGap, seconds(next.Sub(at)))
	}
	e.Checks.Damaged = len(s.Damaged)
	e.ProofAge = -1
	if !s.Proven.IsZero() && !ahead(s.Proven, now) {
		e.ProofAge = float64(int(ageOf(s.Proven, now).Hours() / 24))
	}
}

// judge compares with the targets.
func (e *Evidence) judge() error {
	switch {
	case e.RPO > e.RPOTarget:
		e.Failed = "rpo"
		return fmt.Errorf("backup: what would have been restored was %s old when the drill began, the target is %s: see why points are not made more often", duration(e.RPO), duration(e.RPOTarget))
	case e.RTO > e.RTOTarget:
		e.Failed = "rto"
		return fmt.Errorf("backup: the restore took %s, the target is %s: see which step is slow", duration(e.RTO), duration(e.RTOTarget))
	}
	return nil
}

func duration(s float64) time.Duration {
	return time.Duration(s * float64(time.Second)).Round(100 * time.Millisecond)
}

// place returns where the evidence of a drill is kept, and notes the hash of the one before. It writes nothing yet.
func (e *Evidence) place(data string) (path string, err error) {
	dir := filepath.Join(data, "drills")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("backup: %w", err)
	}
	found, err := inFolder(dir, "*.json")
	if err != nil {
		return "", err
	}
	if len(found) > 0 {
		text, err := os.ReadFile(slices.Max(found)) // names are times
		if err != nil {
			return "", fmt.Errorf("backup: %w", err)
		}
		e.Prev = hashText(sha256.Sum256(text))
	}
	path = filepath.Join(dir, e.Started.UTC().Format("2006-01-02T150405.000Z")+".json")
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("backup: %s is there already: two drills began at once", path)
	}
	return path, nil
}

// text is the evidence as it is kept, and its hash.
func (e *Evidence) text() (text []byte, sum string, err error) {
	if text, err = json.MarshalIndent(e, "", "\t"); err != nil {
		return nil, "", fmt.Errorf("backup: %w", err)
	}
	text = append(text, '\n')
	return text, hashText(sha256.Sum256(text)), nil
}

// write keeps the evidence at its place, in one step.
func (e *Evidence) write(path string) error {
	text, _, err := e.text()
	if err != nil {
		return err
	}
	return writeFile(path, text)
}

// conclude says how the drill ended.
func (e *Evidence) conclude(err error) {
	e.Outcome = "pass"
	if err != nil {
		e.Outcome, e.Problem = "fail", err.Error()
	}
}

// print tells the outcome to people.
func (e *Evidence) print(out io.Writer) {
	if e.Checks.Ciphertext != "" {
		fmt.Fprintf(out, "restored  point %d of %s into a scratch place   %.1f s\n", e.Seq, e.Instant.UTC().Format("2006-01-02 15:04:05 MST"), e.Steps["fetch"])
	}
	if e.Checks.SignIn == "ok" {
		post := "a post"
		if e.Checks.Post == "" {
			post = "no post beside them"
		}
		fmt.Fprintf(out, "checked   integrity, %d tables, row counts, keys, %s, sign-in of %d roles, %d pages, %s; old cookies and links are refused\n",
			e.Checks.Tables, count(e.Checks.Uploads, "upload"), e.Checks.Users, e.Checks.Pages, post)
		fmt.Fprintf(out, "network   %s, %d calls out\n", e.Checks.Network, e.Checks.Dials)
	}
	if e.Outcome != "pass" {
		fmt.Fprintf(out, "FAIL      point %d: %s\n", e.Seq, e.Problem)
		return
	}
	fmt.Fprintf(out, "RPO       %s    (target %s)    PASS\nRTO       %s    (target %s)    PASS   on this machine\n", duration(e.RPO), duration(e.RPOTarget), duration(e.RTO), duration(e.RTOTarget))
}
