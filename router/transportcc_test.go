package router

import (
	"encoding/binary"
	"slices"
	"testing"
	"time"

	"github.com/pion/rtcp"
)

// numbered stamps a packet with a transport-wide number.
func numbered(w wire, n uint16) wire {
	w.ext = map[uint8][]byte{intakeTCC: binary.BigEndian.AppendUint16(nil, n)}
	return w
}

func transportCC(c *IngestConfig) {
	c.Sections[0].PayloadTypes[0].Feedback.TransportCC = true
}

// reported are the transport-wide numbers that feedback calls received, and how
// many it calls lost.
func reported(t testing.TB, sent [][]rtcp.Packet) (received []uint16, lost int) {
	for _, f := range rtcpOf[*rtcp.TransportLayerCC](sent) {
		n, left := f.BaseSequenceNumber, int(f.PacketStatusCount)
		note := func(symbol uint16) {
			if left == 0 {
				return
			}
			left--
			if symbol == rtcp.TypeTCCPacketNotReceived {
				lost++
			} else {
				received = append(received, n)
			}
			n++
		}
		for _, chunk := range f.PacketChunks {
			switch c := chunk.(type) {
			case *rtcp.RunLengthChunk:
				for range c.RunLength {
					note(c.PacketStatusSymbol)
				}
			case *rtcp.StatusVectorChunk:
				for _, s := range c.SymbolList {
					note(s)
				}
			}
		}
	}
	return received, lost
}

// M-060, T-133, clients.md 6: media, retransmissions, padding and probes on
// every SSRC are reported.
func TestTransportFeedbackCoversEverything(t *testing.T) {
	i := newIntake(t, transportCC)
	i.send(
		numbered(vp8(1, 0, true), 65533),
		numbered(opus(1, 0), 65534),
		numbered(repairOf(vp8(1, 0, true), 1), 65535),
		numbered(wire{ssrc: intakeRepair, pt: intakeRTX, seq: 2, padding: 200}, 0),
		numbered(wire{ssrc: intakeRepair, pt: intakeRTX, seq: 3, payload: []byte{0, 1}}, 1),
		numbered(wire{ssrc: intakeVideo, pt: intakeVideoPT, seq: 2, padding: 200}, 2),
		numbered(wire{ssrc: 0, pt: intakeVideoPT, seq: 1, padding: 200}, 3),
		numbered(wire{ssrc: 999, pt: 5, seq: 1, payload: []byte{1}}, 4),
		numbered(vp8(3, intakeFrame, false), 6),
	)
	i.pass(110 * ms)
	got, lost := reported(t, i.sent)
	if want := []uint16{65533, 65534, 65535, 0, 1, 2, 3, 4, 6}; !slices.Equal(got, want) || lost != 1 {
		t.Errorf("reported %v and %d lost, want %v", got, lost, want)
	}
	for _, d := range i.sent {
		if cc := rtcpOf[*rtcp.TransportLayerCC]([][]rtcp.Packet{d}); len(cc) > 0 && (len(d) != 1 || cc[0].SenderSSRC != intakeOwn) {
			t.Errorf("datagram %v", d)
		}
	}
}

func TestTransportFeedbackPace(t *testing.T) {
	i := newIntake(t, transportCC)
	var at []time.Duration
	for n := range uint16(100) {
		i.send(numbered(vp8(n, uint32(n)*900, n == 0), n))
		i.pass(10 * ms)
		for range rtcpOf[*rtcp.TransportLayerCC](i.takeSent()) {
			at = append(at, i.now.Sub(intakeStart))
		}
	}
	if len(at) != 10 || at[0] != 100*ms || at[9] != time.Second {
		t.Errorf("%v", at)
	}
	i.pass(time.Second)
	if got, _ := reported(t, i.sent); len(got) > 0 {
		t.Errorf("reported again: %v", got)
	}
}

func TestTransportFeedbackOnlyIfNegotiated(t *testing.T) {
	for name, change := range map[string]func(*IngestConfig){
		"no feedback": nil,
		"no extension": func(c *IngestConfig) {
			transportCC(c)
			for n := range c.Sections {
				c.Sections[n].Extensions = Extensions{ExtMID: intakeMID}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			i := newIntake(t, change)
			i.send(numbered(vp8(1, 0, true), 1))
			i.pass(500 * ms)
			if got := rtcpOf[*rtcp.TransportLayerCC](i.sent); got != nil {
				t.Errorf("%v", got)
			}
		})
	}
}

// Numbers that jump about cost little, and a real jump is followed.
func TestTransportNumbersThatJump(t *testing.T) {
	i := newIntake(t, transportCC)
	i.send(numbered(vp8(0, 0, true), 0), numbered(vp8(1, 0, true), 20000))
	recorder := i.in.transport.recorder
	i.send(numbered(vp8(2, 0, true), 40000))
	if i.in.transport.recorder != recorder {
		t.Error("begun anew twice within an interval")
	}
	for n := range uint16(5000) {
		i.send(numbered(vp8(n, uint32(n), false), n*20011))
		if n%500 == 499 {
			i.pass(100 * ms)
		}
	}
	if n := len(i.sent); n > 10*(maxTransportDatagrams+3) {
		t.Errorf("%d datagrams", n)
	}
	i.takeSent()
	for n := range uint16(50) {
		i.send(numbered(vp8(5000+n, 5000+uint32(n), false), 30000+n))
		i.pass(10 * ms)
	}
	i.pass(100 * ms)
	got, _ := reported(t, i.sent)
	if len(got) < 40 || !slices.Contains(got, 30049) {
		t.Errorf("reported %v", got)
	}
}
