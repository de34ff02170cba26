package host

// LookAt bounds how many files of a data folder are looked at, until what it returns is called.
func LookAt(n int) (back func()) {
	was := manyFiles
	manyFiles = n
	return func() { manyFiles = was }
}
