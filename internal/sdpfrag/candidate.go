package sdpfrag

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Candidate is what an ICE agent needs of a candidate line (RFC 8839 section
// 5.1). Everything is as the peer wrote it: nothing says that the transport is
// supported or the address reachable.
type Candidate struct {
	Foundation string
	// Component is 1 for RTP; some clients write 0.
	Component int
	// Transport is in lower case, for example "udp".
	Transport string
	Priority  uint32
	// Address is an IP address or a host name, also of the mDNS kind.
	Address string
	Port    uint16
	// Type is in lower case: host, srflx, prflx, relay, or something unknown.
	Type string
	// TCPType is active, passive or so (RFC 6544 section 4.5); empty on UDP.
	TCPType string
}

// ErrBadCandidate is the error of a line that is no candidate at all. It is not
// told to peers: such a line is dropped silently.
var ErrBadCandidate = errors.New("not a candidate")

// ParseCandidate reads the value of a candidate attribute, with or without
// "candidate:" before it. Extensions are skipped.
func ParseCandidate(value string) (Candidate, error) {
	value = strings.TrimPrefix(strings.TrimPrefix(value, "a="), "candidate:")
	fields := strings.Fields(value)
	if len(fields) < 8 || !strings.EqualFold(fields[6], "typ") {
		return Candidate{}, fmt.Errorf("%w: want foundation component transport priority address port typ type", ErrBadCandidate)
	}
	component, err1 := strconv.ParseUint(fields[1], 10, 8)
	priority, err2 := strconv.ParseUint(fields[3], 10, 32)
	port, err3 := strconv.ParseUint(fields[5], 10, 16)
	if err := errors.Join(err1, err2, err3); err != nil {
		return Candidate{}, fmt.Errorf("%w: %w", ErrBadCandidate, err)
	}
	return Candidate{
		Foundation: fields[0],
		Component:  int(component),
		Transport:  strings.ToLower(fields[2]),
		Priority:   uint32(priority),
		Address:    fields[4],
		Port:       uint16(port),
		Type:       strings.ToLower(fields[7]),
		TCPType:    extension(fields[8:], "tcptype"),
	}, nil
}

// extension finds a value in the name-value pairs that end a candidate line.
func extension(fields []string, name string) string {
	for i := 0; i+1 < len(fields); i += 2 {
		if strings.EqualFold(fields[i], name) {
			return strings.ToLower(fields[i+1])
		}
	}
	return ""
}

// String prints the value of a candidate attribute, without extensions other
// than tcptype.
func (c Candidate) String() string {
	s := fmt.Sprintf("%s %d %s %d %s %d typ %s",
		c.Foundation, c.Component, c.Transport, c.Priority, c.Address, c.Port, c.Type)
	if c.TCPType != "" {
		s += " tcptype " + c.TCPType
	}
	return s
}
