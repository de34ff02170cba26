package keyring_test

import (
	"fmt"

	"github.com/merlon-web/merlon/keyring"
)

func Example() {
	ring := keyring.Memory("example") // a site opens its key file: keyring.Open
	sealed, err := ring.Seal("shop/coupon/v1", []byte("10 %"), []byte("user 7"))
	if err != nil {
		panic(err)
	}
	plain, err := ring.Open("shop/coupon/v1", sealed, []byte("user 7"))
	fmt.Println(string(plain), err)
	_, err = ring.Open("shop/coupon/v1", sealed, []byte("user 8"))
	fmt.Println(err == keyring.ErrOpen)
	// Output:
	// 10 % <nil>
	// true
}
