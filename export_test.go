package merlon

// LocalReason says why an address is not one of the site's pages, "" if it is: what redirects.json calls the reason.
func (s *Site) LocalReason(next string) string {
	_, reason := s.local(next)
	return reason
}
