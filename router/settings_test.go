package router

import (
	"errors"
	"testing"
	"time"
)

func TestAChannelHasSettingsOfItsOwn(t *testing.T) {
	standby := true
	for what, tc := range map[string]struct {
		settings Settings
		differs  func(s *stage, channel string) bool
	}{
		"idle": {Settings{Idle: WaitIdle}, func(s *stage, c string) bool {
			_, err := s.router.Terms(c, Selector{}, "")
			return err == nil
		}},
		"call waits": {Settings{Call: true}, func(s *stage, c string) bool {
			_, err := s.router.Terms(c, Selector{}, "")
			return err == nil
		}},
		"call with its own idle": {Settings{Call: true, Idle: RefuseIdle}, func(s *stage, c string) bool {
			_, err := s.router.Terms(c, Selector{}, "")
			s.publish(c, "a", "a")
			terms, _ := s.router.Terms(c, Selector{}, "")
			return errors.Is(err, ErrIdle) && !terms.Fixed
		}},
		"publications": {Settings{MaxPublications: 1}, func(s *stage, c string) bool {
			s.publish(c, "a", "a")
			_, err := s.tryPublish(c, "b", "b")
			return errors.Is(err, ErrFull)
		}},
		"viewers": {Settings{MaxViewers: 1, Idle: WaitIdle}, func(s *stage, c string) bool {
			s.watch(c, Selector{}, "")
			_, err := s.router.Terms(c, Selector{}, "")
			return errors.Is(err, ErrFull)
		}},
		"bit rate": {Settings{MaxBitrate: 1_000_000}, func(s *stage, c string) bool { return s.router.MaxBitrate(c) == 1_000_000 }},
		"linger": {Settings{ViewerLinger: time.Second}, func(s *stage, c string) bool {
			w := s.watch(c, Selector{}, "")
			s.pass(time.Second)
			return w.ended != nil
		}},
		"duplicates": {Settings{Duplicates: ReplaceDuplicates}, func(s *stage, c string) bool {
			s.publish(c, "a", "one")
			_, err := s.tryPublish(c, "a", "two")
			return err == nil
		}},
		"standby": {Settings{Standby: &standby}, func(s *stage, c string) bool {
			s.publish(c, "a", "one")
			_, err := s.tryPublish(c, "a", "two")
			return err == nil
		}},
	} {
		t.Run(what, func(t *testing.T) {
			s := newStage(t, nil)
			s.router.Configure("own", &tc.settings)
			if !tc.differs(s, "own") {
				t.Error("the channel's own settings do not hold")
			}
			if tc.differs(s, "other") {
				t.Error("they hold for another channel too")
			}
			s.router.Configure("own", nil)
			if len(s.router.settings) != 0 {
				t.Error("settings were left behind")
			}
		})
	}
}
