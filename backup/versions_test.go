package backup

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"sort"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/merlon-web/merlon/internal/e2e/need"
)

// versions is a store in memory that keeps every version, as a bucket does: what is written over or deleted stays behind.
type versions struct {
	mu    sync.Mutex
	all   []kept
	reads int
	at    time.Time // its clock; zero: the system's
}

type kept struct {
	Object
	text   []byte
	marker bool
}

func (v *versions) String() string { return "mem://store" }
func (v *versions) Traits() Traits {
	return Traits{Locks: true, Versions: true, Hashes: true, Dates: true}
}
func (v *versions) Close() error { return nil }

func (v *versions) Now(context.Context) (time.Time, error) {
	if !v.at.IsZero() {
		return v.at, nil
	}
	return time.Now(), nil
}

// newest returns the index of the name's current version, -1 if there is none or a marker hides it.
func (v *versions) newest(name string) int {
	for i := len(v.all) - 1; i >= 0; i-- {
		if v.all[i].Name == name {
			if v.all[i].marker {
				return -1
			}
			return i
		}
	}
	return -1
}

func (v *versions) Put(_ context.Context, name string, body io.ReadSeeker, o PutOptions) (Object, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if o.Once && v.newest(name) >= 0 {
		return Object{}, ErrExists
	}
	text, err := io.ReadAll(body)
	if err != nil || sha256.Sum256(text) != o.SHA256 || int64(len(text)) != o.Size {
		return Object{}, errors.Join(ErrDamaged, err)
	}
	return v.add(name, text, o.LockUntil), nil
}

func (v *versions) add(name string, text []byte, until time.Time) Object {
	sum := sha256.Sum256(text)
	now, _ := v.Now(context.Background())
	o := Object{Name: name, Version: fmt.Sprint(len(v.all) + 1), Size: int64(len(text)), SHA256: hex.EncodeToString(sum[:]), Stored: now, LockUntil: until}
	v.all = append(v.all, kept{Object: o, text: text})
	return o
}

func (v *versions) Get(_ context.Context, o Object) (io.ReadCloser, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.reads++
	i := slices.IndexFunc(v.all, func(k kept) bool { return k.Name == o.Name && k.Version == o.Version })
	if o.Version == "" {
		i = v.newest(o.Name)
	}
	if i < 0 || v.all[i].marker {
		return nil, ErrNotFound
	}
	return io.NopCloser(bytes.NewReader(v.all[i].text)), nil
}

func (v *versions) Stat(_ context.Context, name string) (Object, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if i := v.newest(name); i >= 0 {
		return v.all[i].Object, nil
	}
	return Object{}, ErrNotFound
}

func (v *versions) List(_ context.Context, prefix string) iter.Seq2[Object, error] {
	v.mu.Lock()
	defer v.mu.Unlock()
	var found []Object
	for i, k := range v.all {
		if strings.HasPrefix(k.Name, prefix) && !k.marker {
			k.Hidden = v.newest(k.Name) != i
			found = append(found, k.Object)
		}
	}
	sort.SliceStable(found, func(i, j int) bool { return found[i].Name < found[j].Name })
	return func(yield func(Object, error) bool) {
		for _, o := range found {
			if !yield(o, nil) {
				return
			}
		}
	}
}

func (v *versions) Delete(_ context.Context, o Object) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if o.Version != "" {
		return ErrDenied // locked
	}
	v.all = append(v.all, kept{Object: Object{Name: o.Name, Version: fmt.Sprint(len(v.all) + 1)}, marker: true})
	return nil
}

func (v *versions) Lock(_ context.Context, o Object, until time.Time) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	i := slices.IndexFunc(v.all, func(k kept) bool { return k.Name == o.Name && k.Version == o.Version })
	if i < 0 {
		return ErrNotFound
	}
	if until.Before(v.all[i].LockUntil) {
		return ErrDenied
	}
	v.all[i].LockUntil = until
	return nil
}

// onVersions makes a site whose target keeps versions.
func onVersions(t *testing.T, points int) (*testSite, *versions) {
	t.Helper()
	v := &versions{}
	s := newTestSite(t, false)
	s.part.runner.schemes = memory(v)
	s.setUpOn(v)
	for range points {
		s.point()
	}
	return s, v
}

