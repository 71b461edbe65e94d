package bench

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// BitRate is in bits a second. Its text is a number with k, M or nothing: "2.5M".
type BitRate int

// UnmarshalText reads a bit rate.
func (b *BitRate) UnmarshalText(text []byte) error {
	s, factor := string(text), 1.0
	if digits, ok := strings.CutSuffix(s, "M"); ok {
		s, factor = digits, 1e6
	} else if digits, ok := strings.CutSuffix(s, "k"); ok {
		s, factor = digits, 1e3
	}
	v, err := strconv.ParseFloat(s, 64)
	if v *= factor; err != nil || !(v >= 1 && v <= math.MaxInt32) {
		return fmt.Errorf("a bit rate is written like 2.5M or 800k, not %q", text)
	}
	*b = BitRate(math.Round(v))
	return nil
}

// MarshalText writes what UnmarshalText reads.
func (b BitRate) MarshalText() ([]byte, error) { return []byte(b.String()), nil }

// String writes millions with M and thousands with k.
func (b BitRate) String() string {
	switch v := float64(b); {
	case v >= 1e6:
		return strconv.FormatFloat(v/1e6, 'f', -1, 64) + "M"
	case v >= 1e3:
		return strconv.FormatFloat(v/1e3, 'f', -1, 64) + "k"
	}
	return strconv.Itoa(int(b))
}

// words writes it for people.
func (b BitRate) words() string {
	s := b.String()
	if end := len(s) - 1; s[end] > '9' {
		return s[:end] + " " + s[end:] + "bit/s"
	}
	return s + " bit/s"
}

// Share is a part of a whole, 0 to 1. Its text is in percent: "0.1%".
type Share float64

// UnmarshalText reads a share.
func (s *Share) UnmarshalText(text []byte) error {
	digits, ok := strings.CutSuffix(string(text), "%")
	v, err := strconv.ParseFloat(digits, 64)
	if !ok || err != nil || !(v >= 0 && v <= 100) {
		return fmt.Errorf("a share is written in percent, like 1%%, not %q", text)
	}
	*s = Share(v / 100)
	return nil
}

// MarshalText writes what UnmarshalText reads.
func (s Share) MarshalText() ([]byte, error) {
	return []byte(strconv.FormatFloat(float64(s)*100, 'f', -1, 64) + "%"), nil
}
