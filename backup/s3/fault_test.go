package s3_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/merlon-web/merlon/backup"
	"github.com/merlon-web/merlon/internal/e2e/s3peer"
)

// What befalls a put on its way never ends in a "yes" for what the store has not whole; what passes by is outlasted; and the
// next run finds a store that takes the object, or has it.
func TestFaultsOfPuts(t *testing.T) {
	server := s3peer.Start(t)
	server.Bucket(bucket, true)
	proxy := server.Proxy()
	keys := s3peer.Keys(t, s3peer.Owner, s3peer.OwnerSecret)
	target := open(t, s3peer.Address(proxy.Endpoint, bucket, "a"), keys)
	defer target.Close()
	straight := open(t, server.Address(bucket, "a"), keys)
	defer straight.Close()
	body := strings.Repeat("sealed bytes of a point ", 40_000)
	other := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, 32))
	heads, puts := s3peer.Heads, s3peer.Puts
	for _, c := range []struct {
		name  string
		fault s3peer.Fault
		want  error // nil: it is outlasted
	}{
		{"503 once", s3peer.Fault{On: puts, N: 1, Status: 503, Code: "SlowDown"}, nil},
		{"503 three times", s3peer.Fault{On: puts, N: 3, Status: 503, Code: "SlowDown"}, nil},
		{"503 for ever", s3peer.Fault{On: puts, Status: 503, Code: "SlowDown"}, backup.ErrUnreachable},
		{"500 for ever", s3peer.Fault{Status: 500, Code: "InternalError"}, backup.ErrUnreachable},
		{"403", s3peer.Fault{On: puts, Status: 403, Code: "AccessDenied"}, backup.ErrDenied},
		{"the clock differs", s3peer.Fault{On: puts, Status: 403, Code: "RequestTimeTooSkewed"}, backup.ErrDenied},
		{"404 bucket", s3peer.Fault{On: puts, Status: 404, Code: "NoSuchBucket"}, backup.ErrNotFound},
		{"full", s3peer.Fault{On: puts, Status: 507, Code: "InsufficientStorage"}, backup.ErrFull},
		{"a quota is used up", s3peer.Fault{On: puts, Status: 403, Code: "QuotaExceeded"}, backup.ErrFull},
		{"409 once", s3peer.Fault{On: puts, N: 1, Status: 409, Code: "ConditionalRequestConflict"}, nil},
		{"reset at byte 1", s3peer.Fault{On: puts, N: 1, CutRequest: 1}, nil},
		{"reset at byte 100,000", s3peer.Fault{On: puts, N: 2, CutRequest: 100_000}, nil},
		{"reset at byte 100,000 for ever", s3peer.Fault{On: puts, CutRequest: 100_000}, backup.ErrUnreachable},
		{"the answer is lost", s3peer.Fault{On: puts, N: 1, Lost: true}, nil},
		{"each answer is lost", s3peer.Fault{On: puts, Lost: true}, nil},
		{"the question's answer is lost", s3peer.Fault{On: heads, N: 1, Lost: true}, nil},
		{"slow", s3peer.Fault{On: puts, N: 1, Rate: 2 << 20}, nil},
		{"late", s3peer.Fault{On: puts, N: 1, Delay: time.Second}, nil},
		{"another ETag", s3peer.Fault{On: puts, Change: s3peer.Header("ETag", `"00000000000000000000000000000000"`)}, nil},
		{"another hash in the answer", s3peer.Fault{On: puts, Change: s3peer.Header("X-Amz-Checksum-Sha256", other)}, backup.ErrDamaged},
		{"another hash when asked", s3peer.Fault{On: heads, Change: s3peer.Header("X-Amz-Checksum-Sha256", other)}, backup.ErrDamaged},
		{"no hash anywhere", s3peer.Fault{On: func(r *http.Request) bool { return puts(r) || heads(r) }, Change: s3peer.Header("X-Amz-Checksum-Sha256", "")}, nil},
		{"another size when asked", s3peer.Fault{On: heads, Change: s3peer.Header("Content-Length", "12")}, backup.ErrDamaged},
		{"another version when asked", s3peer.Fault{On: heads, Change: s3peer.Header("X-Amz-Version-Id", "01HZZZZZZZZZZZZZZZZZZZZZZZ")}, backup.ErrDamaged},
		{"no lock when asked", s3peer.Fault{On: heads, Change: s3peer.Header("X-Amz-Object-Lock-Mode", "GOVERNANCE")}, backup.ErrUnreachable}, // versitygw answers the second question in words that the library does not know
		{"a shorter lock when asked", s3peer.Fault{On: heads, Change: s3peer.Header("X-Amz-Object-Lock-Retain-Until-Date", time.Now().Add(time.Minute).UTC().Format(time.RFC3339))}, backup.ErrDenied},
	} {
		t.Run(c.name, func(t *testing.T) {
			name := "d/" + strings.Map(func(r rune) rune {
				if r == ' ' || r == ',' || r == '\'' {
					return '-'
				}
				return r
			}, c.name)
			o := announce(body)
			o.LockUntil = time.Now().Add(time.Hour)
			proxy.Set(c.fault)
			begun := time.Now()
			_, err := target.Put(t.Context(), name, strings.NewReader(body), o)
			if took := time.Since(begun); took > time.Minute {
				t.Errorf("it took %s", took)
			}
			if c.want == nil && err != nil || c.want != nil && !errors.Is(err, c.want) {
				t.Errorf("Put: %v, want %v", err, c.want)
			}
			if proxy.Met() == 0 {
				t.Error("nothing met the fault")
			}
			whole := func() {
				t.Helper()
				at, err := straight.Stat(t.Context(), name)
				if err != nil || at.SHA256 != o.Sum() || at.LockUntil.Before(o.LockUntil) || read(t, straight, at) != body {
					t.Errorf("the store has %+v, %v", at, err)
				}
			}
			if err == nil {
				whole()
			}
			proxy.Set()
			if _, err := target.Put(t.Context(), name, strings.NewReader(body), o); err != nil && !errors.Is(err, backup.ErrExists) {
				t.Errorf("the next run: %v", err)
			}
			whole()
			if n := len(list(t, straight, name)); n != 1 {
				t.Errorf("%d versions", n)
			}
		})
	}
}

