package valkey_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/merlon-web/merlon/outbound/valkey"
)

var (
	cart    = valkey.NewKey("shop:cart:{}")
	addItem = valkey.NewCommand[int64]("RPUSH {key} {}", cart)
)

// The command and the prefix of its key are constants. Who it is for is one part of the key, escaped, so that nobody's name reaches the
// key of another; what is kept is a value of its own length. Here the server is not there.
func ExampleCommand_Do() {
	client, err := valkey.New(valkey.Config{Address: "valkey://127.0.0.1:1", Timeout: time.Second})
	if err != nil {
		panic(err)
	}
	defer client.Close()
	_, err = addItem.Do(context.Background(), client, cart.Of("ann}:cart:{ben"), valkey.Text("tea\r\nFLUSHALL\r\n"))
	fmt.Println(errors.Is(err, valkey.ErrCannot))
	// Output: true
}
