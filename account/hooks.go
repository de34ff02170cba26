package account

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/merlon-web/merlon/check"
	"github.com/merlon-web/merlon/db"
)

// Hooks are what a site does beside what account does, in the same transaction: with an error nothing happens, and the
// visitor gets the page of a failed request. A nil hook does nothing. What is slow, or leaves the machine, belongs into a
// mail or a task that the hook queues.
//
// A sign-up whose address is not proven is nobody's account yet: anybody can make one for anybody's address, under any name, and
// whoever signs up next takes it over. No hook is told of it, neither when it is made nor when it is deleted: the hook's rows would
// be a stranger's, and its time would tell who has an account.
type Hooks struct {
	SignedUp func(context.Context, *db.Writer, User) error // somebody who signed up has proven the address; then comes Verified
	Verified func(context.Context, *db.Writer, User) error // the address is the user's; also for accounts made by others
	SignedIn func(context.Context, *db.Writer, User) error
	Moved    func(ctx context.Context, w *db.Writer, u User, before string) error // has another address
	// Deleted: is about to be deleted, the last moment for rows that name it: rows of the site's own stay unless this hook
	// deletes them. Now is the site's clock.
	Deleted func(ctx context.Context, w *db.Writer, u User, now time.Time) error
	// Export adds what the site knows of a user to the file of "download my data", under a name of the site's: without it the
	// file has what account keeps, and nothing of the site's own tables.
	Export func(context.Context, *db.Reader, User) (map[string]any, error)
}

func run(hook func(context.Context, *db.Writer, User) error, w *db.Writer, u User) error {
	if hook == nil {
		return nil
	}
	return hook(w.Context(), w, u)
}

// codeChecks are the part's checks of the site's own statements.
func (a *part) codeChecks(own []db.Declared) []check.Check {
	return []check.Check{{Rule: RuleRows, Run: func(context.Context) []check.Finding { return a.checkRows(own) }}}
}

// checkRows finds statements of the site's own that add rows, of which a user may be part, where a hook for them is missing.
func (a *part) checkRows(own []db.Declared) []check.Finding {
	var lack []string
	if a.cfg.Hooks.Export == nil {
		lack = append(lack, "Export: they are in nobody's download")
	}
	if a.cfg.Hooks.Deleted == nil {
		lack = append(lack, "Deleted: they stay when their user goes")
	}
	if len(lack) == 0 {
		return nil
	}
	for _, d := range own {
		if d.Kind != db.KindQuery && insertsRow(d.Text) {
			return []check.Finding{RuleRows.Finding(d.Where, fmt.Sprintf("the site adds rows of its own (%s), and account.Config.Hooks has no %s", strings.Join(strings.Fields(d.Text), " "), strings.Join(lack, "; no ")),
				"give the hooks what is a user's among the site's rows; if no row tells of a user, skip this with the reason")}
		}
	}
	return nil
}

// insertsRow reports whether a statement adds rows, as far as its words tell: INSERT wherever it stands, and SQLite's REPLACE INTO.
func insertsRow(text string) bool {
	words := strings.FieldsFunc(strings.ToUpper(text), func(r rune) bool { return r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	for i, word := range words {
		if word == "INSERT" || word == "REPLACE" && i+1 < len(words) && words[i+1] == "INTO" {
			return true
		}
	}
	return false
}
