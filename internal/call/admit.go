package call

// Admission is who wants to come in.
type Admission struct {
	Channel, Participant, Login string
	// Member tells that it is a publisher or a member stream, and not a bare viewer.
	Member bool
}

// Admit is asked before a session or a member stream is made. Errors: ErrBanned,
// ErrChannelUnknown, and those of policies for duplicates and limits.
func (s *Service) Admit(a Admission) error { return nil }
