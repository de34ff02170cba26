package main

import (
	"os"
	"testing"
)

// TestPageIsWritten: the page is the one that go generate would write now.
func TestPageIsWritten(t *testing.T) {
	got, err := os.ReadFile("../../../docs/settings.md")
	if err != nil || string(got) != page() {
		t.Errorf("docs/settings.md is not what go generate ./internal/e2e/settings writes (%v)", err)
	}
}
