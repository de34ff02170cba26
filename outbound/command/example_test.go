//go:build unix

package command_test

import (
	"context"
	"fmt"

	"github.com/merlon-web/merlon/outbound/command"
)

// The program and its options are constants, declared as a package variable. What a visitor typed is an argument: no shell reads it, and
// behind "--" it is no option.
var show = command.New("printf", "<%s>\\n", "--")

func ExampleCommand_Run() {
	for _, typed := range []string{"$(id); rm -rf /", "a\x00b"} {
		result, err := show.Run(context.Background(), nil, typed)
		if err != nil {
			fmt.Println("refused")
			continue
		}
		fmt.Printf("%s", result.Out) // printf prints each argument that it is given, the dashes too
	}
	// Output:
	// <-->
	// <$(id); rm -rf />
	// refused
}
