package password_test

import (
	"fmt"

	"github.com/merlon-web/merlon/password"
	"github.com/merlon-web/merlon/secret"
)

func ExamplePolicy() {
	policy := password.Policy{Words: []string{"Rowing Club"}}
	fmt.Println(policy.Sentence())
	for _, typed := range []string{"Tr0ub4dor&3", "1qaz2wsx3edc4rfv", "rowing-club-2026", "heron kettle violet"} {
		fmt.Println(policy.Problems(secret.New(typed), "Ann Miller"))
	}
	// Output:
	// At least 15 characters. Anything goes, spaces too: a few words are easy to remember.
	// [{password.short Use at least 15 characters: this password has 11.}]
	// [{password.common Choose another password: this one is on the lists that attackers try first.}]
	// [{password.words Choose another password: this one is made of the name of this site, or of your own name or address.}]
	// []
}

func ExampleInspect() {
	info := password.Inspect("pbkdf2_sha256$99999999999$salt$hash")
	fmt.Println(info.Algorithm == "", info.Reason)
	info = password.Inspect("9cc2ae8a1ba7a93da39b46fc1019c481")
	fmt.Println(info.Algorithm, info.Fast)
	// Output:
	// true cost
	// md5 true
}
