package db

import (
	"context"

	"github.com/merlon-web/merlon/check"
)

// An Inspector is an engine that can look for damage in its own database, which must be open. Both methods read all of it
// once and stop after a few findings; they return what is wrong, in words, and an error when it could not be told.
type Inspector interface {
	// Damage looks for pages and indexes that do not fit together.
	Damage(ctx context.Context) ([]string, error)
	// Orphans looks for rows that name a row which is not there, against a foreign key.
	Orphans(ctx context.Context) ([]string, error)
}

// Shared is an engine that tells whether other processes may write to its database while this one has it open. What is
// kept in memory of rows is then kept for no longer than a request.
type Shared interface{ Shared() bool }

// A Checker is an engine that brings checks of its own, of what it can ask its server. They are asked while it is open.
type Checker interface{ Checks() []check.Check }
