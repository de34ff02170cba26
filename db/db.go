// Package db declares SQL statements as constants of the program and runs them through readers that cannot write and
// writers that cannot commit.
//
// It protects from values joined into SQL, from statements that do not fit their tables or their row types (seen at
// start), and from writing where only reading was meant. It does not protect from a statement that asks for the wrong
// rows: who may see which row is the statement's own business.
package db

// constant is the type of everything that must be a constant of the program. Only an untyped constant converts to it
// without a word, so a text that was put together while the program ran does not compile. A conversion through a generic
// helper or reflection can still launder one into it; what stops that is [Schema.Seal].
type constant string

// A Choice is a closed list of SQL fragments, chosen by a key that may come from a visitor: ORDER BY and the like. It
// stands as {0}, {1} … in the text of a [Query]. The key "" is the default and must be there; it also answers for every
// key that is not in the list. A Choice is copied when it is declared.
type Choice map[string]constant

// Affected says what a statement without RETURNING did.
type Affected struct {
	Rows   int64 // how many rows were inserted, updated or deleted
	LastID int64 // the id given to the last inserted row where the engine has such a thing (SQLite's rowid), else 0: every engine gives it by RETURNING id
}

// Kind is what a statement was declared as.
type Kind uint8

// The kinds of statements.
const (
	KindQuery     Kind = iota // declared by [Query]: reads
	KindExec                  // declared by [Exec]: writes, gives no rows
	KindReturning             // declared by [Returning]: writes, gives rows
)

// String returns the name of the function that declares such a statement.
func (k Kind) String() string {
	switch k {
	case KindQuery:
		return "Query"
	case KindExec:
		return "Exec"
	}
	return "Returning"
}
