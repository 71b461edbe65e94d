package negotiate

import (
	"strconv"
	"strings"

	"github.com/headgate/headgate/router"
)

type knownCodec struct {
	kind  router.Kind
	codec router.Codec
}

// knownCodecs is keyed by the name in lower case: SDP compares codec names
// without case, clock rates and channels exactly.
var knownCodecs = map[string]knownCodec{
	"h264": {router.Video, router.Codec{Name: router.H264, ClockRate: 90000}},
	"h265": {router.Video, router.Codec{Name: router.H265, ClockRate: 90000}},
	"vp8":  {router.Video, router.Codec{Name: router.VP8, ClockRate: 90000}},
	"vp9":  {router.Video, router.Codec{Name: router.VP9, ClockRate: 90000}},
	"av1":  {router.Video, router.Codec{Name: router.AV1, ClockRate: 90000}},
	"opus": {router.Audio, router.Codec{Name: router.Opus, ClockRate: 48000, Channels: 2}},
	"g722": {router.Audio, router.Codec{Name: router.G722, ClockRate: 8000, Channels: 1}},
	"pcmu": {router.Audio, router.Codec{Name: router.PCMU, ClockRate: 8000, Channels: 1}},
	"pcma": {router.Audio, router.Codec{Name: router.PCMA, ClockRate: 8000, Channels: 1}},
}

// parseCodec reads the value of a=rtpmap without its number.
func parseCodec(kind router.Kind, rtpmap string) (router.Codec, bool) {
	parts := strings.Split(rtpmap, "/")
	if len(parts) < 2 || len(parts) > 3 {
		return router.Codec{}, false
	}
	known, ok := knownCodecs[strings.ToLower(parts[0])]
	if !ok || known.kind != kind || parts[1] != strconv.FormatUint(uint64(known.codec.ClockRate), 10) {
		return router.Codec{}, false
	}
	channels := ""
	if len(parts) == 3 {
		channels = parts[2]
	}
	return known.codec, channels == channelsOf(known.codec) || channels == "1" && known.codec.Channels < 2
}

// channelsOf is what stands behind the clock rate in a=rtpmap.
func channelsOf(c router.Codec) string {
	if c.Channels < 2 {
		return ""
	}
	return strconv.Itoa(int(c.Channels))
}

func rtpmap(c router.Codec) string {
	m := c.Name + "/" + strconv.FormatUint(uint64(c.ClockRate), 10)
	if ch := channelsOf(c); ch != "" {
		m += "/" + ch
	}
	return m
}

// parameter returns the value of a parameter in an a=fmtp line; names compare
// without case.
func parameter(fmtp, name string) string {
	for p := range strings.SplitSeq(fmtp, ";") {
		key, value, _ := strings.Cut(p, "=")
		if strings.EqualFold(strings.TrimSpace(key), name) {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

func parameterOr(fmtp, name, absent string) string {
	if v := parameter(fmtp, name); v != "" {
		return v
	}
	return absent
}

// canonicalName returns the gateway's spelling of a codec name of that kind,
// empty if it is none.
func canonicalName(kind router.Kind, name string) string {
	if k, ok := knownCodecs[strings.ToLower(name)]; ok && k.kind == kind {
		return k.codec.Name
	}
	return ""
}

// switchOn sets one parameter of an a=fmtp line to 1.
func switchOn(fmtp, name string) string {
	var kept []string
	for p := range strings.SplitSeq(fmtp, ";") {
		key, _, _ := strings.Cut(p, "=")
		if p = strings.TrimSpace(p); p != "" && !strings.EqualFold(strings.TrimSpace(key), name) {
			kept = append(kept, p)
		}
	}
	return strings.Join(append(kept, name+"=1"), ";")
}
