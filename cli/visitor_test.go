package cli_test

import (
	"bytes"
	"context"
	"embed"
	"strings"
	"testing"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/account"
	"github.com/merlon-web/merlon/cli"
	"github.com/merlon-web/merlon/page"
	"github.com/merlon-web/merlon/sqlite"
)

//go:embed testdata/visitor
var visitorFiles embed.FS

var (
	withLayout = page.From(visitorFiles, "testdata/visitor")
	bare       = page.From(visitorFiles, "testdata/visitor/bare")
	homePage   = page.New[struct{}](withLayout, "home.html")
	barePage   = page.New[struct{}](bare, "home.html")
)

func home(*merlon.Read[merlon.Visitor], merlon.None) (*merlon.Response, error) {
	return merlon.Show(homePage, struct{}{}), nil
}

func guestHome(*merlon.Read[account.Guest], merlon.None) (*merlon.Response, error) {
	return merlon.Show(homePage, struct{}{}), nil
}

func bareHome(*merlon.Read[merlon.Visitor], merlon.None) (*merlon.Response, error) {
	return merlon.Show(barePage, struct{}{}), nil
}

func feed(*merlon.Read[merlon.Visitor], merlon.None) (*merlon.Response, error) {
	return merlon.JSON([]string{}), nil
}

// TestVisitorIsNobody: a site whose public page shows who is signed in is told so when it is served in development, with what
// to do; one that does not, or whose routes know who came, is not, nor is one without accounts.
func TestVisitorIsNobody(t *testing.T) {
	parts := []merlon.Part{account.New(account.Config{})}
	for name, c := range map[string]struct {
		cfg  merlon.Config
		told bool
	}{
		"public":         {merlon.Config{Pages: withLayout, Parts: parts, Routes: []merlon.Route{merlon.Get("/", merlon.Public(), home)}}, true},
		"anyone":         {merlon.Config{Pages: withLayout, Parts: parts, Routes: []merlon.Route{merlon.Get("/", account.Anyone(), guestHome), merlon.Get("/feed", merlon.Public(), feed)}}, false},
		"no header":      {merlon.Config{Pages: bare, Parts: parts, Routes: []merlon.Route{merlon.Get("/", merlon.Public(), bareHome)}}, false},
		"no accounts":    {merlon.Config{Pages: withLayout, Routes: []merlon.Route{merlon.Get("/", merlon.Public(), home)}}, false},
		"shown by a way": {merlon.Config{Pages: withLayout, Parts: parts, Routes: []merlon.Route{merlon.Get("/", merlon.Public(), home), merlon.Get("/in", account.Anyone(), guestHome)}}, true},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, stop := context.WithTimeout(t.Context(), time.Minute)
			defer stop()
			c.cfg.Name, c.cfg.Engine = "blind", sqlite.Engine("blind.db")
			var problems bytes.Buffer
			out := writer(func(b []byte) {
				if strings.Contains(string(b), "stop with Ctrl-C") {
					stop()
				}
			})
			cli.Run(ctx, func(env merlon.Env) (*merlon.Site, error) { return merlon.New(env, c.cfg) },
				[]string{"serve", "--listen", "127.0.0.1:0", "--data", t.TempDir()}, out, &problems)
			if told := strings.Contains(problems.String(), "MRL-ROUTE-026") && strings.Contains(problems.String(), "say account.Anyone()"); told != c.told {
				t.Errorf("told %v, want %v:\n%s", told, c.told, &problems)
			}
		})
	}
}

type writer func([]byte)

func (w writer) Write(b []byte) (int, error) {
	w(b)
	return len(b), nil
}
