package backup

import (
	"crypto/ed25519"
	"errors"
	"slices"
	"testing"
	"time"
)

// Whoever has an old copy of the signing keys and may put signs another point 4, in another class's folder, and links. The one
// that the store had first stays the point, all later ones stay proven, and the fork is told.
func TestAnOldSigningKeyTakesNoPoint(t *testing.T) {
	for _, linked := range []bool{false, true} {
		s, v := onVersions(t, 3)
		stolen := s.thief()
		for d := range 5 {
			for range 2 {
				s.clock(v, time.Now().Add(time.Duration(d+1)*day))
				s.point()
			}
			if d == 0 && linked { // before the honest links of the day are put, too
				forgeFourth(t, s, v, stolen, true)
			}
		}
		store := s.store()
		store.target = v
		if !linked {
			forgeFourth(t, s, v, stolen, false)
		}
		points, err := store.Chain(t.Context(), nil)
		var all ChainErrors
		if !errors.As(err, &all) || !slices.ContainsFunc(all, func(f *ChainError) bool { return f.Fault == Forked && f.Seq == 4 }) {
			t.Errorf("links %v: the fork is not told: %v", linked, err)
		}
		if len(points) != 13 || points[3].Label != "" {
			t.Errorf("links %v: %d points of 13 are proven: %v", linked, len(points), err)
		}
		s.note(1)
		if made, err := s.run(""); err != nil || made.Seq != 14 {
			t.Errorf("links %v: the next run: %+v, %v", linked, made, err)
		}
	}
}

// forgeFourth puts another point 4 than the site's.
func forgeFourth(t *testing.T, s *testSite, v *versions, key ed25519.PrivateKey, linked bool) {
	t.Helper()
	store := s.store()
	store.target = v
	points, err := store.Chain(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	m := points[3].Manifest
	m.Class = map[Class]Class{Hourly: Daily, Daily: Hourly, Weekly: Daily, Monthly: Daily}[m.Class]
	m.K, m.KNext, m.Label = public(key), public(seedKey(9)), "forged"
	m.sign(key)
	v.add(store.full(m.Folder()+"/manifest.json"), encode(m), time.Time{})
	if !linked {
		return
	}
	fifth := Link{Branch: 1, Seq: 5, Class: Hourly, LockUntil: m.Data.LockUntil, Manifest: hashOf([]byte("nothing")), KNext: public(seedKey(8))}
	fifth.Sig = sign(seedKey(9), fifth.message(m.Site))
	for name, links := range map[string][]Link{"chain/00000004-links.json": {m.link()}, "chain/00000005-links-7.json": {m.link(), fifth}} {
		v.add(store.full(name), encode(Links{Format: formatName, Kind: "links", Site: m.Site, Links: links}), time.Time{})
	}
}

// What nobody proves says nothing against a receipt that is right.
func TestForgedRecordsMeetNoReceipt(t *testing.T) {
	s, v := onVersions(t, 4)
	store := s.store()
	store.target = v
	points, err := store.Chain(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	right := points[3].Receipt()
	m := points[3].Manifest
	m.Class, m.Branch, m.K, m.KNext = Daily, 2, public(seedKey(9)), public(seedKey(8))
	m.sign(seedKey(9))
	l := points[3].link()
	l.Manifest, l.Sig = hashOf([]byte("x")), "x"
	for _, c := range []struct {
		name, object string
		text         []byte
	}{
		{"a manifest of a branch to come", m.Folder() + "/manifest.json", encode(m)},
		{"a link", "chain/00000004-links.json", encode(Links{Format: formatName, Kind: "links", Site: m.Site, Links: []Link{l}})},
		{"a link beside one of a number to come", "chain/00000009-links.json", encode(Links{Format: formatName, Kind: "links", Site: m.Site, Links: []Link{l, {Branch: 9, Seq: 9, Sig: "x"}}})},
	} {
		before := slices.Clone(v.all)
		v.add(store.full(c.object), c.text, time.Time{})
		got, err := store.Chain(t.Context(), &right)
		var all ChainErrors
		errors.As(err, &all)
		if err := meets(all, right); err != nil || len(got) != 4 || len(all) == 0 {
			t.Errorf("%s: %d points, %v; %v", c.name, len(got), all, err)
		}
		for _, wrong := range []Receipt{{4, hashOf([]byte("y"))}, {5, right.Hash}} {
			_, err := store.Chain(t.Context(), &wrong)
			all = nil
			errors.As(err, &all)
			if meets(all, wrong) == nil {
				t.Errorf("%s: a wrong receipt %s is met", c.name, wrong)
			}
		}
		v.all = before
	}
	// Points that are to be kept for longer were taken away, and their links are there.
	links := Links{Format: formatName, Kind: "links", Site: m.Site}
	for _, p := range points {
		links.Links = append(links.Links, p.link())
	}
	v.add(store.full("chain/00000004-links.json"), encode(links), time.Time{})
	for _, p := range points[2:] {
		v.all = slices.DeleteFunc(v.all, func(k kept) bool { return k.Name == store.full(p.Folder()+"/manifest.json") })
	}
	var all ChainErrors
	_, err = store.Chain(t.Context(), &right)
	if errors.As(err, &all); meets(all, right) == nil {
		t.Errorf("points 3 and 4 were taken away: %v", err)
	}
	// Their time is over: the links tell what there was.
	s.clock(v, time.Now().Add(5*day))
	all = nil
	_, err = store.Chain(t.Context(), &right)
	if errors.As(err, &all); meets(all, right) != nil {
		t.Errorf("points 3 and 4 expired: %v", err)
	}
}
