package backup

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
)

// A key that is known, for vectors. It opens nothing.
const knownKey = "testdata/known-key.txt"

func known(t testing.TB) *Recovery {
	t.Helper()
	text, err := os.ReadFile(knownKey)
	if err != nil {
		t.Fatal(err)
	}
	r, err := ParseRecovery(string(text))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func seedKey(n byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{n}, ed25519.SeedSize))
}

func knownManifest(r *Recovery) Manifest {
	at := time.Date(2026, 11, 24, 3, 0, 4, 118e6, time.UTC)
	m := Manifest{Format: formatName, Kind: "point", Site: "4f1c9a2be07d6633", Branch: 1, Seq: 4711, Class: Daily, Label: "before the move", Instant: at,
		StoreDate: at.Add(-118 * time.Millisecond).Add(-time.Second), Build: "shop@1.4.2",
		Data: Sealed{Name: dataName(at), Size: 51380224, SHA256: hashOf([]byte("data")), PlainMax: 158334976, LockUntil: at.Add(Daily.Keep())},
		Prev: hashOf([]byte("before")), R: fingerprints([]string{r.Recipient()}), K: public(seedKey(1)), KNext: public(seedKey(2))}
	m.sign(seedKey(1))
	return m
}

// TestVectors holds what is printed on paper or lies at a store for years: it never changes.
func TestVectors(t *testing.T) {
	r := known(t)
	m := knownManifest(r)
	g := Genesis{Format: formatName, Kind: "genesis", Site: m.Site, Created: m.Instant, R: []string{r.Recipient()}, T: r.Root(), K: m.K}
	g.sign(r.root)
	proof := Proof{Format: formatName, Kind: "proof", Site: m.Site, Seq: m.Seq, Point: m.Hash(), Depth: Read, At: m.Instant}
	proof.sign(seedKey(2))
	retarget := Retarget{Format: formatName, Kind: "retarget", Site: m.Site, After: 4711, Prev: m.Hash(), Created: m.Instant, R: g.R}
	retarget.sign(r.root)
	rebirth := Rebirth{Format: formatName, Kind: "rebirth", Site: m.Site, Branch: 2, After: 4711, From: 4712, Prev: m.Hash(), Created: m.Instant, K: m.K}
	rebirth.sign(r.root)
	links := Links{Format: formatName, Kind: "links", Site: m.Site, Links: []Link{m.link()}}
	fileKey := []byte("0123456789abcdef")
	var b strings.Builder
	fmt.Fprintf(&b, "recipient %x\nroot %s\nfingerprint %s\nroot fingerprint %s\npoint key %s\ncode %s\nreceipt %s\n", sha256.Sum256([]byte(r.Recipient())), r.Root(), Fingerprint(r.Recipient()),
		Fingerprint(string(r.Root())), FormatPointKey(fileKey), ProofCode(fileKey, m.Hash()), (&Point{Manifest: m}).Receipt())
	for _, v := range []any{m, proof, retarget, rebirth, links} {
		b.WriteString(strings.ReplaceAll(string(encode(v)), r.Recipient(), "RECIPIENT"))
	}
	fmt.Fprintf(&b, "genesis %s\nsigned %q\n", hashOf(g.unsigned()), m.signed())
	const golden = "testdata/vectors.txt"
	if os.Getenv("MERLON_TEST_UPDATE") != "" {
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if b.String() != string(want) {
		t.Errorf("the formats changed: points at stores would not be read any more. Got:\n%s", b.String())
	}
	for _, err := range []error{m.valid(), g.valid(), proof.valid(&m), retarget.valid(r.Root()), rebirth.valid(r.Root()), links.valid()} {
		if err != nil {
			t.Error(err)
		}
	}
}

func (m *Manifest) signed() string {
	l := m.link()
	return string(l.message(m.Site))
}

func TestWordsAreTheirOwn(t *testing.T) {
	if len(wordList) != 256 {
		t.Fatalf("%d words", len(wordList))
	}
	seen := map[string]bool{}
	for _, w := range wordList {
		if seen[w] || strings.Trim(w, "abcdefghijklmnopqrstuvwxyz") != "" {
			t.Errorf("the word %q", w)
		}
		seen[w] = true
	}
}

func TestRecoveryIsReadAsPeopleTypeIt(t *testing.T) {
	r := known(t)
	key := r.Reveal()
	if len(key) != recoveryLength || fmt.Sprintf("%s %v %+v %q %x", r, r, r, r, r) != strings.TrimSpace(strings.Repeat("[recovery key] ", 5)) {
		t.Errorf("%d characters, prints as %s %v", len(key), r, r)
	}
	for name, text := range map[string]string{
		"plain": key, "lower": strings.ToLower(key), "groups": groups(key, 8), "lines": groups(key, 20) + "\r\n", "tabs": "\t" + strings.ReplaceAll(groups(key, 4), " ", "\n"),
		"within": "the key is " + key + ", and the rest", "code": "merlon-recovery 1\n" + key + "\nfile:///x\n0123456789abcdef\n",
	} {
		got, err := ParseRecovery(text)
		if err != nil || got.Reveal() != key || got.Root() != r.Root() {
			t.Errorf("%s: %v", name, err)
		}
	}
	for i := range key[len(recoveryPrefix):] {
		wrong := []byte(key)
		at := len(recoveryPrefix) + i
		wrong[at] = bech32Letters[(strings.IndexByte(bech32Letters, wrong[at])+1)%32]
		if _, err := ParseRecovery(string(wrong)); err == nil || strings.Contains(err.Error(), key[30:50]) {
			t.Errorf("character %d mistyped: %v", at, err)
		}
	}
	for _, text := range []string{"", key[:76], key[:20], strings.Replace(key, "PQ-", "", 1), "AGE-SECRET-KEY-PQ-1BBBB", key[:40] + "!" + key[41:]} {
		if _, err := ParseRecovery(text); err == nil {
			t.Errorf("%q was taken for a key", text)
		}
	}
}

func TestPointKeysAreReadAsPeopleTypeThem(t *testing.T) {
	key := []byte("0123456789abcdef")
	text := FormatPointKey(key)
	if len(strings.ReplaceAll(text, " ", "")) != 28 {
		t.Errorf("%q", text)
	}
	for _, typed := range []string{text, strings.ToLower(text), strings.ReplaceAll(text, " ", ""), strings.ReplaceAll(text, " ", "-"), " " + text + "\n"} {
		id, err := PointKey(typed)
		if err != nil {
			t.Fatalf("%q: %v", typed, err)
		}
		if got, err := id.Unwrap([]*age.Stanza{}); err != nil || !bytes.Equal(got, key) {
			t.Errorf("%q: %x, %v", typed, got, err)
		}
	}
	missed := 0
	clean := strings.ReplaceAll(text, " ", "")
	for i := range clean {
		for _, c := range "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567" {
			if byte(c) == clean[i] {
				continue
			}
			if _, err := PointKey(clean[:i] + string(c) + clean[i+1:]); err == nil {
				missed++
			}
		}
	}
	if missed > 3 { // one in 1,024 is not found
		t.Errorf("%d of %d mistyped letters were not found", missed, 28*31)
	}
}

func TestReceipts(t *testing.T) {
	r := Receipt{4711, hashOf([]byte("x"))}
	if got, err := ParseReceipt(r.String()); err != nil || got != r {
		t.Errorf("%v, %v", got, err)
	}
	for _, text := range []string{"", "4711", "4711:", "0:" + r.Hash, "-1:" + r.Hash, r.String() + "0", "04711:" + r.Hash, strings.ToUpper(r.String()), r.String()[:40]} {
		if _, err := ParseReceipt(text); err == nil {
			t.Errorf("%q was taken for a receipt", text)
		}
	}
}
