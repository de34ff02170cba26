// A declared filter; what was typed is a value of it.
package fixed

import (
	"context"

	"github.com/merlon-web/merlon/outbound/ldap"
)

var (
	people = ldap.NewName("ou=people,dc=example,dc=org")
	byName = ldap.NewFilter("(uid={})")
)

func find(ctx context.Context, d *ldap.Directory, name string) ([]ldap.Entry, error) {
	return d.Search(ctx, people, byName, []string{name}, "mail")
}
