package account

import (
	"time"

	"github.com/merlon-web/merlon"
)

// leaveAfter is how long an account that its user has deleted can be called back.
const leaveAfter = 14 * 24 * time.Hour

// areaRoutes are the pages on which users look after their accounts. What ends sessions, hands the data out or deletes asks
// for a recent sign-in (OWASP ASVS 5.0 7.5.2, 7.5.3): a browser left open is not enough.
func (a *part) areaRoutes() []merlon.Route {
	recent := SignedIn().With(NeedRecent())
	step := SignedIn().With(recentStep)
	return []merlon.Route{
		merlon.Get("/account", SignedIn(), a.showOverview),
		merlon.Get("/account/name", SignedIn(), a.showName),
		merlon.Post("/account/name", SignedIn(), a.changeName),
		merlon.Get("/account/password", SignedIn(), a.showPassword),
		merlon.PostAfter("/account/password", SignedIn(), a.tryChange, a.changePassword),
		merlon.Get("/account/sessions", SignedIn(), a.showSessions),
		merlon.Get("/account/sessions/recent", recent, a.toSessions),
		merlon.Post("/account/sessions", recent, a.endSessions),
		merlon.Get("/account/devices", SignedIn(), a.showDevices),
		merlon.Get("/account/devices/recent", recent, a.toDevices),
		merlon.Post("/account/devices", recent, a.changeDevices),
		merlon.Get("/account/log", SignedIn(), a.showLog),
		merlon.Get("/account/log/file", SignedIn(), a.sendLog, merlon.OwnLinksOnly()),
		merlon.Get("/account/export", step, a.showExport),
		merlon.Get("/account/export/file", step, a.sendExport, merlon.OwnLinksOnly()),
		merlon.Get("/account/leave", step, a.showLeave),
		merlon.Post("/account/leave", step, a.leave),
		merlon.Get("/account/stay", Anyone(), a.showStay),
		merlon.Post("/account/stay", Anyone(), a.stay),
		merlon.Get("/.well-known/change-password", merlon.Public(), a.wellKnownPassword),
		merlon.Get("/.well-known/passkey-endpoints", merlon.Public(), a.wellKnownPasskeys),
		merlon.Get("/.well-known/security.txt", merlon.Public(), a.wellKnownSecurity),
	}
}
