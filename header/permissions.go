package header

import (
	"fmt"
	"slices"
	"strings"

	"github.com/merlon-web/merlon/check"
)

// features are the powerful features that browsers let a policy turn off (w3c/webappsec-permissions-policy, features.md), by
// the names that Chromium 156 knows on every system: of another it complains on each page. That leaves out bluetooth and
// web-share, which ask the visitor each time, and attribution-reporting, which is gone. A site opens those it uses by name.
var features = [...]string{
	"accelerometer", "autoplay", "browsing-topics", "camera", "clipboard-read", "clipboard-write",
	"compute-pressure", "cross-origin-isolated", "display-capture", "encrypted-media", "fullscreen", "gamepad",
	"geolocation", "gyroscope", "hid", "identity-credentials-get", "idle-detection", "keyboard-map", "local-fonts",
	"magnetometer", "microphone", "midi", "otp-credentials", "payment", "picture-in-picture",
	"publickey-credentials-create", "publickey-credentials-get", "screen-wake-lock", "serial", "storage-access",
	"usb", "window-management", "xr-spatial-tracking",
}

// permissions returns the value of Permissions-Policy: every known feature off, the open ones for the own origin only.
func permissions(open []string, where string) (string, check.Faults) {
	var faults check.Faults
	for _, name := range open {
		if !slices.Contains(features[:], name) {
			faults = append(faults, RuleFeature.Finding(where, fmt.Sprintf("browser feature %.60q", name),
				"write one of: "+strings.Join(features[:], ", ")))
		}
	}
	var b strings.Builder
	for i, name := range features {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(name)
		if slices.Contains(open, name) {
			b.WriteString("=(self)")
		} else {
			b.WriteString("=()")
		}
	}
	return b.String(), faults
}
