package merlon_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/check"
)

// TestRoleNames: a role that no command can give is refused at New, with a name that can be.
func TestRoleNames(t *testing.T) {
	for role, ok := range map[string]bool{"board": true, "chief-librarian2": true, "Chief Librarian": false, "a,b": false, "": false, strings.Repeat("a", 33): false} {
		if merlon.IsRole(role) != ok {
			t.Errorf("%q is a role: %v", role, !ok)
		}
	}
	access := merlon.NewAccess("signed in", func(*merlon.Visit) (merlon.Visitor, error) { return merlon.Visitor{}, nil },
		merlon.NamedNeed(merlon.RoleKind, writtenRole("Chief Librarian"), func(*merlon.Visit) error { return nil }))
	_, err := merlon.New(merlon.Env{Data: t.TempDir(), Mode: merlon.Test}, merlon.Config{Routes: []merlon.Route{merlon.Get("/shelf", access, showNothing)}})
	var faults check.Faults
	if !errors.As(err, &faults) || !strings.Contains(err.Error(), `asks for the role "Chief Librarian"`) || !strings.Contains(err.Error(), `call it "chief-librarian"`) {
		t.Errorf("got %v", err)
	}
}

type writtenRole string

func (writtenRole) Written() {}

func showNothing(*merlon.Read[merlon.Visitor], merlon.None) (*merlon.Response, error) {
	return nil, nil
}
