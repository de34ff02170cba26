package backup_test

import (
	"bytes"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/minio/minio-go/v7"

	"github.com/merlon-web/merlon/backup"
	"github.com/merlon-web/merlon/backup/s3"
	"github.com/merlon-web/merlon/internal/e2e/s3peer"
)

// guard puts the printed policy for a site on the bucket; versitygw refuses the statement whose condition it does not know.
func guard(t *testing.T, server *s3peer.Server, address, site string) {
	t.Helper()
	papers, err := s3.Policy(address, site, siteKey)
	if err != nil {
		t.Fatal(err)
	}
	var p struct {
		Version   string
		Statement []map[string]any
	}
	if err := json.Unmarshal([]byte(papers.Site), &p); err != nil {
		t.Fatal(err)
	}
	p.Statement = slices.DeleteFunc(p.Statement, func(s map[string]any) bool { return s["Condition"] != nil })
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	server.Policy(pointBucket, string(text))
}

// Whoever has the server's own credentials takes no point away: none is deleted, none is locked for less long, none is hidden
// from a restore; and whoever has the whole data folder opens none that is older.
func TestAThiefOfTheServerTakesNoPoint(t *testing.T) {
	server := s3peer.Start(t)
	server.Bucket(pointBucket, true)
	server.User(siteKey, siteSecret)
	address := server.Address(pointBucket, "base")
	// The site's id is chosen when it is set up; until then the policy is for all of the prefix.
	server.Policy(pointBucket, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"`+siteKey+`"},"Action":"s3:*","Resource":["arn:aws:s3:::`+pointBucket+`","arn:aws:s3:::`+pointBucket+`/*"]}]}`)
	site := backup.NewTestSite(t, address, s3peer.Keys(t, siteKey, siteSecret), s3.Scheme)
	guard(t, server, address, site.Store().Site())
	for range 4 {
		site.Point()
	}
	store := site.Store()
	points, err := store.Chain(t.Context(), nil)
	if err != nil || len(points) != 4 {
		t.Fatalf("%d points, %v", len(points), err)
	}
	known := points[3].Receipt()

	locks := func() map[string]time.Time {
		t.Helper()
		until := map[string]time.Time{}
		owner := server.Client(s3peer.Owner, s3peer.OwnerSecret)
		for o := range owner.ListObjects(t.Context(), pointBucket, minio.ListObjectsOptions{Recursive: true, WithVersions: true}) {
			if o.Err != nil {
				t.Fatal(o.Err)
			}
			if o.IsDeleteMarker {
				until[o.Key+" marker "+o.VersionID] = time.Time{}
				continue
			}
			until[o.Key+" "+o.VersionID] = server.LockOf(pointBucket, o.Key, o.VersionID)
		}
		return until
	}
	before := locks()
	rob(t, server.Client(siteKey, siteSecret), before)
	after := locks()
	deleted, shortened := 0, 0
	for name, until := range before {
		switch now, there := after[name]; {
		case !there:
			deleted++
		case now.Before(until):
			t.Errorf("%s: locked until %s, was until %s", name, now, until)
			shortened++
		}
	}
	for name := range after {
		if strings.Contains(name, " marker ") {
			t.Errorf("a marker: %s", name)
		}
	}
	found, _ := store.Chain(t.Context(), &known) // the faults are named; here counts what is found
	if deleted != 0 || shortened != 0 || len(found) != 4 || found[3].Receipt() != known {
		t.Errorf("of %d objects %d are deleted, %d locked for less long; of 4 points %d are found", len(before), deleted, shortened, len(found))
	}
	for _, p := range found {
		opens(t, store, p, site.Recovery().Identity())
	}
	t.Logf("%d versions before, %d after: 0 deleted, 0 shortened, 0 hidden", len(before), len(after))
	unopened(t, site, store, found)
}

// rob does what the credentials allow, and tries what they do not.
func rob(t *testing.T, thief *minio.Client, all map[string]time.Time) {
	t.Helper()
	soon, compliance, governance := time.Now().Add(time.Minute), minio.Compliance, minio.Governance
	ctx := t.Context()
	written := 0
	for name := range all {
		key, version, _ := strings.Cut(name, " ")
		_ = thief.RemoveObject(ctx, pointBucket, key, minio.RemoveObjectOptions{VersionID: version, GovernanceBypass: true})
		_ = thief.RemoveObject(ctx, pointBucket, key, minio.RemoveObjectOptions{})
		_ = thief.PutObjectRetention(ctx, pointBucket, key, minio.PutObjectRetentionOptions{Mode: &compliance, RetainUntilDate: &soon, VersionID: version})
		_ = thief.PutObjectRetention(ctx, pointBucket, key, minio.PutObjectRetentionOptions{Mode: &governance, RetainUntilDate: &soon, VersionID: version, GovernanceBypass: true})
		if _, err := thief.PutObject(ctx, pointBucket, key, strings.NewReader("noise"), 5, minio.PutObjectOptions{}); err == nil {
			written++
		}
	}
	if written == 0 {
		t.Error("the thief's credentials write nothing: the test tries nothing")
	}
	_ = thief.SuspendVersioning(ctx, pointBucket)
	_ = thief.SetBucketPolicy(ctx, pointBucket, "")
	_ = thief.SetBucketObjectLockConfig(ctx, pointBucket, nil, nil, nil)
	_ = thief.RemoveBucketWithOptions(ctx, pointBucket, minio.RemoveBucketOptions{ForceDelete: true})
}

func opens(t *testing.T, store *backup.Store, p *backup.Point, with age.Identity) {
	t.Helper()
	stream, err := store.Fetch(t.Context(), p, with)
	if err != nil {
		t.Errorf("point %d: %v", p.Seq, err)
		return
	}
	defer stream.Close()
	if _, err := backup.Inspect(stream); err != nil {
		t.Errorf("point %d: %v", p.Seq, err)
	}
}

// unopened holds every sixteen bytes of the data folder, as they are and as text of base64, against each point's header: none
// is its key. And nothing there is an identity of age.
func unopened(t *testing.T, site backup.TestSite, store *backup.Store, points []*backup.Point) {
	t.Helper()
	var headers [][]byte
	for _, p := range points {
		text, err := store.Header(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		h, err := backup.ParseHeader(text)
		if err != nil {
			t.Fatal(err)
		}
		headers = append(headers, h.Header)
		// The search finds a key where there is one.
		key, err := h.Open(site.Recovery().Identity())
		if err != nil {
			t.Fatal(err)
		}
		planted := append([]byte("xxx"), key...)
		if !holdsKey(planted, h.Header) || !holdsKey([]byte("x"+base64.StdEncoding.EncodeToString(key)), h.Header) {
			t.Fatal("the search does not see a key")
		}
	}
	files, tried := 0, 0
	err := filepath.WalkDir(site.Data(), func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if bytes.Contains(bytes.ToUpper(text), []byte("AGE-SECRET-KEY")) {
			t.Errorf("%s holds an identity", path)
		}
		searched := headers
		if len(text) > 64<<10 {
			searched, text = headers[:1], text[:64<<10]
		}
		for i, header := range searched {
			if holdsKey(text, header) {
				t.Errorf("%s holds the key of point %d", path, i+1)
			}
			tried += len(text)
		}
		files++
		return nil
	})
	if err != nil || files == 0 {
		t.Fatal(files, err)
	}
	t.Logf("%d files, %d places tried as keys of %d points: 0 open", files, tried, len(points))
}

// holdsKey reports whether sixteen bytes somewhere in a text, or in a text of base64 within it, are the key of a header.
func holdsKey(text, header []byte) bool {
	for i := 0; i+16 <= len(text); i++ {
		if isKey(text[i:i+16], header) {
			return true
		}
		if i+24 <= len(text) && bytes.HasSuffix(text[i:i+24], []byte("==")) {
			if key, err := base64.StdEncoding.DecodeString(string(text[i : i+24])); err == nil && isKey(key, header) {
				return true
			}
		}
	}
	return false
}

// isKey computes the header's MAC as the format says: https://c2sp.org/age.
func isKey(key, header []byte) bool {
	at := bytes.LastIndex(header, []byte("\n---"))
	hk, err := hkdf.Key(sha256.New, key, nil, "header", 32)
	if err != nil || at < 0 {
		return false
	}
	mac := hmac.New(sha256.New, hk)
	_, _ = io.Copy(mac, bytes.NewReader(header[:at+4]))
	return base64.RawStdEncoding.EncodeToString(mac.Sum(nil)) == strings.TrimSpace(string(header[at+4:]))
}
