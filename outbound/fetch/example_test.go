package fetch_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/merlon-web/merlon/outbound/fetch"
)

// An address of your own, with data in its places.
var ranges = fetch.At("https://api.example.org/range/{}?q={}")

func ExamplePattern_With() {
	address, err := ranges.With("../admin", "a&b=c")
	fmt.Println(address, err)
	_, err = ranges.With("..", "x")
	fmt.Println(err != nil)
	// Output:
	// https://api.example.org/range/..%2Fadmin?q=a%26b%3Dc <nil>
	// true
}

// A whole address that a visitor typed is asked for on the public network only.
func ExampleClient_Get() {
	client, err := fetch.New(fetch.Config{})
	if err != nil {
		panic(err)
	}
	for _, typed := range []string{"https://169.254.169.254/latest/meta-data/", "https://[::ffff:127.0.0.1]/", "file:///etc/passwd"} {
		_, err := client.Get(context.Background(), typed)
		var failed *fetch.Error
		fmt.Println(errors.As(err, &failed) && failed.Reason != "")
	}
	// Output:
	// true
	// true
	// true
}
