package ldap

// Text is the filter with values in its places.
func (f *Filter) Text(values ...string) (string, error) { return f.with(values) }

// Text is the name with values in its places.
func (n *Name) Text(values ...string) (string, error) { return n.with(values) }
