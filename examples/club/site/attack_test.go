package site_test

import (
	"testing"

	"github.com/merlon-web/merlon/attack"
	"github.com/merlon-web/merlon/examples/club/site"
)

// TestAttacked: the site's own attacker finds nothing, and has been everywhere.
func TestAttacked(t *testing.T) {
	attack.Test(t, site.Open)
}
