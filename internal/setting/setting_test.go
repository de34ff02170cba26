package setting_test

import (
	"testing"

	"github.com/merlon-web/merlon/internal/setting"
)

func TestNames(t *testing.T) {
	for key, want := range map[setting.Key]string{
		setting.Origin:      "site.origin (MERLON_SITE_ORIGIN; Settings.Origin)",
		setting.Proxies:     "site.trusted_proxies (MERLON_SITE_TRUSTED_PROXIES; Settings.Proxies)",
		setting.MailAddress: "mail.address (MERLON_MAIL; Settings.Mail.Address)",
		"serve.listen":      "serve.listen (MERLON_SERVE_LISTEN)",
	} {
		if got := key.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if got := setting.MailAddress.Long(); got != "MERLON_MAIL_ADDRESS" {
		t.Errorf("the long name is %q", got)
	}
}
