package router

// Policies tells what holds for the logins of a channel: what happens to duplicates,
// and whether publishers stand by. It is safe for concurrent use.
func (r *Router) Policies(channel string) (d Duplicates, standby bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.duplicates(channel), r.keepsStandby(channel)
}
