package backup_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"

	"github.com/merlon-web/merlon/backup"
	"github.com/merlon-web/merlon/backup/s3"
	"github.com/merlon-web/merlon/internal/e2e/s3peer"
)

// A bucketSite is a site whose points are in a bucket with locks, and what may be done there with the owner's own key.
type bucketSite struct {
	backup.TestSite
	server *s3peer.Server
	proxy  *s3peer.Proxy
	owner  *minio.Client
	store  *backup.Store
	t      *testing.T
}

const (
	pointBucket = "site-points"
	siteKey     = "key-of-the-site"
	siteSecret  = "key-of-the-site-secret"
)

func newBucketSite(t *testing.T) *bucketSite {
	t.Helper()
	server := s3peer.Start(t)
	server.Bucket(pointBucket, true)
	b := &bucketSite{server: server, proxy: server.Proxy(), owner: server.Client(s3peer.Owner, s3peer.OwnerSecret), t: t}
	b.TestSite = backup.NewTestSite(t, s3peer.Address(b.proxy.Endpoint, pointBucket, "base"), s3peer.Keys(t, s3peer.Owner, s3peer.OwnerSecret), s3.Scheme)
	b.store = b.Store()
	return b
}

func (b *bucketSite) key(name string) string { return "base/" + b.store.Site() + "/" + name }

// marker hides an object.
func (b *bucketSite) marker(name string) {
	b.t.Helper()
	if err := b.owner.RemoveObject(b.t.Context(), pointBucket, b.key(name), minio.RemoveObjectOptions{}); err != nil {
		b.t.Fatal(err)
	}
}

// over puts something over an object.
func (b *bucketSite) over(name string, text []byte) {
	b.t.Helper()
	if _, err := b.owner.PutObject(b.t.Context(), pointBucket, b.key(name), bytes.NewReader(text), int64(len(text)), minio.PutObjectOptions{}); err != nil {
		b.t.Fatal(err)
	}
}

// text reads what the name alone leads to.
func (b *bucketSite) text(name string) []byte {
	b.t.Helper()
	r, err := b.owner.GetObject(b.t.Context(), pointBucket, b.key(name), minio.GetObjectOptions{})
	if err != nil {
		b.t.Fatal(err)
	}
	defer r.Close()
	text, err := io.ReadAll(r)
	if err != nil {
		b.t.Fatal(err)
	}
	return text
}

// sweep takes away what was put before the right versions: everything that no lock holds.
func (b *bucketSite) sweep() {
	b.t.Helper()
	for o := range b.owner.ListObjects(b.t.Context(), pointBucket, minio.ListObjectsOptions{Recursive: true, WithVersions: true, Prefix: "base/"}) {
		if o.Err != nil {
			b.t.Fatal(o.Err)
		}
		_ = b.owner.RemoveObject(b.t.Context(), pointBucket, o.Key, minio.RemoveObjectOptions{VersionID: o.VersionID}) // the locked ones stay
	}
}

