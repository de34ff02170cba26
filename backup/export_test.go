package backup

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/merlon-web/merlon/internal/e2e/need"
)

// TestSite is a site whose points go to a place that an external test opens.
type TestSite struct{ *testSite }

// NewTestSite starts a site with backups at an address.
func NewTestSite(t testing.TB, address string, o Settings, schemes ...Scheme) TestSite {
	t.Helper()
	need.Calm(t, day, time.Minute)
	s := &testSite{t: t, data: filepath.Join(t.TempDir(), "data"), address: address, options: o, schemes: schemes}
	s.start()
	s.setUp()
	return TestSite{s}
}

// Point writes a row and makes a point.
func (s TestSite) Point() *Made { return s.point() }

// Run writes rows and makes a point if it can.
func (s TestSite) Run(rows int) (*Made, error) {
	s.note(rows)
	return s.run("")
}

// Wrap puts something before the target of runs; nil takes it away.
func (s TestSite) Wrap(wrap func(Target) Target) { s.wrap(wrap) }

// Store opens the chain, with the owner's root of trust.
func (s TestSite) Store() *Store { return s.store() }

// At opens the chain at another address of the same place, or with other settings.
func (s TestSite) At(address string, o Settings) *Store {
	store := s.store()
	target, err := OpenTarget(s.t.Context(), address, o, s.schemes)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { target.Close() })
	store.target = target
	return store
}

// Events returns the ids of what happened.
func (s TestSite) Events() string { return s.events() }

// Data returns the data folder.
func (s TestSite) Data() string { return s.data }

// Recovery returns the owner's key.
func (s TestSite) Recovery() *Recovery { return s.recovery }

// Offset moves the site's clock away from the real one.
func (s TestSite) Offset(by time.Duration) { s.offset.set(by) }

// Rows counts what the site has.
func (s TestSite) Rows() int64 {
	s.t.Helper()
	r := s.site.House().Engine.Read(s.t.Context())
	defer r.Close()
	n, err := countNotes.One(r)
	if err != nil {
		s.t.Fatal(err)
	}
	return n.N
}

// Note writes rows.
func (s TestSite) Note(n int) { s.note(n) }

// StartTestSite starts a site that was set up before.
func StartTestSite(t testing.TB, data string, schemes ...Scheme) TestSite {
	t.Helper()
	setup, err := ReadSetup(data)
	if err != nil {
		t.Fatal(err)
	}
	s := &testSite{t: t, data: data, address: setup.Target, options: setup.Options, schemes: schemes}
	s.start()
	return TestSite{s}
}

// Close ends the site.
func (s TestSite) Close() error { return s.site.Close(s.t.Context()) }

// Kills is how often a test kills.
func Kills() int { return kills() }

// NoCanary demands that no file of these folders holds what a site wrote, in the clear.
func NoCanary(t testing.TB, folders ...string) { noCanary(t, folders...) }
