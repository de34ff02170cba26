package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/merlon-web/merlon"
	"github.com/merlon-web/merlon/db"
)

// Of a site whose rows are on a database server a point holds a dump instead of a file. It is loaded into a database of its own;
// the data folder that the rest of the point becomes names it.

// ErrServer says that the database's server lets no copy be made or loaded as things stand.
var ErrServer = errors.New("backup: the database server cannot be backed up from here")

// dumpTime is how long a dump may take. A server goes on beside it; only what was deleted meanwhile is not cleared away.
const dumpTime = time.Hour

// able asks whether copies can be made and loaded; a database that is a file always can.
func able(ctx context.Context, c db.Carrier) error {
	if c == nil {
		return nil
	}
	if err := c.Able(ctx); err != nil {
		return fmt.Errorf("%w: %w", ErrServer, err)
	}
	return nil
}

// copyTime is how long the copy of a database may take.
func copyTime(c db.Carrier) time.Duration {
	if c == nil {
		return snapshotTime
	}
	return dumpTime
}

// A receiver takes the database of a point that is unpacked: nil of a file, which is written like the others.
type receiver func(from io.Reader) error

// receive returns what loads a dump for a folder.
func receive(ctx context.Context, c db.Carrier, dir string) receiver {
	if c == nil {
		return nil
	}
	return func(from io.Reader) error { return c.Load(ctx, dir, from) }
}

// fits refuses a point of the other kind of database before anything of it is used.
func (in *Inner) fits(to receiver) error {
	switch {
	case in.Database == "" && to == nil:
		return merlon.Cannot("the point holds a dump of a database server (%s), and this site's rows are to be in a file\n  name a database on a server by db.url, as the site had one, and restore again", in.made())
	case in.Database != "" && to != nil:
		return merlon.Cannot("the point holds the database as a file, and this site's rows are to be on a server\n  take db.url out of the settings and restore again: rows are not carried from one kind of database to the other")
	}
	return nil
}

// made says what the database of a point was made by.
func (in *Inner) made() string {
	if in.Server != "" {
		return in.Server
	}
	return in.Engine
}

// loading hands the entry of a dump on while it is read and hashed: what is written to it goes to the receiver, and closing waits
// for it.
type loading struct {
	to   *io.PipeWriter
	done chan error
	told bool
}

func load(to receiver) io.WriteCloser {
	from, in := io.Pipe()
	l := &loading{to: in, done: make(chan error, 1)}
	go func() {
		err := to(from)
		from.CloseWithError(err) // nil: whoever writes on is told that nobody reads
		l.done <- err
	}()
	return l
}

// Write implements [io.Writer].
func (l *loading) Write(p []byte) (int, error) {
	n, err := l.to.Write(p)
	l.told = l.told || err != nil
	return n, err
}

// Close implements [io.Closer]: nothing more comes. The receiver judges whether that was all.
func (l *loading) Close() error {
	l.to.Close()
	if err := <-l.done; !l.told {
		return err
	}
	return nil
}

// settle gives a restored database the name that the site's settings have.
func (f *fetched) settle(ctx context.Context) (err error) {
	if f.live && f.carrier != nil {
		f.aside, err = f.carrier.Settle(ctx, f.dest)
	}
	return err
}

// tellServer says what became of the databases, and what an administrator of their server has to do.
func (f *fetched) tellServer(out io.Writer) {
	if f.carrier == nil {
		return
	}
	if f.aside != "" {
		fmt.Fprintf(out, "the rows from before lie in the database %s; drop it when you need it no more\n", f.aside)
	}
	if !f.live {
		fmt.Fprintln(out, "the rows are in a database of their own, which the folder names")
	}
	fmt.Fprintf(out, "made of: %s\nthe database is a new one: have an administrator of the server run once in it what migrate setup prints\n", f.inner.made())
}

// lend has a copy reach its database through the socket of a folder: it has neither a network nor a password.
func lend(ctx context.Context, c db.Carrier, data, sockets string) (stop func(), err error) {
	if c == nil {
		return func() {}, nil
	}
	if err := os.Mkdir(sockets, 0o700); err != nil {
		return nil, fmt.Errorf("backup: %w", err)
	}
	return c.Lend(ctx, data, sockets)
}
