package push

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v4"

	"github.com/headgate/headgate/internal/dial"
)

// ParseSDP reads what a sender of plain RTP says about itself, as ffmpeg writes it
// (-sdp_file, or its standard output): the ports, codecs, payload types and
// parameter sets of at most one video and one audio.
func ParseSDP(text string) (ports []RTPOptions, err error) {
	text = strings.TrimPrefix(strings.TrimLeft(text, "\r\n\t "), "SDP:")
	var session sdp.SessionDescription
	if err := session.UnmarshalString(strings.TrimLeft(text, "\r\n\t ")); err != nil {
		return nil, fmt.Errorf("not a session description: %w", err)
	}
	seen := make(map[string]bool)
	for _, m := range session.MediaDescriptions {
		kind := m.MediaName.Media
		if kind != "video" && kind != "audio" || m.MediaName.Port.Value == 0 {
			continue
		}
		if seen[kind] {
			return nil, fmt.Errorf("the session description has more than one %s", kind)
		}
		seen[kind] = true
		p, err := readMedia(&session, m)
		if err != nil {
			return nil, fmt.Errorf("%s of the session description: %w", kind, err)
		}
		ports = append(ports, p)
	}
	if len(ports) == 0 {
		return nil, errors.New("the session description has neither video nor audio")
	}
	return ports, nil
}

func readMedia(session *sdp.SessionDescription, m *sdp.MediaDescription) (p RTPOptions, err error) {
	if len(m.MediaName.Formats) == 0 {
		return p, errors.New("no payload type")
	}
	number, err := strconv.ParseUint(m.MediaName.Formats[0], 10, 7)
	if err != nil {
		return p, fmt.Errorf("payload type %q", m.MediaName.Formats[0])
	}
	p.PayloadType = int(number) //nolint:gosec // seven bits
	if p.Address, err = listenAddress(session, m); err != nil {
		return p, err
	}
	name, format := attributes(m, m.MediaName.Formats[0])
	if p.Codec, err = CodecOf(m.MediaName.Media, name); err != nil {
		return p, err
	}
	p.Parameters = parameterSets(format)
	if id := parameter(format, "profile-level-id"); strings.EqualFold(p.Codec.MimeType, webrtc.MimeTypeH264) {
		if b, err := hex.DecodeString(id); err == nil && len(b) == 3 {
			p.Codec.Parameters = dial.H264Profile(profile(b[0], b[1], b[2]))
		}
	}
	return p, nil
}

// listenAddress is where the sender sends to: the connection data of the media or
// of the session.
func listenAddress(session *sdp.SessionDescription, m *sdp.MediaDescription) (string, error) {
	host := "127.0.0.1"
	for _, c := range []*sdp.ConnectionInformation{m.ConnectionInformation, session.ConnectionInformation} {
		if c != nil && c.Address != nil {
			host, _, _ = strings.Cut(c.Address.Address, "/") // the TTL of multicast
			break
		}
	}
	if a, err := netip.ParseAddr(host); err != nil {
		if host != "localhost" {
			return "", fmt.Errorf("the address %q is a name", host)
		}
	} else if a.IsMulticast() {
		return "", fmt.Errorf("%s is a multicast address, which is not joined", a)
	}
	return net.JoinHostPort(host, strconv.Itoa(m.MediaName.Port.Value)), nil
}

// attributes returns the encoding name and format of a payload type; static types
// need not say their name (RFC 3551 table 4).
func attributes(m *sdp.MediaDescription, payloadType string) (name, format string) {
	name = map[string]string{"0": "PCMU", "8": "PCMA", "9": "G722"}[payloadType]
	for _, a := range m.Attributes {
		number, value, _ := strings.Cut(a.Value, " ")
		if number != payloadType {
			continue
		}
		switch a.Key {
		case "rtpmap":
			name, _, _ = strings.Cut(strings.TrimSpace(value), "/")
		case "fmtp":
			format = value
		}
	}
	return name, format
}

// CodecOf returns the codec that goes by this encoding name, in any case.
func CodecOf(kind, name string) (dial.Codec, error) {
	for _, mime := range []string{
		webrtc.MimeTypeH264, webrtc.MimeTypeH265, webrtc.MimeTypeVP8, webrtc.MimeTypeVP9, webrtc.MimeTypeAV1,
		webrtc.MimeTypeOpus, webrtc.MimeTypePCMU, webrtc.MimeTypePCMA, webrtc.MimeTypeG722,
	} {
		if strings.EqualFold(mime, kind+"/"+name) {
			return dial.Codec{MimeType: mime}, nil
		}
	}
	return dial.Codec{}, fmt.Errorf("the codec %q is not known for %s, or cannot go by WebRTC", name, kind)
}

// parameterSets decodes the sprop parameters (RFC 6184 section 8.1, RFC 7798
// section 7.1). What is not Base64 is left out.
func parameterSets(format string) (sets [][]byte) {
	for _, name := range []string{"sprop-vps", "sprop-sps", "sprop-pps", "sprop-parameter-sets"} {
		for coded := range strings.SplitSeq(parameter(format, name), ",") {
			if set, err := base64.StdEncoding.DecodeString(strings.TrimSpace(coded)); err == nil && len(set) > 0 {
				sets = append(sets, set)
			}
		}
	}
	return sets
}

// parameter is one parameter of a format.
func parameter(format, name string) string {
	for part := range strings.SplitSeq(format, ";") {
		key, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		if strings.EqualFold(key, name) {
			return value
		}
	}
	return ""
}
