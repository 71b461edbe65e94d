package call

import (
	"context"
	"sync"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/headgate/headgate/internal/fault"
)

var (
	errWrongPassword = fault.New(fault.Unauthenticated, "wrong-password",
		"Channel and password do not belong together; ask whoever provides the channel for its password.")
	errBusyWithPasswords = fault.New(fault.Unavailable, "too-many-logins",
		"Too many logins are being checked at once; try again in a moment.").After(2 * time.Second)
)

const (
	// passwordCost makes one check take some 60 ms of one core.
	passwordCost = bcrypt.DefaultCost
	// passwordChecks is how many are under way at once, so that a flood of logins
	// leaves most of the processor to media.
	passwordChecks = 1
	// passwordWait is how long a check waits for its turn.
	passwordWait = 3 * time.Second
)

// noPassword is the hash of nothing that anybody knows: checking it takes as long as
// checking that of a channel.
const noPassword = "$2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy"

// passwords bounds how many passwords are hashed at once. The zero value works.
type passwords struct {
	made  sync.Once
	turns chan struct{}
}

// turn waits until one more may be hashed. done must be called then.
func (p *passwords) turn(ctx context.Context) (done func(), err error) {
	p.made.Do(func() { p.turns = make(chan struct{}, passwordChecks) })
	limit, cancel := context.WithTimeout(ctx, passwordWait)
	defer cancel()
	select {
	case p.turns <- struct{}{}:
		return func() { <-p.turns }, nil
	case <-limit.Done():
		return nil, errBusyWithPasswords
	}
}

// CheckPassword tells whether a password is that of a channel. It takes as long for
// channels that there are not, or that have none, and says the same of them. Errors:
// faults wrong-password, and too-many-logins when too many ask at once.
func (s *Service) CheckPassword(ctx context.Context, channel, password string) error {
	done, err := s.passwords.turn(ctx)
	if err != nil {
		return err
	}
	defer done()
	settings, _ := s.Provisioned(channel)
	hash := settings.PasswordHash
	if hash == "" {
		hash = noPassword
	}
	err = bcrypt.CompareHashAndPassword([]byte(hash), []byte(password))
	if err != nil || settings.PasswordHash == "" {
		return errWrongPassword
	}
	return nil
}

// HashPassword makes what Settings.PasswordHash keeps. A password is 1 to 72 bytes.
func (s *Service) HashPassword(ctx context.Context, password string) (string, error) {
	done, err := s.passwords.turn(ctx)
	if err != nil {
		return "", err
	}
	defer done()
	hash, err := bcrypt.GenerateFromPassword([]byte(password), passwordCost)
	return string(hash), err
}
