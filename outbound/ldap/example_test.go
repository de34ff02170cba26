package ldap_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/merlon-web/merlon/outbound/ldap"
)

var (
	staff  = ldap.NewName("ou=staff,dc=example,dc=org")
	mailOf = ldap.NewFilter("(&(objectClass=person)(uid={}))")
)

// The filter is a constant with places. A value in one is escaped: "*" finds nobody, and ")(uid=*" closes nothing. Here the directory is
// not there, so nobody is found and the error says that nothing is known.
func ExampleDirectory_Search() {
	directory, err := ldap.New(ldap.Config{Address: "ldap://127.0.0.1:1", Timeout: time.Second})
	if err != nil {
		panic(err)
	}
	found, err := directory.Search(context.Background(), staff, mailOf, []string{"ann)(uid=*"}, "mail")
	fmt.Println(len(found), errors.Is(err, ldap.ErrCannot))
	// Output: 0 true
}
