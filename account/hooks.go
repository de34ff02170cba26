package account

import (
	"context"
	"time"

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
	// Deleted: is about to be deleted, the last moment for rows that name it. Now is the site's clock.
	Deleted func(ctx context.Context, w *db.Writer, u User, now time.Time) error
	// Export adds what the site knows of a user to the file of "download my data", under a name of the site's.
	Export func(context.Context, *db.Reader, User) (map[string]any, error)
}

func run(hook func(context.Context, *db.Writer, User) error, w *db.Writer, u User) error {
	if hook == nil {
		return nil
	}
	return hook(w.Context(), w, u)
}
