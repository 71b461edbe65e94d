package ui

import "testing"

func TestSmoke(t *testing.T) {
	s := newStub(t, Config{})
	pub := s.live("live")
	_ = pub
	tb := newTab(t, look{})
	tb.open(s.URL + "/watch/live")
	tb.state("live")
}
