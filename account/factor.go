package account

import (
	"time"

	"github.com/merlon-web/merlon"
)

// trustLife is how long the second step is skipped on a device that its owner trusts.
const trustLife = 30 * 24 * time.Hour

// factorRoutes are the second step and what a user has for it.
func (a *part) factorRoutes() []merlon.Route { return nil }