// What whoever runs a bucket can do beside altering bytes is named, and takes away no point that a lock holds: each is still
// found and opens.
func TestSwapsInABucketAreNamed(t *testing.T) {
	b := newBucketSite(t)
	for range 3 {
		b.Point()
	}
	foreign := newBucketSite(t)
	foreign.Point()
	points, err := b.store.Chain(t.Context(), nil)
	if err != nil || len(points) != 3 {
		t.Fatalf("%d points, %v", len(points), err)
	}
	foreigners, err := foreign.store.Chain(t.Context(), nil)
	if err != nil || len(foreigners) != 1 {
		t.Fatal(len(foreigners), err)
	}
	known := points[2].Receipt()
	manifest := func(p *backup.Point) string { return p.Folder() + "/manifest.json" }
	data := func(p *backup.Point) string { return p.Folder() + "/" + p.Data.Name }
	const genesis, links = "chain/00000000-genesis.json", "chain/00000001-links.json"
	first, second, third := points[0], points[1], points[2]
	noise := func(p *backup.Point) []byte { return bytes.Repeat([]byte{7}, int(p.Data.Size)) }
	for _, c := range []struct {
		name   string
		do     func()
		fault  backup.ChainFault
		object string
	}{
		{"a marker before a manifest", func() { b.marker(manifest(second)) }, backup.Hidden, manifest(second)},
		{"a marker before the newest manifest", func() { b.marker(manifest(third)) }, backup.Hidden, manifest(third)},
		{"a marker before data", func() { b.marker(data(second)) }, backup.Hidden, data(second)},
		{"a marker before the genesis", func() { b.marker(genesis) }, backup.Hidden, genesis},
		{"a marker before the links", func() { b.marker(links) }, backup.Hidden, links},
		{"a marker before the format", func() { b.marker("format") }, backup.Hidden, "format"},
		{"a marker before a proof", func() { b.marker(second.Folder() + "/receipt-1.json") }, backup.Hidden, second.Folder() + "/receipt-1.json"},
		{"an older manifest over a newer", func() { b.over(manifest(third), b.text(manifest(second))) }, backup.Hidden, manifest(third)},
		{"a newer manifest over an older", func() { b.over(manifest(second), b.text(manifest(third))) }, backup.Hidden, manifest(second)},
		{"another site's manifest over one", func() { b.over(manifest(first), foreign.text(manifest(foreigners[0]))) }, backup.Hidden, manifest(first)},
		{"another site's genesis", func() { b.over(genesis, foreign.text(genesis)) }, backup.Hidden, genesis},
		{"another site's links", func() { b.over(links, foreign.text(links)) }, backup.Hidden, links},
		{"noise over a manifest", func() { b.over(manifest(second), []byte("noise")) }, backup.Hidden, manifest(second)},
		{"nothing over a manifest", func() { b.over(manifest(second), nil) }, backup.Hidden, manifest(second)},
		{"noise over data, of the same size", func() { b.over(data(third), noise(third)) }, backup.Hidden, data(third)},
		{"another point's data over one", func() { b.over(data(third), b.text(data(second))) }, backup.Hidden, data(third)},
		{"noise, a marker and noise again", func() {
			b.over(manifest(third), []byte("noise"))
			b.marker(manifest(third))
			b.over(manifest(third), []byte("more noise"))
		}, backup.Hidden, manifest(third)},
		{"markers before everything", func() {
			for o := range b.owner.ListObjects(t.Context(), pointBucket, minio.ListObjectsOptions{Recursive: true, Prefix: b.key("")}) {
				b.marker(strings.TrimPrefix(o.Key, b.key("")))
			}
		}, backup.Hidden, manifest(third)},
		{"a fourth point that nobody signed", func() {
			b.over("d/00000004/manifest.json", b.text(manifest(third)))
		}, backup.Reordered, "d/00000004/manifest.json"},
		{"a second third point in another class", func() {
			b.over("d/00000003/manifest.json", b.text(manifest(third)))
		}, backup.Reordered, "d/00000003/manifest.json"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b.t = t
			c.do()
			found, err := b.store.Chain(t.Context(), &known)
			var all backup.ChainErrors
			errors.As(err, &all)
			named := false
			for _, one := range all {
				named = named || one.Fault == c.fault && one.Object == c.object
			}
			if !named {
				t.Errorf("want %s of %s, got %v", c.fault, c.object, err)
			}
			if len(found) != 3 || found[2].Receipt() != known {
				t.Errorf("of 3 points %d are found", len(found))
			}
			for _, p := range found {
				opens(t, b.store, p, b.Recovery().Identity())
			}
			b.sweep()
			if found, err := b.store.Chain(t.Context(), &known); err != nil || len(found) != 3 {
				t.Fatalf("after the sweep: %d points, %v", len(found), err)
			}
		})
	}
	b.t = t
}

// A store that shows an old state of itself is told by whoever knows of a newer point.
func TestAnOldListIsNoticed(t *testing.T) {
	b := newBucketSite(t)
	b.Point()
	var mu sync.Mutex
	old := map[string][]byte{}
	b.proxy.Set(s3peer.Fault{On: s3peer.Lists, Change: func(answer *http.Response) {
		mu.Lock()
		defer mu.Unlock()
		prefix := answer.Request.URL.Query().Get("prefix")
		s3peer.Body(func(body []byte) []byte {
			if old[prefix] == nil {
				old[prefix] = body
			}
			return old[prefix]
		})(answer)
	}})
	if points, err := b.store.Chain(t.Context(), nil); err != nil || len(points) != 1 {
		t.Fatal(len(points), err)
	}
	made, err := b.Run(1) // writes, and looks at single objects
	if err != nil {
		t.Fatal(err)
	}
	known := made.Point.Receipt()
	_, err = b.store.Chain(t.Context(), &known)
	var all backup.ChainErrors
	if !errors.As(err, &all) || all[0].Fault != backup.Older {
		t.Errorf("an old list: %v", err)
	}
	b.proxy.Set()
	if points, err := b.store.Chain(t.Context(), &known); err != nil || len(points) != 2 {
		t.Errorf("%d points, %v", len(points), err)
	}
}

// When a point's time is over the store's lifecycle puts a marker before it, a day before it takes it away: nobody hid it.
func TestAMarkerOfTheLifecycleIsNoFault(t *testing.T) {
	b := newBucketSite(t)
	for range 2 {
		b.Point()
	}
	points, err := b.store.Chain(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"/manifest.json", "/receipt-1.json", "/" + points[1].Data.Name} {
		b.marker(points[1].Folder() + name)
	}
	if _, err := b.store.Chain(t.Context(), nil); err == nil {
		t.Error("markers before a point that is to be kept are no fault")
	}
	b.proxy.Set(s3peer.Fault{Change: s3peer.Header("Date", time.Now().Add(4*24*time.Hour).UTC().Format(http.TimeFormat))})
	if found, err := b.store.Chain(t.Context(), nil); err != nil || len(found) != 2 {
		t.Errorf("four days later: %d points, %v", len(found), err)
	}
}
