package router

import (
	"bytes"
	"testing"
)

func TestOutPrefixesDoNotOverlap(t *testing.T) {
	var o Out
	for round := range 3 {
		var kept [][]byte
		for i := range 400 {
			b := o.room(maxPrefix)
			n := 12 + i%100
			for k := range n {
				b[k] = byte(i)
			}
			o.shrink(len(b) - n)
			kept = append(kept, b[:n:n])
		}
		for i, b := range kept {
			if !bytes.Equal(b, bytes.Repeat([]byte{byte(i)}, len(b))) {
				t.Fatalf("round %d: prefix %d was overwritten", round, i)
			}
		}
		if chunks := len(o.chunks); chunks > 3 {
			t.Fatalf("%d chunks for 25 kB", chunks)
		}
		o.Reset()
	}
}

func TestOutReset(t *testing.T) {
	var o Out
	o.Packets = append(o.Packets, Outgoing{Shared: []byte{1}})
	o.RTCP = append(o.RTCP, OutgoingRTCP{Packet: []byte{1}})
	o.Reset()
	if len(o.Packets) != 0 || len(o.RTCP) != 0 || o.Packets[:1][0].Shared != nil || o.RTCP[:1][0].Packet != nil {
		t.Error("something is kept")
	}
}

func TestOutGivesMemoryBack(t *testing.T) {
	var o Out
	for range (keptChunks + 50) * prefixChunk / maxPrefix {
		o.room(maxPrefix)
	}
	o.Packets = make([]Outgoing, keptPackets+1)
	o.Reset()
	if len(o.chunks) != keptChunks || o.Packets != nil {
		t.Errorf("%d chunks and room for %d packets are kept", len(o.chunks), cap(o.Packets))
	}
	if b := o.room(100); len(b) != 100 {
		t.Error("not usable after that")
	}
}
