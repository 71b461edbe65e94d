package negotiate

import (
	"strings"
	"testing"

	"github.com/headgate/headgate/internal/testkit/offers"
	"github.com/headgate/headgate/router"
)

// TestTransportCCOnlyWhereSomethingAdapts M-060, M-062: feedback about every packet is agreed on where the choice of layers needs it.
func TestTransportCCOnlyWhereSomethingAdapts(t *testing.T) {
	channel := liveChannel()
	for _, adapts := range []bool{false, true} {
		channel.Adapts = adapts
		s := mustPlay(t, offers.Get("chrome-play"), channel).Sections[1]
		f := s.PayloadTypes[0].Feedback
		if got := s.Extensions[router.ExtTransportCC] != 0; got != adapts || f.TransportCC != adapts || f.REMB == adapts {
			t.Errorf("adapts %v: extension %v, feedback %+v", adapts, got, f)
		}
	}
}

// TestNoTransportCCWithoutItsExtension M-060: feedback without numbers would tell nothing.
func TestNoTransportCCWithoutItsExtension(t *testing.T) {
	channel := liveChannel()
	channel.Adapts = true
	s := mustPlay(t, edit(t, offers.Get("chrome-play"), router.ExtTransportCC, "urn:unknown"), channel).Sections[1]
	if f := s.PayloadTypes[0].Feedback; f.TransportCC || !f.REMB {
		t.Errorf("feedback %+v", f)
	}
}

// TestNoCCFB M-063: RFC 8888 is not agreed on, since nothing here reads it.
func TestNoCCFB(t *testing.T) {
	channel := liveChannel()
	channel.Adapts = true
	offer := strings.ReplaceAll(offers.Get("chrome-play"), " transport-cc\r\n", " ack ccfb\r\n")
	if !strings.Contains(offer, "ack ccfb") {
		t.Fatal("the offer has no such feedback")
	}
	plan := mustPlay(t, offer, channel)
	if f := plan.Sections[1].PayloadTypes[0].Feedback; strings.Contains(plan.SDP, "ccfb") || f.TransportCC || !f.REMB {
		t.Errorf("feedback %+v of\n%s", f, plan.SDP)
	}
}
