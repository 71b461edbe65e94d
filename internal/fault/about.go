package fault

import "errors"

// about is an error of a request that concerned a session.
type about struct {
	error
	session string
}

func (a *about) Unwrap() error { return a.error }

// About returns err with the public id of the session that it refused, so that the
// peer can ask for the session's diagnosis. A nil err stays nil.
func About(err error, session string) error {
	if err == nil {
		return nil
	}
	return &about{err, session}
}

// Session returns the id that About put into err, or "".
func Session(err error) string {
	if a, ok := errors.AsType[*about](err); ok {
		return a.session
	}
	return ""
}
