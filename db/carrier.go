package db

import (
	"context"
	"io"
)

// A Carrier is an engine whose database is on a server and not in the data folder. A [Snapshot] of it is no file that could be
// opened: it is loaded into a new database, never into one that is there. A folder for which that was done names its database
// in the file [FolderNames], which Open heeds, so that rows and keys that belong together stay together, wherever the folder
// is moved.
type Carrier interface {
	// Able says why snapshots cannot be made or loaded as things stand: a program is missing, or a right. Nil: they can.
	Able(ctx context.Context) error

	// Size returns about how many bytes a snapshot has.
	Size(ctx context.Context) (int64, error)

	// Load makes a new database of the bytes of a snapshot, for the folder dir, which names none yet. The name is written
	// first, so whatever a kill leaves is dropped by [Carrier.Unload]. The engine need not be open.
	Load(ctx context.Context, dir string, from io.Reader) error

	// Loaded reports whether the folder names a database that was loaded for it and is in nobody's place.
	Loaded(dir string) bool

	// Unload drops the database that was loaded for a folder, and nothing else. A folder that names none is none of its
	// business.
	Unload(ctx context.Context, dir string) error

	// Succeed notes that the database of the folder dir is to have the place of the one that the folder old has now: from when
	// dir is in its place on, Settle and each Open see to it. The folder old, if it is there, names its own from now on.
	Succeed(ctx context.Context, dir, old string) error

	// Settle gives the database of a folder that was noted by Succeed the name that the site's settings have, and returns the
	// new name of the one that had it, "" for none; nothing is dropped. Until that has worked the folder's own name of it is
	// heeded.
	Settle(ctx context.Context, dir string) (aside string, err error)

	// Lend serves the way to the folder's database in a folder of its own for sockets, until stop is called: whoever may enter
	// that needs no password and no network, and reaches no other database. The data folder says so to whoever opens it.
	Lend(ctx context.Context, dir, sockets string) (stop func(), err error)
}

// FolderNames is the file by which a data folder names its database, for engines that are a [Carrier]. Without it the
// database is the one of the site's settings.
const FolderNames = "database.named"
