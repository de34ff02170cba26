//go:build !unix

package attack

// sameDisk reports whether two folders lie on one file system; known is false where that cannot be told.
func sameDisk(_, _ string) (same, known bool) { return false, false }
