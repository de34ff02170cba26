package mail

// EncodeSubject and Clean are what fuzz tests ask directly: over a connection a server is in between.
var EncodeSubject = encodeSubject

// Clean is what is kept of a server's answer.
func (s *Sender) Clean(said string, m Mail) string { return s.clean(said, m) }
