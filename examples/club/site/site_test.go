package site_test

import (
	"testing"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/examples/club/site"
	"github.com/merlon-web/merlon/examples/club/site/sitetest"
)

func TestClub(t *testing.T) {
	sitetest.Run(t, func(*testing.T) func(merlon.Env) (*merlon.Site, error) { return site.Open })
}
