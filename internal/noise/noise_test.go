package noise

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

func TestFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	n := New(f)
	text := bytes.Repeat([]byte("nobody may read this. "), 1000)
	for at := 0; at < len(text); {
		part := bytes.Clone(text[at:min(at+777, len(text))]) // no multiple of the block
		if err := n.Put(part, int64(at)); err != nil {
			t.Fatal(err)
		}
		at += len(part)
	}
	if got, err := os.ReadFile(path); err != nil || len(got) != len(text) || bytes.Contains(got, text[:8]) {
		t.Errorf("the file has %d bytes in the clear or is of another length: %v", len(got), err)
	}
	for _, at := range []int{0, 1, 15, 16, 17, 776, 777, 778, 9999} {
		got := make([]byte, 100)
		if _, err := n.ReadAt(got, int64(at)); err != nil || !bytes.Equal(got, text[at:at+100]) {
			t.Errorf("at %d: %q, %v", at, got, err)
		}
	}
	other := New(f)
	got := make([]byte, 100)
	if _, err := other.ReadAt(got, 0); err != nil || bytes.Contains(got, text[:8]) {
		t.Errorf("under another key it reads %q, %v", got, err)
	}
}