// What somebody with the site's credentials can do to a bucket is put newer versions and markers in front. The earlier ones are
// found, used and told.
func TestWhatIsHiddenIsFound(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(v *versions, name string)
	}{
		{"written over", func(v *versions, name string) { v.add(name, []byte("something else"), time.Time{}) }},
		{"deleted", func(v *versions, name string) { _ = v.Delete(context.Background(), Object{Name: name}) }},
		{"written over by nothing", func(v *versions, name string) { v.add(name, nil, time.Time{}) }},
		{"deleted, then written anew", func(v *versions, name string) {
			_ = v.Delete(context.Background(), Object{Name: name})
			v.add(name, []byte("something else"), time.Time{})
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, v := onVersions(t, 3)
			setup, err := ReadSetup(s.data)
			if err != nil {
				t.Fatal(err)
			}
			store := &Store{target: v, site: setup.Site, root: setup.T}
			points, err := store.Chain(t.Context(), nil)
			if err != nil || len(points) != 3 || points[0].Depth != Read || points[1].Depth != Stored {
				t.Fatalf("%+v, %v", points, err)
			}
			for _, name := range []string{genesisName, formatObject, "chain/00000001-links.json", points[1].Folder() + "/manifest.json", points[2].Folder() + "/manifest.json",
				points[1].Folder() + "/" + points[1].Data.Name, points[0].Folder() + "/receipt-1.json"} {
				before := slices.Clone(v.all)
				c.do(v, store.full(name))
				got, err := store.Chain(t.Context(), nil)
				var all ChainErrors
				errors.As(err, &all)
				if len(got) != 3 || len(all) != 1 || all[0].Fault != Hidden || all[0].Object != name {
					t.Errorf("%s: %d points, %v", name, len(got), err)
				}
				for _, p := range got {
					stream, err := store.Fetch(t.Context(), p, s.recovery.Identity())
					if err != nil {
						t.Fatal(err)
					}
					if _, err := Inspect(stream); err != nil {
						t.Errorf("%s: point %d does not open: %v", name, p.Seq, err)
					}
					stream.Close()
				}
				v.all = before
			}
		})
	}
}

