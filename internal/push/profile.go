package push

import (
	"encoding/hex"
	"strings"

	"github.com/headgate/headgate/internal/depacket"
	"github.com/headgate/headgate/internal/dial"
)

// formatOf is the format that an H.264 frame with parameter sets says it has, ""
// for anything else.
func formatOf(mime string, frame []byte) string {
	if !strings.EqualFold(mime, "video/H264") {
		return ""
	}
	for _, unit := range depacket.Parameters(mime, frame) {
		if unit[0]&0x1f == 7 && len(unit) >= 4 {
			return dial.H264Profile(profile(unit[1], unit[2], unit[3]))
		}
	}
	return ""
}

// profile is a profile-level-id as everybody spells it: encoders set further
// constraint flags, which some servers compare bit by bit (RFC 6184 table 5).
func profile(idc, flags, level byte) string {
	switch {
	case idc == 66 && flags&0x40 != 0:
		flags = 0xe0
	case idc == 66, idc == 77:
		flags = 0
	case idc == 100 && flags&0x0c == 0x0c:
		flags = 0x0c
	case idc == 100:
		flags = 0
	}
	return hex.EncodeToString([]byte{idc, flags, level})
}
