// Package mistakes holds the classic mistakes of a website, each as a developer in a hurry would write it, and shows where
// Merlon stops it: `go test -v ./examples/mistakes` prints one line a mistake.
//
// The table is testdata/mistakes.json. What the compiler, the start, the check or the attacker stops has a folder testdata/ID with two
// small programs: mistake, which must be stopped, and fixed, the nearest one that must not. A comment in the first says
// where and with what words:
//
//	db.Query[Note](schema, "SELECT … WHERE author = '"+name+"'") // compile: cannot use
//	// start: home.html:6:10
//	// check: MRL-SQL-004
//	// test: MRL-ATK-081
//
// A compile mark stands on the line of the error, and every error of the program has one. What only shows when the site
// runs is proven by a test of its room, which the table names as ROOM.TestName.
package mistakes
