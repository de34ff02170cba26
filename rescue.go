package merlon

import (
	"context"
	"errors"

	"github.com/merlon-web/merlon/internal/text"
	"github.com/merlon-web/merlon/secret"
)

// A Rescue is what a part offers ([Part.Offers]) to the page on which a new site is set up: to get an old one back instead.
type Rescue struct {
	// Begin refuses what cannot be right, and begins the rest: it goes on after the request. When the data is ready the site
	// is replaced by it ([House.Replace]).
	Begin func(context.Context, *House, RescueWish) error
	// State tells how far it is.
	State func() RescueState
}

// A RescueWish is what the owner typed.
type RescueWish struct {
	Address  string        // where the backups are; "": it comes with the key
	Settings string        // of that place, name=value,name=value; "" for none
	Site     string        // whose backups are meant, by its id, where several sites have some there; "": the key or the place tells
	Key      secret.String // what opens them
}

// A RescueState is how far a rescue is.
type RescueState struct {
	Running bool
	Step    Said // what it does
	Problem Said // why it ended; none: it did not, or all is well

	Warnings []Said // what is wrong with the backups beside the one that is restored
	Notes    []Said // what the owner should know or compare, and is no fault
	Done     []Said // what came of one that ended well not long ago: of when the data is, and what is lost, held or lacking
}

// A Said is a message of Merlon's own catalogue for a page to say in its visitor's language. The zero Said is none. It is an
// error too: of what [Rescue.Begin] returns the page says the Said.
type Said struct {
	ID     string
	Args   []any
	Detail string // what a system or a store said of it, in its own words; ""
	Lines  []Said // what belongs to it, a line each: what can be chosen from
}

// Error implements error, in English.
func (s Said) Error() string {
	words := text.Own().Format("en", s.ID, s.Args...)
	if s.Detail != "" {
		words += " " + s.Detail
	}
	return words
}

// Again puts the site together once more, for data in another folder, and starts nothing. It is false where the program that
// opened the site cannot do that.
func (h *House) Again() (func(data string, mode Mode) (*Site, error), bool) {
	return h.site.env.Again, h.site.env.Again != nil
}

var errNoReplace = errors.New("merlon: the data of this site cannot be replaced while it runs: the program that serves it does not start it anew, or does so already; stop it and use the command restore")

// Replace has the program that serves the site stop it, run do with the data folder at rest, and start it anew, whatever do
// returns.
func (h *House) Replace(do func() error) error {
	if h.site.env.Again == nil {
		return errNoReplace
	}
	select {
	case h.site.replace <- do:
		return nil
	default:
		return errNoReplace
	}
}

// Replaced is told of what was given to [House.Replace]. The program that serves a site, and set Env.Again, listens.
func (s *Site) Replaced() <-chan func() error { return s.replace }
