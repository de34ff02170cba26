// A link that is hidden in the page, and a route that is open to all who are signed in.
//
// test: MRL-ATK-080
package mistake

import (
	"embed"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/account"
	"github.com/merlon-web/merlon/page"
	"github.com/merlon-web/merlon/sqlite"
)

//go:embed pages
var files embed.FS

var (
	pages       = page.From(files, "pages")
	homePage    = page.New[struct{}](pages, "home.html")
	boardPage   = page.New[struct{}](pages, "board.html")
	membersPage = page.New[struct{}](pages, "members.html")
	board       = account.HasRole("board")
)

func home(*merlon.Read[account.User], merlon.None) (*merlon.Response, error) {
	return merlon.Show(homePage, struct{}{}), nil
}

func minutes(*merlon.Read[account.User], merlon.None) (*merlon.Response, error) {
	return merlon.Show(boardPage, struct{}{}), nil
}

func members(*merlon.Read[account.User], merlon.None) (*merlon.Response, error) {
	return merlon.Show(membersPage, struct{}{}), nil
}

// Open is the site.
func Open(env merlon.Env) (*merlon.Site, error) {
	return merlon.New(env, merlon.Config{
		Engine: sqlite.Engine("site.db"), Pages: pages,
		Parts: []merlon.Part{account.New(account.Config{})},
		Routes: []merlon.Route{
			merlon.Get("/", account.SignedIn(), home),
			merlon.Get("/board", board, minutes),
			merlon.Get("/board/members", account.SignedIn(), members),
		},
	})
}
