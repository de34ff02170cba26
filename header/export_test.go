package header

// SetNamed is setNamed, for names that tests make up.
var SetNamed = setNamed
