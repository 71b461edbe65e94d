package conformance

import "strings"

// fragmentOf makes a fragment of an offer's transport: credentials, the first
// section, candidates if the offer has any.
func fragmentOf(offer string) string {
	d := parseDescription(offer)
	return fragment{
		ufrag: d.transport("ice-ufrag"), pwd: d.transport("ice-pwd"), options: d.transport("ice-options"),
		group: strings.Join(d.bundle(), " "), media: strings.TrimPrefix(d.media[0][0], "m="), mid: d.media[0].mid(),
		candidates: d.candidates(),
	}.String()
}

// fragment is a trickle-ice-sdpfrag in its usual shape; empty parts are left
// out.
type fragment struct {
	ufrag, pwd, options, group string
	media, mid                 string
	candidates                 []string
	end                        bool
}

// String prints the fragment (RFC 8840 section 9).
func (f fragment) String() string {
	var b strings.Builder
	line := func(name, value string) {
		if value != "" {
			b.WriteString(name + value + "\r\n")
		}
	}
	line("a=ice-options:", f.options)
	line("a=group:BUNDLE ", f.group)
	line("a=ice-ufrag:", f.ufrag)
	line("a=ice-pwd:", f.pwd)
	line("m=", f.media)
	line("a=mid:", f.mid)
	for _, c := range f.candidates {
		line("a=candidate:", c)
	}
	if f.end {
		b.WriteString("a=end-of-candidates\r\n")
	}
	return b.String()
}
