package valkey

// Text is the key without the client's prefix.
func (n Name) Text() (string, error) { return n.text, n.err }

// Declarable reports whether a command of this name may be declared.
func Declarable(name string) bool { _, ok := shapes[name]; return ok }
