package merlon_test

import (
	"context"
	"errors"
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
