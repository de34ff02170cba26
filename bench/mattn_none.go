//go:build !cgo

package main

func openMattn(string) (itemStore, error) {
	return nil, skipped("needs cgo: github.com/mattn/go-sqlite3 is compiled by a C compiler")
}
