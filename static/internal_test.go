package static

import (
	"bytes"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
)

func TestReloadServesWhatWasSaved(t *testing.T) {
	folder := t.TempDir()
	save := func(name, content string) {
		name = filepath.Join(folder, "static", name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	save("site.css", "a{}")
	f := &Files{fsys: fstest.MapFS{"static/site.css": {Data: []byte("a{}")}}, dir: "static", name: "static", source: folder}
	old, _, _ := f.Address("site.css")
	if changed, err := f.Reload(); changed || err != nil {
		t.Errorf("nothing saved: %v, %v", changed, err)
	}
	save("site.css", "b{}")
	save(".site.css.swp", "x") // an editor's; go:embed would not take it up
	save("_draft.html", "x")
	if changed, err := f.Reload(); !changed || err != nil || f.Faults() != nil {
		t.Errorf("saved: %v, %v, %v", changed, err, f.Faults())
	}
	now, _, _ := f.Address("site.css")
	w := httptest.NewRecorder()
	f.ServeHTTP(w, httptest.NewRequest("GET", now, nil))
	if now == old || w.Body.String() != "b{}" {
		t.Errorf("%s, %s: %q", old, now, w.Body)
	}
	w = httptest.NewRecorder()
	if f.ServeHTTP(w, httptest.NewRequest("GET", old, nil)); w.Code != 404 {
		t.Errorf("the old address: %d", w.Code)
	}
	save("page.html", "x")
	if changed, err := f.Reload(); !changed || err != nil || len(f.Faults()) != 1 {
		t.Errorf("a fault: %v, %v, %v", changed, err, f.Faults())
	}
	if err := os.Symlink("/etc/passwd", filepath.Join(folder, "static", "passwd.txt")); err == nil {
		if _, err := f.Reload(); err != nil || len(f.Faults()) != 2 {
			t.Errorf("a link out of the folder: %v, %v", err, f.Faults())
		}
	}
	if err := os.Remove(filepath.Join(folder, "static", "passwd.txt")); err == nil {
		if err := os.Symlink("site.css", filepath.Join(folder, "static", "link.css")); err != nil {
			t.Fatal(err)
		}
		if _, err := f.Reload(); err != nil || len(f.Faults()) != 2 || !strings.Contains(f.Faults().Error(), "no regular file") {
			t.Errorf("a link within the folder: %v, %v", err, f.Faults())
		}
	}
	f.source = ""
	if _, err := f.Reload(); err == nil {
		t.Error("reloaded from nowhere")
	}
}

func TestLimits(t *testing.T) {
	read := func(fsys fstest.MapFS) *state { return read(fsys, "s", "/s/", "s", nil) }
	many := fstest.MapFS{}
	for i := range MaxCount + 1 {
		many["s/"+strings.Repeat("a", i%100+1)+string(rune('a'+i/100%26))+string(rune('a'+i/2600))+".txt"] = &fstest.MapFile{Data: []byte("x")}
	}
	if len(many) != MaxCount+1 {
		t.Fatalf("%d files", len(many))
	}
	if s := read(many); len(s.faults) != 1 || s.faults[0].ID != RuleSize.ID {
		t.Errorf("%d files: %v", len(many), s.faults)
	}
	large := &fstest.MapFile{Data: make([]byte, MaxFile+1)}
	if s := read(fstest.MapFS{"s/a.txt": large}); len(s.faults) != 1 || s.faults[0].ID != RuleSize.ID || len(s.byName) != 0 {
		t.Errorf("a large file: %v", s.faults)
	}
	large = &fstest.MapFile{Data: make([]byte, MaxFile)}
	total := fstest.MapFS{}
	for _, name := range "abcdefghi" {
		total["s/"+string(name)+".txt"] = large
	}
	if s := read(total); len(s.faults) != 1 || s.faults[0].ID != RuleSize.ID {
		t.Errorf("144 MiB: %v", s.faults)
	}
}

func TestTwoFilesOfOneAddress(t *testing.T) {
	s := read(fstest.MapFS{"s/a.txt": {Data: []byte("one")}}, "s", "/s/", "s", nil)
	address := s.byName["a.txt"].address
	s = read(fstest.MapFS{"s/a.txt": {Data: []byte("one")}, "s/" + strings.TrimPrefix(address, "/s/"): {Data: []byte("two")}}, "s", "/s/", "s", nil)
	if len(s.faults) != 1 || s.faults[0].ID != RuleName.ID {
		t.Errorf("got %v", s.faults)
	}
}

// FuzzReferences: places are in order and within the sheet, and what is rewritten is found again at the same places.
func FuzzReferences(f *testing.F) {
	for _, s := range []string{`a{b:url(x.png)}`, `@import "a.css" screen;@import url('b.css')`, `/*url(x)*/a{content:"url(x)"}`, `url("a\")`, `image-set("a" 1x)`, `url( a\)b )`, "'\nurl(x)", `@namespace url(x);`, `url(`, `"\`, `\`, `@`, `/*`, `url("`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, src string) {
		refs := references([]byte(src))
		var out bytes.Buffer
		last := 0
		for _, r := range refs {
			if r.start < last || r.end < r.start || r.end > len(src) {
				t.Fatalf("%q: %v", src, refs)
			}
			out.WriteString(src[last:r.start])
			if r.start != r.end {
				out.WriteString("/s/x.css")
			}
			last = r.end
		}
		out.WriteString(src[last:])
		again := references(out.Bytes())
		if len(again) != len(refs) {
			t.Fatalf("%q has %d references, rewritten %q has %d", src, len(refs), out.String(), len(again))
		}
		for i, r := range again {
			if got := out.String()[r.start:r.end]; got != "/s/x.css" && refs[i].start != refs[i].end {
				t.Fatalf("%q: reference %d of %q is %q", src, i, out.String(), got)
			}
		}
	})
}

func FuzzRequestHeaders(f *testing.F) {
	f.Add(`W/"a", "b"`, "gzip;q=0.5, *")
	f.Add(`"`, ";,=;q=")
	f.Fuzz(func(t *testing.T, match, coding string) {
		const etag = `"0123456789abcdef"`
		if matches([]string{match}, etag) && !strings.Contains(match, etag) && !strings.Contains(match, "*") {
			t.Fatalf("%q matches", match)
		}
		if acceptsGzip([]string{coding}) && !strings.Contains(strings.ToLower(coding), "gzip") && !strings.Contains(coding, "*") {
			t.Fatalf("%q accepts gzip", coding)
		}
	})
}

func benchmark(b *testing.B, headers ...string) {
	b.ReportAllocs()
	f := &Files{fsys: fstest.MapFS{"static/site.css": {Data: bytes.Repeat([]byte("a { color: red }\n"), 1000)}}, dir: "static", name: "static"}
	address, _, _ := f.Address("site.css")
	r := httptest.NewRequest("GET", address, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	w.Body = nil
	for b.Loop() {
		f.ServeHTTP(w, r)
	}
}

func BenchmarkServe(b *testing.B)       { benchmark(b, "Accept-Encoding", "gzip, deflate, br, zstd") }
func BenchmarkServePlain(b *testing.B)  { benchmark(b) }
func BenchmarkNotModified(b *testing.B) { benchmark(b, "If-None-Match", "*") }
func BenchmarkServeNothing(b *testing.B) {
	b.ReportAllocs()
	f := &Files{fsys: fstest.MapFS{"static/site.css": {Data: []byte("a{}")}}, dir: "static", name: "static"}
	r := httptest.NewRequest("GET", "/static/nothing.css", nil)
	w := httptest.NewRecorder()
	w.Body = nil
	for b.Loop() {
		f.ServeHTTP(w, r)
	}
}

func TestServingDoesNotAllocate(t *testing.T) {
	f := &Files{fsys: fstest.MapFS{"static/site.css": {Data: bytes.Repeat([]byte("a { color: red }\n"), 1000)}}, dir: "static", name: "static"}
	r := httptest.NewRequest("GET", "/static/site.css", nil)
	r.Header.Set("Accept-Encoding", "gzip")
	w := httptest.NewRecorder()
	w.Body = nil
	f.ServeHTTP(w, r)
	if n := testing.AllocsPerRun(100, func() { f.ServeHTTP(w, r) }); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}