// Points go when their time is over; the links stay, and a chain whose beginning is gone is walked from its genesis.
func TestAChainOutlivesItsPoints(t *testing.T) {
	need.Time(t, "makes a year of points")
	s, v := onVersions(t, 0)
	setup, err := ReadSetup(s.data)
	if err != nil {
		t.Fatal(err)
	}
	store := &Store{target: v, site: setup.Site, root: setup.T}
	day := 24 * time.Hour
	expire := func() { // as the store's lifecycle does
		v.all = slices.DeleteFunc(v.all, func(k kept) bool {
			return !strings.Contains(k.Name, "/chain/") && !k.LockUntil.IsZero() && k.LockUntil.Add(day).Before(v.at)
		})
	}
	made := 0
	start := time.Date(2026, 1, 1, 1, 0, 0, 0, time.UTC)
	for d := range 70 {
		for hour := range 1 + d%7/6 { // on a day of the week a second one, of class h
			v.at = start.Add(time.Duration(d)*day + time.Duration(hour)*time.Hour)
			s.offset.set(time.Until(v.at))
			s.point()
			made++
		}
		expire()
	}
	points, err := store.Chain(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	classes := map[Class]int{}
	for _, p := range points {
		classes[p.Class]++
	}
	t.Logf("%d points made, %d there: %v", made, len(points), classes)
	if last := points[len(points)-1]; last.Seq != int64(made) || classes[Monthly] != 3 || len(points) > 60 {
		t.Errorf("the newest is %d of %d; %v", last.Seq, made, classes)
	}
	// One that was to be kept is missed, also in the middle.
	p := points[len(points)/2]
	before := slices.Clone(v.all)
	v.all = slices.DeleteFunc(v.all, func(k kept) bool { return strings.HasPrefix(k.Name, store.full(p.Folder())) })
	_, err = store.Chain(t.Context(), nil)
	var fault *ChainError
	if !errors.As(err, &fault) || fault.Fault != Missing || fault.Seq != p.Seq {
		t.Errorf("point %d is gone: %v", p.Seq, err)
	}
	// The state is lost: it is read from the chain, and goes on.
	if err := homeOf(s.data).write(stateFile, &state{Format: stateFormat, Branch: 1}); err != nil {
		t.Fatal(err)
	}
	v.all = before
	if made := s.point(); made.Seq != points[len(points)-1].Seq+1 {
		t.Errorf("after the state was lost: %+v", made)
	}
}

// Whatever the store says or does not say at a put, no run says "ok" for a point that is not there, and the next run goes on.
func TestPutsThatFail(t *testing.T) {
	need.Time(t, "makes two dozen chains")
	for _, part := range []string{"data-", "manifest.json", "receipt-", "links.json"} {
		for _, c := range []struct {
			name   string
			before bool // the store has it all the same
			err    error
		}{
			{"refused", false, ErrDenied}, {"full", false, ErrFull}, {"away", false, ErrUnreachable}, {"away, and arrived", true, ErrUnreachable},
		} {
			t.Run(part+c.name, func(t *testing.T) {
				s, v := onVersions(t, 1)
				failed := false
				s.wrap(func(Target) Target {
					return failing{v, func(name string) (bool, error) {
						if !failed && strings.Contains(name, part) {
							failed = true
							return c.before, c.err
						}
						return true, nil
					}}
				})
				s.offset.set(24 * time.Hour) // the next is a daily one
				v.at = time.Now().Add(s.offset.is())
				s.note(1)
				made, err := s.run("")
				if !failed {
					t.Fatal("nothing failed")
				}
				setup, e := ReadSetup(s.data)
				if e != nil {
					t.Fatal(e)
				}
				store := &Store{target: v, site: setup.Site, root: setup.T}
				points, e := store.Chain(t.Context(), nil)
				if e != nil {
					t.Fatal(e)
				}
				if err == nil && points[len(points)-1].Receipt().String() != made.Receipt {
					t.Errorf("said ok for %s, and it is not there", made.Receipt)
				}
				if err != nil && !strings.Contains(s.events(), ruleOf(err).ID) {
					t.Errorf("no event of %v", err)
				}
				s.offset.add(time.Minute)
				v.at = time.Now().Add(s.offset.is())
				next := s.point()
				points, e = store.Chain(t.Context(), nil)
				if e != nil || points[len(points)-1].Receipt().String() != next.Receipt {
					t.Errorf("the next run: %+v, %v", next, e)
				}
			})
		}
	}
}

// failing is a target whose puts fail when asked, before or after the store has the object.
type failing struct {
	Target
	put func(name string) (arrives bool, err error)
}

func (f failing) Put(ctx context.Context, name string, body io.ReadSeeker, o PutOptions) (Object, error) {
	arrives, err := f.put(name)
	if err == nil {
		return f.Target.Put(ctx, name, body, o)
	}
	if arrives {
		_, _ = f.Target.Put(ctx, name, body, o)
	}
	return Object{}, err
}

// crowded is a store in which a name of a stranger's has more versions than anybody lists.
type crowded struct{ *versions }

func (c crowded) List(ctx context.Context, prefix string) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		for o, err := range c.versions.List(ctx, prefix) {
			if strings.HasSuffix(o.Name, "/zzz") {
				err = ErrDamaged
			}
			if !yield(o, err) || err != nil {
				return
			}
		}
	}
}

// Names that are none of a chain's take nothing from a walk, and of a record that somebody wrote over again and again the oldest
// versions are read.
func TestStrangersNamesAreNotListed(t *testing.T) {
	s, v := onVersions(t, 2)
	store := s.store()
	store.target = crowded{v}
	v.add(store.full("zzz"), []byte("x"), time.Time{})
	points, err := store.Chain(t.Context(), nil)
	if err != nil || len(points) != 2 {
		t.Fatalf("%d points, %v", len(points), err)
	}
	name := points[1].Folder() + "/manifest.json"
	for range 20 * maxVersions {
		v.add(store.full(name), []byte("x"), time.Time{})
	}
	before := v.reads
	points, err = store.Chain(t.Context(), nil)
	var fault *ChainError
	if !errors.As(err, &fault) || fault.Fault != Hidden || fault.Object != name || len(points) != 2 {
		t.Errorf("%d points, %v", len(points), err)
	}
	if n := v.reads - before; n > 2*maxVersions {
		t.Errorf("%d versions were read", n)
	}
}
