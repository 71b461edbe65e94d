package ui

import (
	"fmt"
	"strings"
	"testing"
)

// joined opens the call page of a stub and joins.
func joined(s *stub, l look, name string) *tab {
	s.t.Helper()
	tb := newTab(s.t, l)
	tb.open(s.URL + "/call/team")
	tb.state("idle")
	tb.typeIn("name", name)
	tb.click("#join")
	tb.state("live")
	return tb
}

func TestCallJoinsSeesOthersAndLeaves(t *testing.T) {
	s := newStub(t, Config{})
	tb := joined(s, look{}, "Anna")
	me := eval[string](tb, `headgate.call.self`)
	if !strings.HasPrefix(me, "guest-") {
		t.Errorf("joined as %q", me)
	}
	if post := s.await("POST", "/api/v1/channels/team/events", 1); !strings.Contains(post.body, `"kind":"call"`) || !strings.Contains(post.body, `"name":"Anna"`) {
		t.Errorf("joined with %s", post.body)
	}
	s.await("POST", "/whip/team/"+me, 1)
	other := joined(s, look{}, "Bob")
	them := eval[string](other, `headgate.call.self`)
	tb.wait(`[...document.querySelectorAll(".tile-name")].some((e) => e.textContent === "Bob")`)
	tb.wait(`document.querySelectorAll('.tile[data-picture="true"]').length === 2`)
	tb.wait(`[...document.querySelectorAll(".tile video")].at(-1).getVideoPlaybackQuality().totalVideoFrames > 10`)
	if whep := s.await("POST", "/whep/team", 1); whep.query != "participant="+me || strings.Count(whep.body, "m=video") != 12 || strings.Count(whep.body, "m=application") != 1 || len(whep.body) > 60_000 {
		t.Errorf("POST /whep?%s with %d bytes", whep.query, len(whep.body))
	}
	s.await("PATCH", "/session/", 1)
	other.click("#leave")
	other.state("over")
	tb.wait(`document.querySelectorAll(".tile").length === 1`)
	s.await("DELETE", "/api/v1/events/", 1)
	_ = them
}

func TestCallTilesSayTheirSize(t *testing.T) {
	s := newStub(t, Config{})
	tb := joined(s, look{width: 1440, height: 900}, "Anna")
	s.calls.joins("bob", "Bob")
	s.calls.sends("bob", "main", "VP8")
	tb.wait(`document.querySelectorAll(".tile").length === 2`)
	tb.wait(fmt.Sprintf("performance.now() > %d", 0))
	deadline := 0
	for {
		var sizes []string
		for _, h := range s.requests("PATCH", "/session/") {
			if strings.HasSuffix(h.path, "/slots") {
				sizes = append(sizes, h.body)
			}
		}
		if len(sizes) > 0 && strings.Contains(sizes[len(sizes)-1], `"slot":0`) && strings.Contains(sizes[len(sizes)-1], `"maxWidth":`) {
			return
		}
		if deadline++; deadline > 400 {
			t.Fatalf("sizes told: %q", sizes)
		}
		tb.wait("new Promise(requestAnimationFrame)")
	}
}
