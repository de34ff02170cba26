package backup

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"
)

// planted is a manifest that somebody signed, like that of a point but of another number.
func planted(p *Point, class Class, seq int64, key ed25519.PrivateKey, label string) []byte {
	m := p.Manifest
	m.Seq, m.Class, m.Base, m.Label = seq, class, "", label
	m.K, m.KNext = public(key), public(key)
	m.sign(key)
	return encode(m)
}

// Who may put lays manifests of their own under coming numbers, and waits until the store's lifecycle has put a marker before
// each. The site goes beside them, and every point is proven.
func TestWhatWasPutBeforeHidesNoPoint(t *testing.T) {
	s, v := onVersions(t, 2)
	store := s.store()
	store.target = v
	points := s.chain(store)
	for seq := int64(3); seq < 9; seq++ {
		name := store.full(folder(Hourly, seq) + "/manifest.json")
		v.add(name, planted(points[1], Hourly, seq, seedKey(9), ""), time.Now().Add(430*day))
		_ = v.Delete(context.Background(), Object{Name: name})
	}
	for seq := int64(3); seq < 9; seq++ {
		if made := s.point(); made.Seq != seq || made.Class != Daily || len(made.Notes) != 1 || !strings.Contains(made.Notes[0], folder(Hourly, seq)) {
			t.Errorf("point %d is %s, notes %q", made.Seq, made.Class, made.Notes)
		}
	}
	got, err := store.Chain(t.Context(), nil)
	var all ChainErrors
	if errors.As(err, &all); len(got) != 8 || got[7].Seq != 8 || len(all) != 6 {
		t.Errorf("%d points of 8, %v", len(got), err)
	}
}

// What stands before a point's own manifest under its name, because a site came there all the same, takes nothing either.
func TestWhatStandsBeforeAManifest(t *testing.T) {
	s, v := onVersions(t, 4)
	store := s.store()
	store.target = v
	points := s.chain(store)
	name := store.full(points[2].Folder() + "/manifest.json")
	own := v.all[slices.IndexFunc(v.all, func(k kept) bool { return k.Name == name })]
	under := func(texts ...[]byte) { // what the name has, the oldest first
		all := slices.DeleteFunc(slices.Clone(v.all), func(k kept) bool { return k.Name == name })
		v.all = all
		for i, text := range texts {
			v.add(name, text, time.Time{})
			v.all[len(v.all)-1].Stored = own.Stored.Add(time.Duration(i-1) * time.Second)
			v.all[len(v.all)-1].Version = fmt.Sprint("x", i)
		}
	}
	stranger := func(i int) []byte {
		return planted(points[2], points[2].Class, 3, seedKey(9), fmt.Sprint("of ", i))
	}
	var many [][]byte
	for i := range maxVersions - 1 {
		many = append(many, stranger(i))
	}
	before := slices.Clone(v.all)
	for _, c := range []struct {
		name   string
		texts  [][]byte
		faults []ChainFault
	}{
		{"a stranger's before it", [][]byte{stranger(1), own.text}, []ChainFault{Altered}},
		{"junk and a stranger's before it", [][]byte{[]byte("x"), stranger(1), own.text}, []ChainFault{Altered}},
		{"strangers' before and behind it", [][]byte{stranger(1), own.text, stranger(2)}, []ChainFault{Hidden}},
		{"as many as are read before it", append(many, own.text), []ChainFault{Altered}},
		{"the same twice, as a put that was tried again leaves it", [][]byte{own.text, own.text}, nil},
	} {
		under(c.texts...)
		got, err := store.Chain(t.Context(), nil)
		var all ChainErrors
		errors.As(err, &all)
		var faults []ChainFault
		for _, f := range all {
			if faults = append(faults, f.Fault); store.full(f.Object) != name {
				t.Errorf("%s: %v is named", c.name, f)
			}
		}
		if len(got) != 4 || got[2].Receipt() != points[2].Receipt() || !slices.Equal(faults, c.faults) {
			t.Errorf("%s: %d points of 4, %v", c.name, len(got), err)
		}
		v.all = slices.Clone(before)
	}
}

// Of two versions of one manifest that the right key signed the one counts that the store had first, and the fork is told.
func TestAForkUnderOneName(t *testing.T) {
	s, v := onVersions(t, 2)
	key := s.thief()
	s.point()
	s.point()
	store := s.store()
	store.target = v
	points := s.chain(store)
	m := points[2].Manifest
	m.Label = "forged"
	m.sign(key)
	v.add(store.full(m.Folder()+"/manifest.json"), planted(points[2], m.Class, 3, seedKey(9), ""), time.Time{})
	v.add(store.full(m.Folder()+"/manifest.json"), encode(m), time.Time{})
	got, err := store.Chain(t.Context(), nil)
	var all ChainErrors
	errors.As(err, &all)
	if len(got) != 4 || got[2].Receipt() != points[2].Receipt() || !slices.ContainsFunc(all, func(f *ChainError) bool { return f.Fault == Forked && f.Seq == 3 }) {
		t.Errorf("%d points of 4, %v", len(got), err)
	}
}

// A point whose run did not live to count it, and which somebody hid then, is counted and not made a second time.
func TestAHiddenPointIsAdopted(t *testing.T) {
	s, v := onVersions(t, 2)
	store := s.store()
	store.target = v
	s.wrap(func(Target) Target { return hiding{v} })
	s.note(1)
	if _, err := s.run(""); !errors.Is(err, ErrUnreachable) {
		t.Fatal(err)
	}
	s.wrap(nil)
	if made := s.point(); made.Seq != 4 {
		t.Errorf("%+v", made)
	}
	got, err := store.Chain(t.Context(), nil)
	var all ChainErrors
	if errors.As(err, &all); len(got) != 4 || len(all) != 1 || all[0].Fault != Hidden || all[0].Seq != 3 {
		t.Errorf("%d points of 4, %v", len(got), err)
	}
}

// hiding is a store at which somebody hides each manifest that comes, before its sender hears of it.
type hiding struct{ *versions }

func (h hiding) Put(ctx context.Context, name string, body io.ReadSeeker, o PutOptions) (Object, error) {
	got, err := h.versions.Put(ctx, name, body, o)
	if err == nil && strings.HasSuffix(name, "/manifest.json") {
		_ = h.Delete(ctx, Object{Name: name})
		return Object{}, ErrUnreachable
	}
	return got, err
}
