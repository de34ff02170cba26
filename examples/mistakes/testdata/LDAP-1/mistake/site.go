// A filter built from input.
package mistake

import (
	"context"

	"github.com/merlon-web/merlon/outbound/ldap"
)

var people = ldap.NewName("ou=people,dc=example,dc=org")

func find(ctx context.Context, d *ldap.Directory, name string) ([]ldap.Entry, error) {
	return d.Search(ctx, people, ldap.NewFilter("(uid="+name+")"), nil, "mail") // compile: constant value in argument to ldap.NewFilter
}
