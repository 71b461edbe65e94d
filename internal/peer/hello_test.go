package peer

import "testing"

func TestQFF5OnlyAClientHelloIsSentTwice(t *testing.T) {
	record := func(content, message byte) []byte {
		b := make([]byte, 14)
		b[0], b[13] = content, message
		return b
	}
	for name, tc := range map[string]struct {
		datagram []byte
		want     bool
	}{
		"ClientHello":       {record(22, 1), true},
		"ServerHello":       {record(22, 2), false},
		"application data":  {record(23, 1), false},
		"cut ClientHello":   {record(22, 1)[:13], false},
		"STUN":              {record(0, 1), false},
		"an empty datagram": {nil, false},
	} {
		if got := isClientHello(tc.datagram); got != tc.want {
			t.Errorf("%s: %v, want %v", name, got, tc.want)
		}
	}
}
