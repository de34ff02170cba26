package account

import "github.com/merlon-web/merlon"

// commands are what the part adds to the site's own program.
func (a *part) commands() []merlon.Command { return nil }
