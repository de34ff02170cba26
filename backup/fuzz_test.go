package backup

import (
	"archive/tar"
	"bytes"
	"io"
	"maps"
	"strings"
	"testing"
	"time"
)

// FuzzManifest: what is accepted is written the one way, and signed by the key that it names.
func FuzzManifest(f *testing.F) {
	m := knownManifest(known(f))
	text := encode(m)
	f.Add(text)
	f.Add(bytes.Replace(text, []byte(`"seq":4711`), []byte(`"seq":4711,"seq":4711`), 1))
	f.Add(bytes.Replace(text, []byte(`"seq"`), []byte(`"SEQ"`), 1))
	f.Add(bytes.Replace(text, []byte(`{`), []byte(`{ `), 1))
	f.Add(append(bytes.TrimSuffix(text, []byte("\n")), " {}\n"...))
	f.Add(bytes.Replace(text, []byte(`4711`), []byte(`4.711e3`), 1))
	f.Fuzz(func(t *testing.T, b []byte) {
		var got Manifest
		if decode(b, &got) != nil || got.valid() != nil {
			return
		}
		if !bytes.Equal(encode(got), b) {
			t.Errorf("accepted, and written another way: %q", b)
		}
		if got.Hash() != m.Hash() && got.K == m.K {
			t.Errorf("another manifest with a signature of the known key: %q", b)
		}
	})
}

// FuzzRecords: no other record is accepted either unless the right key signed it.
func FuzzRecords(f *testing.F) {
	r := known(f)
	m := knownManifest(r)
	g := Genesis{Format: formatName, Kind: "genesis", Site: m.Site, Created: m.Instant, R: []string{r.Recipient()}, T: r.Root(), K: m.K}
	g.sign(r.root)
	b := Rebirth{Format: formatName, Kind: "rebirth", Site: m.Site, Branch: 2, After: 4711, From: 4712, Prev: m.Hash(), Created: m.Instant, K: m.K}
	b.sign(r.root)
	l := Links{Format: formatName, Kind: "links", Site: m.Site, Links: []Link{m.link()}}
	for _, v := range []any{g, b, l} {
		f.Add(encode(v))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var one Genesis
		if decode(text, &one) == nil && one.valid() == nil && one.T == r.Root() && !bytes.Equal(text, encode(g)) {
			t.Errorf("another genesis of the known key: %q", text)
		}
		var two Rebirth
		if decode(text, &two) == nil && two.valid(r.Root()) == nil && !bytes.Equal(text, encode(b)) {
			t.Errorf("another rebirth of the known key: %q", text)
		}
		var three Links
		_ = decode(text, &three)
	})
}

// FuzzUnpack: whatever a tar holds, only known names are written, as large as announced, and what is accepted has the hashes
// that MERLON names.
func FuzzUnpack(f *testing.F) {
	in := &Inner{Site: "4f1c9a2be07d6633", Name: "x", Seq: 1, Instant: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), Engine: "sqlite", Database: "x.db", Tables: map[string]int64{"a": 1}}
	from := []source{inMemory(databaseName, []byte("SQLite")), inMemory(keyringName, []byte("keys")), inMemory("settings/a.json", []byte("{}")), inMemory(uploadsName, nil)}
	var good bytes.Buffer
	if err := pack(&good, in, from); err != nil {
		f.Fatal(err)
	}
	f.Add(good.Bytes())
	for _, h := range []tar.Header{{Name: "../x", Typeflag: tar.TypeReg}, {Name: innerName, Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"}, {Name: "/etc/passwd", Typeflag: tar.TypeReg},
		{Name: innerName, Typeflag: tar.TypeReg, PAXRecords: map[string]string{"GNU.sparse.major": "1"}}, {Name: innerName, Typeflag: tar.TypeReg, Size: 1 << 40}} {
		var b bytes.Buffer
		w := tar.NewWriter(&b)
		_ = w.WriteHeader(&h)
		f.Add(append(b.Bytes(), good.Bytes()...))
	}
	f.Add(append(bytes.Clone(good.Bytes()), "behind"...))
	f.Fuzz(func(t *testing.T, b []byte) {
		written := map[string]int{}
		got, err := unpack(bytes.NewReader(b), func(*Inner) error { return nil }, func(name string, size int64) (io.WriteCloser, error) {
			if name != innerName && !knownName(name) || strings.Contains(name, "..") {
				t.Errorf("writes %q", name)
			}
			return counter{written, name}, nil
		})
		if err != nil {
			return
		}
		for _, one := range got.Files {
			if int64(written[one.Name]) != one.Size {
				t.Errorf("%s: %d bytes of %d", one.Name, written[one.Name], one.Size)
			}
		}
	})
}

type counter struct {
	n    map[string]int
	name string
}

func (c counter) Write(p []byte) (int, error) { c.n[c.name] += len(p); return len(p), nil }
func (counter) Close() error                  { return nil }

// FuzzKit: what is read of a kit can be printed and is read the same again, in one line too, and no secret is among it; an error
// repeats nothing of the key.
func FuzzKit(f *testing.F) {
	r := known(f)
	kit := &Kit{Title: "notes", Site: "4f1c9a2be07d6633", Target: "s3://bucket/site?endpoint=https://store.example", Options: Settings{"credentials": "/etc/site/s3", "host-key": "SHA256:a SHA256:b="}, recovery: r}
	text, err := kit.Text()
	if err != nil {
		f.Fatal(err)
	}
	for _, one := range []string{string(text), kit.Code()} {
		f.Add(one)
		f.Add(strings.ReplaceAll(one, "\n", ""))
		f.Add(strings.ReplaceAll(one, "setting   ", "setting   secret-key="))
		f.Add(strings.ReplaceAll(one, "=", " "))
		f.Add(strings.ReplaceAll(one, "\n", "\r\n\t"))
	}
	f.Fuzz(func(t *testing.T, text string) {
		k, err := ParseKit(text)
		if err != nil {
			if strings.Contains(err.Error(), r.Reveal()[20:40]) {
				t.Errorf("it repeats the key: %v", err)
			}
			return
		}
		if err := kitSettings(k.Options); err != nil {
			t.Errorf("%q was read: %v", k.Options, err)
		}
		for name := range k.Options {
			if secretName(name) {
				t.Errorf("a secret was read: %q", name)
			}
		}
		printed, err := k.Text()
		if err != nil {
			t.Fatal(err)
		}
		again, err := ParseKit(string(printed))
		if err != nil || again.Target != k.Target || again.Site != k.Site || !maps.Equal(again.Options, k.Options) || again.recovery.Reveal() != k.recovery.Reveal() {
			t.Errorf("%+v is read again as %+v, %v", k, again, err)
		}
	})
}