func list(t testing.TB, target backup.Target, prefix string) (all []backup.Object) {
	t.Helper()
	for o, err := range target.List(t.Context(), prefix) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, o)
	}
	return all
}

// The same for what is read.
func TestFaultsOfReading(t *testing.T) {
	server := s3peer.Start(t)
	server.Bucket(bucket, true)
	proxy := server.Proxy()
	target := open(t, s3peer.Address(proxy.Endpoint, bucket, ""), s3peer.Keys(t, s3peer.Owner, s3peer.OwnerSecret))
	defer target.Close()
	body := strings.Repeat("sealed bytes of a point ", 40_000)
	sum := sha256.Sum256([]byte(body))
	for _, name := range []string{"a/1", "a/2", "a/3"} {
		if _, err := target.Put(t.Context(), name, strings.NewReader(body), announce(body)); err != nil {
			t.Fatal(err)
		}
	}
	all := list(t, target, "a/")
	get := func(ctx context.Context) error {
		r, err := target.Get(ctx, all[0])
		if err != nil {
			return err
		}
		defer r.Close()
		var got bytes.Buffer
		if _, err = got.ReadFrom(r); err == nil && sha256.Sum256(got.Bytes()) != sum {
			t.Error("other bytes were read to the end")
		}
		return err
	}
	listing := func(ctx context.Context) error {
		n := 0
		for _, err := range target.List(ctx, "a/") {
			if err != nil {
				return err
			}
			n++
		}
		if n != 3 {
			t.Errorf("List tells %d objects and no error", n)
		}
		return nil
	}
	now := func(ctx context.Context) error {
		_, err := target.Now(ctx)
		return err
	}
	half := s3peer.Body(func(body []byte) []byte { return body[:len(body)/2] })
	again := s3peer.Body(func(body []byte) []byte {
		return bytes.Replace(body, []byte("<IsTruncated>false"), []byte("<NextKeyMarker>a/2</NextKeyMarker><IsTruncated>true"), 1)
	})
	for _, c := range []struct {
		name  string
		ask   func(context.Context) error
		fault s3peer.Fault
		want  error
	}{
		{"get: 503 twice", get, s3peer.Fault{N: 2, Status: 503, Code: "SlowDown"}, nil},
		{"get: reset at byte 1,000", get, s3peer.Fault{CutAnswer: 1000}, backup.ErrUnreachable},
		{"get: reset before the first byte", get, s3peer.Fault{CutAnswer: -1}, backup.ErrUnreachable},
		{"get: half of it, and the length of the half", get, s3peer.Fault{Change: half}, backup.ErrDamaged},
		{"get: another version", get, s3peer.Fault{Change: s3peer.Header("X-Amz-Version-Id", "01HZZZZZZZZZZZZZZZZZZZZZZZ")}, backup.ErrDamaged},
		{"get: 403", get, s3peer.Fault{Status: 403, Code: "AccessDenied"}, backup.ErrDenied},
		{"get: gone", get, s3peer.Fault{Status: 404, Code: "NoSuchVersion"}, backup.ErrNotFound},
		{"list: 503 twice", listing, s3peer.Fault{N: 2, Status: 503, Code: "SlowDown"}, nil},
		{"list: half of it once", listing, s3peer.Fault{N: 1, Change: half}, nil},
		{"list: half of it for ever", listing, s3peer.Fault{Change: half}, backup.ErrUnreachable},
		{"list: cut", listing, s3peer.Fault{CutAnswer: 200}, backup.ErrUnreachable},
		{"list: the same page again and again", listing, s3peer.Fault{Change: again}, backup.ErrDamaged},
		{"list: 404 bucket", listing, s3peer.Fault{Status: 404, Code: "NoSuchBucket"}, backup.ErrNotFound},
		{"now: no date", now, s3peer.Fault{Change: s3peer.Header("Date", "yesterday")}, backup.ErrUnreachable},
		{"now: 503 twice", now, s3peer.Fault{N: 2, Status: 503, Code: "SlowDown"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			proxy.Set(c.fault)
			if err := c.ask(t.Context()); c.want == nil && err != nil || c.want != nil && !errors.Is(err, c.want) {
				t.Errorf("%v, want %v", err, c.want)
			}
			if proxy.Met() == 0 {
				t.Error("nothing met the fault")
			}
			proxy.Set()
			if err := c.ask(t.Context()); err != nil {
				t.Errorf("the next run: %v", err)
			}
		})
	}
	// A store that takes the request and says nothing: the caller's patience ends it.
	for name, ask := range map[string]func(context.Context) error{"get": get, "list": listing, "now": now} {
		proxy.Set(s3peer.Fault{Hole: true})
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		begun := time.Now()
		if err := ask(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(begun) > 20*time.Second {
			t.Errorf("%s into a hole: %v after %s", name, err, time.Since(begun))
		}
		cancel()
	}
}

// The store's own clock decides, whatever this machine's says.
func TestTheStoresClock(t *testing.T) {
	server := s3peer.Start(t)
	server.Bucket(bucket, true)
	proxy := server.Proxy()
	target := open(t, s3peer.Address(proxy.Endpoint, bucket, ""), s3peer.Keys(t, s3peer.Owner, s3peer.OwnerSecret))
	defer target.Close()
	for _, years := range []int{-10, 10} {
		want := time.Now().AddDate(years, 0, 0).UTC().Truncate(time.Second)
		proxy.Set(s3peer.Fault{Change: s3peer.Header("Date", want.Format(http.TimeFormat))})
		if got, err := target.Now(t.Context()); err != nil || !got.Equal(want) {
			t.Errorf("Now: %s, %v; want %s", got, err, want)
		}
	}
}
