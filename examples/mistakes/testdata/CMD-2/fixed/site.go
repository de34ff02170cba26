// Programs are declared; input chooses among them.
package fixed

import (
	"context"

	"github.com/merlon-web/merlon/outbound/command"
)

var tools = map[string]*command.Command{
	"date":   command.New("date", "-u"),
	"uptime": command.New("uptime"),
}

type tool struct {
	Program string `form:"required,max=80"`
}

func use(ctx context.Context, in tool) error {
	chosen, ok := tools[in.Program]
	if !ok {
		return nil
	}
	_, err := chosen.Run(ctx, nil)
	return err
}
