package merlon_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/testdata/forgotten"
)

// A site that forgets what its package declares is refused by New, with the field, and not by its first visitor.
func TestNewTellsOfForgottenFields(t *testing.T) {
	env := merlon.Env{Mode: merlon.Test, Data: t.TempDir()}
	if _, err := forgotten.Open(env, true, true, true); err != nil {
		t.Fatalf("with all fields: %v", err)
	}
	for field, open := range map[string][3]bool{"Pages": {false, true, true}, "Schema": {true, false, true}, "Static": {true, true, false}} {
		_, err := forgotten.Open(env, open[0], open[1], open[2])
		var faults check.Faults
		if !errors.As(err, &faults) {
			t.Errorf("without %s: %v, want faults", field, err)
			continue
		}
		found := false
		for _, f := range faults {
			if f.ID == merlon.RuleForgotten.ID && strings.Contains(f.What, "Config."+field+" is empty") && strings.Contains(f.Do, field+": ") {
				found = strings.HasPrefix(f.Where, "testdata/forgotten/forgotten.go:")
			}
		}
		if !found {
			t.Errorf("without %s nothing names the field and the place: %v", field, err)
		}
	}
	_, err := forgotten.Open(env, true, true, false)
	if err == nil || !strings.Contains(err.Error(), `testdata/forgotten/pages/home.html:3:`) || !strings.Contains(err.Error(), `the page loads "/static/site.css", and nothing answers there`) {
		t.Errorf("a style sheet without static files: %v", err)
	}
}
