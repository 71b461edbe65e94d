package floor

import (
	"errors"
	"fmt"
)

// ErrUnavailable is returned elsewhere than on Linux.
var ErrUnavailable = errors.New("the floor can be measured on Linux only")

// Sending is how packets leave.
type Sending int

// The ways, each cheaper than the one before.
const (
	// Kept packets do not leave at all.
	Kept Sending = iota
	// One packet leaves by sendto.
	One
	// Many leave by sendmmsg, a message each.
	Many
	// Runs leave by sendmmsg, a message for several of one viewer (UDP_SEGMENT).
	Runs
)

const (
	// PayloadBytes is the size of a payload.
	PayloadBytes = 1200
	headerBytes  = 12
	tagBytes     = 16
	packetBytes  = headerBytes + PayloadBytes + tagBytes
	// messages is how many go with one sendmmsg, runsAtOnce how many if they are
	// runs.
	messages   = 32
	runsAtOnce = 16
)

// Case is one thing to measure.
type Case struct {
	// Seal encrypts every packet.
	Seal bool
	// Sending is how packets leave, Run how many of one viewer follow one another.
	Sending Sending
	Run     int
}

// Reference is the floor: what a server can hope for.
func Reference() Case { return Case{Seal: true, Sending: Runs, Run: 9} }

// Cases are the reference and what it is made of.
func Cases() []Case {
	list := []Case{{Seal: true}, {Sending: One}, {Sending: Many}}
	for _, run := range []int{2, 4, 9, 16, 40} {
		list = append(list, Case{Sending: Runs, Run: run})
	}
	list = append(list, Case{Seal: true, Sending: One}, Case{Seal: true, Sending: Many})
	for _, run := range []int{1, 2, 4, 9, 16, 40} {
		list = append(list, Case{Seal: true, Sending: Runs, Run: run})
	}
	return list
}

// String names a case.
func (c Case) String() string {
	send := map[Sending]string{
		Kept: "not sent", One: "sendto", Many: fmt.Sprintf("sendmmsg of %d", messages),
		Runs: fmt.Sprintf("sendmmsg of %d runs of %d", runsAtOnce, c.Run),
	}[c.Sending]
	switch {
	case c.Sending == Kept:
		return "AES-128-GCM"
	case c.Seal:
		return "AES-128-GCM, " + send
	}
	return send
}

// round is how many packets go with one call.
func (c Case) round() int {
	switch c.Sending {
	case Many:
		return messages
	case Runs:
		return runsAtOnce * c.Run
	default:
		return 1
	}
}

// Result is what one case took.
type Result struct {
	Case string `json:"case"`
	// NsPerPacket is user and system time of the sending thread by packet.
	NsPerPacket float64 `json:"cpu_ns_per_packet"`
	UserNs      float64 `json:"user_ns_per_packet"`
	SystemNs    float64 `json:"system_ns_per_packet"`
	Packets     int     `json:"packets"`
}
