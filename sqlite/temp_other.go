//go:build !unix

package sqlite

import "github.com/ncruces/go-sqlite3"

// openFile opens a database file. Its temporary files lie in the user's own folder of the system for them.
func openFile(path string, flags sqlite3.OpenFlag) (*sqlite3.Conn, error) {
	// A path, never a "file:" address: pragmas in one would run.
	return sqlite3.OpenFlags(path, flags)
}
