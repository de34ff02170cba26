package backup

import "io"

// Hashing and compressing are both work, and each does its own half of a large file in a goroutine of its own: chunks are so
// small that a request which comes meanwhile waits for a fraction of a millisecond. What reads what a stranger may have
// written (the decoder, the tar) stays in the caller's, where a panic is one job's.
const beside = 128 << 10

// ahead reads in a goroutine what the caller reads next. Call stop before r is used by somebody else.
func ahead(r io.Reader) (from io.Reader, stop func()) {
	out, in := io.Pipe()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, err := io.CopyBuffer(struct{ io.Writer }{in}, struct{ io.Reader }{r}, make([]byte, beside))
		in.CloseWithError(err) // nil: the end
	}()
	return out, func() { out.Close(); <-ended }
}

// behind writes in a goroutine what the caller wrote. wait ends it and returns w's error.
func behind(w io.Writer) (to io.Writer, wait func() error) {
	out, in := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		_, err := io.CopyBuffer(struct{ io.Writer }{w}, struct{ io.Reader }{out}, make([]byte, beside))
		out.CloseWithError(err)
		ended <- err
	}()
	return in, func() error { in.Close(); return <-ended }
}

// beginTask does something in a goroutine. The function that it returns waits for it.
func beginTask(do func() error) (wait func() error) {
	ended := make(chan error, 1)
	go func() { ended <- do() }()
	return func() error { return <-ended }
}
