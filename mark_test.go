package merlon_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/merlontest"
)

// TestDataOfAnotherSite: two programs started in one folder would share keys, maintenance and backups.
func TestDataOfAnotherSite(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	t.Run("first", func(t *testing.T) { merlontest.StartIn(t, dir, openTestSite) })
	mark := filepath.Join(dir, "site")
	if err := os.WriteFile(mark, []byte("shop\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	open := func() error {
		site, err := openTestSite(merlon.Env{Data: dir, Mode: merlon.Test})
		if err != nil {
			t.Fatal(err)
		}
		if err := site.Start(context.Background()); err != nil {
			return err
		}
		return site.Close(context.Background())
	}
	var f check.Finding
	if err := open(); !errors.As(err, &f) || f.ID != merlon.RuleOtherSite.ID {
		t.Errorf("the data of another site: %v", err)
	}
	if err := os.Remove(mark); err != nil {
		t.Fatal(err)
	}
	if err := open(); err != nil {
		t.Errorf("without a mark: %v", err)
	}
}

// TestGitTakesNoData: the folder that a site makes is left out of every commit, as long as its owner does not say otherwise;
// one that the owner made is not touched.
func TestGitTakesNoData(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	file := filepath.Join(dir, ".gitignore")
	t.Run("made", func(t *testing.T) { merlontest.StartIn(t, dir, openTestSite) })
	if text, err := os.ReadFile(file); err != nil || string(text) != "*\n" {
		t.Errorf("after the first start: %q, %v", text, err)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	t.Run("again", func(t *testing.T) { merlontest.StartIn(t, dir, openTestSite) })
	if _, err := os.Lstat(file); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("after its owner took it out: %v", err)
	}
	own := t.TempDir()
	t.Run("own", func(t *testing.T) { merlontest.StartIn(t, own, openTestSite) })
	if _, err := os.Lstat(filepath.Join(own, ".gitignore")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("in a folder of the owner's: %v", err)
	}
}
