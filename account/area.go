package account

import (
	"time"

	"github.com/merlon-web/merlon"
)

// leaveAfter is how long an account that its user has deleted can be called back.
const leaveAfter = 14 * 24 * time.Hour

// areaRoutes are the pages on which users look after their accounts.
func (a *part) areaRoutes() []merlon.Route { return nil }
