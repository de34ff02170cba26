package backup

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// Whoever may put can lay as much beside the chain as they like: it is passed over in pieces, and hides nothing.
func TestAFloodOfRecords(t *testing.T) {
	s, v := onVersions(t, 3)
	store := s.store()
	store.target = v
	want, err := store.Chain(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	junk := bytes.Repeat([]byte("x"), maxRecord)
	for i := range 60 {
		v.add(store.full(fmt.Sprintf("chain/%08d-links.json", 1000+i)), junk, time.Time{})
		v.add(store.full(want[1].Folder()+"/manifest.json"), junk, time.Time{})
	}
	w := &walk{s: store, objects: map[string][]Object{}, texts: map[Object][]byte{}, capped: map[string]bool{}}
	for _, k := range v.all {
		name := store.below(k.Name)
		if len(w.objects[name]) == 0 {
			w.names = append(w.names, name)
		}
		w.objects[name] = append(w.objects[name], k.Object)
	}
	most, seen := 0, 0
	err = w.each(context.Background(), append(w.matching(chainPath), w.matching(manifestPath)...), func(string) {
		size := 0
		for _, text := range w.texts {
			size += len(text)
		}
		most, seen = max(most, size), seen+1
	})
	if err != nil || most > maxTexts || most < maxTexts/2 || seen != len(w.matching(chainPath))+3 {
		t.Errorf("%d bytes of records at once, %d may be; %d names, %v", most, maxTexts, seen, err)
	}
	got, err := store.Chain(t.Context(), nil)
	var faults ChainErrors
	if !errors.As(err, &faults) || len(got) != 3 || got[1].Receipt() != want[1].Receipt() {
		t.Fatalf("%d points, %v", len(got), err)
	}
	hidden := 0
	for _, f := range faults {
		if f.Fault == Hidden && f.Object == want[1].Folder()+"/manifest.json" {
			hidden++
		}
	}
	if hidden != 1 || len(faults) != 61 {
		t.Errorf("%d faults, %d of the manifest: %v", len(faults), hidden, err)
	}
}

// Manifests that somebody signs with keys of their own are named, and no more than their names is kept of them.
func TestAFloodOfSignedManifests(t *testing.T) {
	s, v := onVersions(t, 3)
	store := s.store()
	store.target = v
	want, err := store.Chain(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	forge := func(seq int64, class Class) {
		m := want[2].Manifest
		m.Seq, m.Class, m.K, m.KNext = seq, class, public(key), public(key)
		m.sign(key)
		v.add(store.full(m.Folder()+"/manifest.json"), encode(m), time.Time{})
	}
	for i := range int64(200) {
		forge(1000+i, Hourly)
	}
	forge(2, Monthly)
	w, err := store.walk(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	named := 0
	for _, f := range w.faults {
		if f.Fault == Altered && strings.HasSuffix(f.Object, "/manifest.json") {
			named++
		}
	}
	if named != 201 || len(w.found) > 1 || len(w.points) != 3 || w.points[2].Receipt() != want[2].Receipt() || w.top() != 1199 {
		t.Errorf("%d of 201 are named, %d are kept, %d points of 3, top %d", named, len(w.found), len(w.points), w.top())
	}
}

// What is kept of signed manifests until the walk comes to their number has a bound, and no site writes a larger one.
func TestALargeManifestIsNone(t *testing.T) {
	s := chainOf(t, 2)
	store := s.store()
	p := s.points()[1]
	m := p.Manifest
	m.Seq, m.Class, m.KNext = 3, Hourly, PublicKey(strings.Repeat("x", maxManifest))
	m.K, m.Prev = public(s.thief()), p.Hash()
	m.sign(s.thief())
	write(t, s.target+"/"+store.site+"/"+m.Folder()+"/manifest.json", encode(m))
	points, err := store.Chain(t.Context(), nil)
	var all ChainErrors
	if errors.As(err, &all); len(points) != 2 || len(all) != 1 || all[0].Fault != Altered || !strings.Contains(all[0].Text, "more than 16384 bytes") {
		t.Errorf("%d points, %v", len(points), err)
	}
	if made := s.point(); made.Seq != 3 || made.Class == Hourly || len(made.Notes) == 0 || !strings.HasPrefix(made.Notes[0], m.Folder()) {
		t.Errorf("%+v", made)
	}
}
