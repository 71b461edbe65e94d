package call

// Populated lists the channels that have members, in no order.
func (s *Service) Populated() (list []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, c := range s.channels {
		for _, p := range c.people {
			if !p.joined.IsZero() {
				list = append(list, name)
				break
			}
		}
	}
	return list
}
