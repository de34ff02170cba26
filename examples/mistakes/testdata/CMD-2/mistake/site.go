// The program's name from input.
package mistake

import (
	"context"

	"github.com/merlon-web/merlon/outbound/command"
)

type tool struct {
	Program string `form:"required,max=80"`
}

func use(ctx context.Context, in tool) error {
	_, err := command.New(in.Program).Run(ctx, nil) // compile: as command.constant value in argument to command.New
	return err
}
