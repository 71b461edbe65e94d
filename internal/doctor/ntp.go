package doctor

import (
	"context"
	"encoding/binary"
	"time"
)

// ntpEpoch is the zero of NTP's era 0 in Unix seconds (RFC 5905 section 6).
const ntpEpoch = -2_208_988_800

// askTime asks once by SNTP (RFC 5905 section 14) how far this clock is ahead.
func askTime(ctx context.Context, server string) (time.Duration, error) {
	question := make([]byte, 48)
	question[0] = 4<<3 | 3 // version 4, client
	sent := time.Now()
	putNTP(question[40:], sent)
	answer, err := exchange(ctx, withPort(server, "123"), question, func(b []byte) bool {
		return len(b) >= 48 && b[0]&7 == 4 && b[1] != 0 && string(b[24:32]) == string(question[40:48])
	})
	if err != nil {
		return 0, err
	}
	return aheadOf(answer, sent, time.Now()), nil
}

// aheadOf is the negated clock offset of RFC 5905 section 8.
func aheadOf(answer []byte, sent, received time.Time) time.Duration {
	there1, there2 := readNTP(answer[32:]), readNTP(answer[40:])
	return -(there1.Sub(sent) + there2.Sub(received)) / 2
}

func putNTP(b []byte, t time.Time) {
	binary.BigEndian.PutUint32(b, uint32(t.Unix()-ntpEpoch))
	binary.BigEndian.PutUint32(b[4:], uint32(uint64(t.Nanosecond())<<32/1e9))
}

// readNTP takes a time of era 0 or 1: from 1968 to 2104.
func readNTP(b []byte) time.Time {
	seconds := int64(binary.BigEndian.Uint32(b))
	if seconds < 1<<31 {
		seconds += 1 << 32
	}
	return time.Unix(seconds+ntpEpoch, int64(uint64(binary.BigEndian.Uint32(b[4:]))*1e9>>32))
}
