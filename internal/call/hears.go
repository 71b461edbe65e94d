package call

// Hears tells whether a login has a member stream in a channel, so that nobody looks
// for what only it would be told.
func (s *Service) Hears(channel, login string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.channels[channel]
	if c == nil {
		return false
	}
	for st := range c.streams {
		if st.login == login {
			return true
		}
	}
	return false
}
