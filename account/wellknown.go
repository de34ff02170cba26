package account

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/check"
)

// wellKnownPassword leads password keepers to the page of the change (W3C, A Well-Known URL for Changing Passwords).
func (a *part) wellKnownPassword(*merlon.Read[merlon.Visitor], merlon.None) (*merlon.Response, error) {
	return merlon.Redirect("/account/password"), nil
}

// passkeyEndpoints is the answer of the W3C's Passkey Endpoints Well-Known URL.
type passkeyEndpoints struct {
	Enroll string `json:"enroll"`
	Manage string `json:"manage"`
}

// wellKnownPasskeys tells where passkeys are added and removed, on a site that has them.
func (a *part) wellKnownPasskeys(*merlon.Read[merlon.Visitor], merlon.None) (*merlon.Response, error) {
	i := slices.IndexFunc(a.ways, func(w Way) bool { return w.Name == "passkey" && w.Manage != "" })
	if i < 0 {
		return merlon.NotFound(), nil
	}
	at := a.house.URL(a.ways[i].Manage)
	return merlon.JSON(passkeyEndpoints{at, at}), nil
}

// contactLife is how long a security.txt says that it holds: RFC 9116 2.5.5 asks for less than a year.
const contactLife = 180 * 24 * time.Hour

// wellKnownSecurity tells those who find a hole whom to tell (RFC 9116).
func (a *part) wellKnownSecurity(r *merlon.Read[merlon.Visitor], _ merlon.None) (*merlon.Response, error) {
	contact := string(a.cfg.SecurityContact)
	if contactFault(contact) != "" {
		return merlon.NotFound(), nil
	}
	expires := r.Now().UTC().Add(contactLife).Truncate(24 * time.Hour)
	return merlon.Text(fmt.Sprintf("Contact: %s\nExpires: %s\nPreferred-Languages: %s\nCanonical: %s\n", contact, expires.Format(time.RFC3339),
		r.Lang(), a.house.URL("/.well-known/security.txt"))), nil
}

// contactFault says what is wrong with a contact, "" if it is one that RFC 9116 2.5.3 takes.
func contactFault(contact string) string {
	if contact == "" {
		return "there is none"
	}
	u, err := url.Parse(contact)
	if err != nil || strings.ContainsAny(contact, " \r\n") || !slices.Contains([]string{"mailto", "https", "tel"}, u.Scheme) || u.Opaque == "" && u.Host == "" {
		return fmt.Sprintf("%q is no address that begins with mailto:, https:// or tel:", contact)
	}
	return ""
}

func (a *part) checkContact(context.Context) []check.Finding {
	fault := contactFault(string(a.cfg.SecurityContact))
	if fault == "" {
		return nil
	}
	return []check.Finding{RuleContact.Finding("account.Config.SecurityContact", fault, `name one: SecurityContact: "mailto:security@example.org"`)}
}
