package db

import "context"

// An Inspector is an engine that can look for damage in its own database, which must be open. Both methods read all of it
// once and stop after a few findings; they return what is wrong, in words, and an error when it could not be told.
type Inspector interface {
	// Damage looks for pages and indexes that do not fit together.
	Damage(ctx context.Context) ([]string, error)
	// Orphans looks for rows that name a row which is not there, against a foreign key.
	Orphans(ctx context.Context) ([]string, error)
}
