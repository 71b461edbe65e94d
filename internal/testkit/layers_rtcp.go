package testkit

import (
	"slices"
	"time"

	"github.com/pion/rtcp"
)

// control takes one RTCP packet of the gateway. The stack hands out a compound
// once for each of its parts.
func (l *layers) control(b []byte) {
	packets, err := rtcp.Unmarshal(slices.Clone(b))
	if err != nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, packet := range packets {
		switch p := packet.(type) {
		case *rtcp.PictureLossIndication:
			l.asked(p.MediaSSRC)
		case *rtcp.FullIntraRequest:
			for _, entry := range p.FIR {
				l.asked(entry.SSRC)
			}
		case *rtcp.ReceiverReport:
			for _, block := range p.Reports {
				if y := l.of(block.SSRC); y != nil {
					y.known = true
				}
			}
		case *rtcp.TransportLayerNack:
			for _, pair := range p.Nacks {
				for _, seq := range pair.PacketList() {
					l.repeat(p.MediaSSRC, seq)
				}
			}
		}
	}
}

func (l *layers) asked(ssrc uint32) {
	if y := l.of(ssrc); y != nil {
		l.plis++
		y.wantKey = y.wantKey || !l.opt.Deaf
	}
}

// heard counts a packet of audio that is about to go, and returns its SSRC.
func (l *layers) heard(stamp uint32) uint32 {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sound.SSRC, l.sound.RTPTime, l.soundAt = l.wires["audio"].declared(), stamp, time.Now()
	l.sound.PacketCount++
	l.sound.OctetCount += 3
	return l.sound.SSRC
}

func (l *layers) requests() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.plis
}

// report sends sender reports: of every layer, or, as OBS does, of the one that
// sent last with what all have sent.
func (l *layers) report() {
	now := ntp(l.clock())
	if sound := l.sound; sound.PacketCount > 0 {
		sound.NTPTime = now
		sound.RTPTime += uint32(time.Since(l.soundAt) * 48000 / time.Second)
		l.send(&sound)
	}
	if y := l.newest; l.opt.Simulcast.OBS && y != nil {
		if !y.NoReports {
			l.send(&rtcp.SenderReport{SSRC: y.ssrc, NTPTime: now, RTPTime: y.stamp, PacketCount: l.packets, OctetCount: l.octets})
		}
		return
	}
	for _, y := range l.all {
		if y.started && !y.left && !y.NoReports {
			l.send(&rtcp.SenderReport{SSRC: y.ssrc, NTPTime: now, RTPTime: y.stamp, PacketCount: y.packets, OctetCount: y.octets})
		}
	}
}

func (l *layers) send(p rtcp.Packet) { _ = l.rtcp([]rtcp.Packet{p}) } // or the next one

// ntp is a time in the format of sender reports (RFC 5905 section 6).
func ntp(t time.Time) uint64 {
	const epoch = 2208988800 // 1970 in seconds since 1900
	return uint64(t.Unix()+epoch)<<32 | uint64(t.Nanosecond())<<32/uint64(time.Second)
}
