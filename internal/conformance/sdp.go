package conformance

import (
	"slices"
	"strings"
)

// description is a session description taken apart into lines; nothing in it is
// interpreted or lost.
type description struct {
	session []string
	media   []section
}

// section is one media section; its first line is the m= line.
type section []string

func parseDescription(text string) description {
	var d description
	for line := range strings.SplitSeq(strings.TrimRight(text, "\r\n"), "\n") {
		line = strings.TrimRight(line, "\r")
		switch {
		case strings.HasPrefix(line, "m="):
			d.media = append(d.media, section{line})
		case len(d.media) == 0:
			d.session = append(d.session, line)
		default:
			last := &d.media[len(d.media)-1]
			*last = append(*last, line)
		}
	}
	return d
}

// String prints the description with CRLF line ends.
func (d description) String() string {
	lines := slices.Clone(d.session)
	for _, m := range d.media {
		lines = append(lines, m...)
	}
	return strings.Join(lines, "\r\n") + "\r\n"
}

// values returns what follows "a=name:" in lines; "a=name" alone gives "".
func values(lines []string, name string) []string {
	var found []string
	for _, l := range lines {
		if l == "a="+name {
			found = append(found, "")
		} else if v, ok := strings.CutPrefix(l, "a="+name+":"); ok {
			found = append(found, v)
		}
	}
	return found
}

func (m section) values(name string) []string { return values(m, name) }

func (m section) has(name string) bool { return len(m.values(name)) > 0 }

// mid names the section; "" if it has no name.
func (m section) mid() string {
	if v := m.values("mid"); len(v) > 0 {
		return v[0]
	}
	return ""
}

// fields are those of the m= line: kind, port, protocol, formats.
func (m section) fields() []string { return strings.Fields(strings.TrimPrefix(m[0], "m=")) }

func (m section) kind() string { return m.field(0) }

func (m section) field(i int) string {
	if f := m.fields(); i < len(f) {
		return f[i]
	}
	return ""
}

// rejected tells a port of 0, which in an answer is a refusal.
func (m section) rejected() bool { return m.field(1) == "0" }

// isMedia tells audio and video from data.
func (m section) isMedia() bool { return m.kind() == "audio" || m.kind() == "video" }

func (m section) payloadTypes() []string {
	if f := m.fields(); len(f) > 3 {
		return f[3:]
	}
	return nil
}

// direction is that of the section; sendrecv if nothing is said.
func (m section) direction() string {
	for _, l := range m {
		switch d := strings.TrimPrefix(l, "a="); d {
		case "sendrecv", "sendonly", "recvonly", "inactive":
			return d
		}
	}
	return "sendrecv"
}

// codecs are the encoding names of a section, in lower case, in the order of its
// payload types.
func (m section) codecs() []string {
	var names []string
	for _, pt := range m.payloadTypes() {
		for _, v := range m.values("rtpmap") {
			if number, mapping, _ := strings.Cut(v, " "); number == pt {
				name, _, _ := strings.Cut(mapping, "/")
				names = append(names, strings.ToLower(name))
			}
		}
	}
	return names
}

// transport finds an attribute of the transport, in the first section that has
// it or at session level.
func (d description) transport(name string) string {
	for _, m := range d.media {
		if v := m.values(name); len(v) > 0 {
			return v[0]
		}
	}
	if v := values(d.session, name); len(v) > 0 {
		return v[0]
	}
	return ""
}

// bundle returns the tags of the BUNDLE group.
func (d description) bundle() []string {
	for _, g := range values(d.session, "group") {
		if f := strings.Fields(g); len(f) > 0 && f[0] == "BUNDLE" {
			return f[1:]
		}
	}
	return nil
}

func (d description) candidates() []string {
	var all []string
	for _, m := range d.media {
		all = append(all, m.values("candidate")...)
	}
	return append(all, values(d.session, "candidate")...)
}

// The editors below change descriptions as text.

// editLines lets edit replace each line by none, one or several.
func editLines(text string, edit func(line string) []string) string {
	var out []string
	for line := range strings.SplitSeq(strings.TrimRight(text, "\r\n"), "\r\n") {
		out = append(out, edit(line)...)
	}
	return strings.Join(out, "\r\n") + "\r\n"
}

func removeLines(text string, prefixes ...string) string {
	return editLines(text, func(line string) []string {
		if slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(line, p) }) {
			return nil
		}
		return []string{line}
	})
}

func replaceLine(text, prefix, by string) string {
	return editLines(text, func(line string) []string {
		if strings.HasPrefix(line, prefix) {
			return []string{by}
		}
		return []string{line}
	})
}

// withDirection changes the direction of every section.
func withDirection(text, direction string) string {
	for _, d := range []string{"sendrecv", "sendonly", "recvonly", "inactive"} {
		text = editLines(text, func(line string) []string {
			if line == "a="+d {
				return []string{"a=~" + direction}
			}
			return []string{line}
		})
	}
	return strings.ReplaceAll(text, "a=~"+direction, "a="+direction)
}

// onlySections keeps the sections of a kind and makes the BUNDLE group fit.
func onlySections(text, kind string) string {
	d := parseDescription(text)
	d.media = slices.DeleteFunc(d.media, func(m section) bool { return m.kind() != kind })
	return d.regrouped().String()
}

// regrouped writes the BUNDLE group anew.
func (d description) regrouped() description {
	tags := make([]string, 0, len(d.media))
	for _, m := range d.media {
		tags = append(tags, m.mid())
	}
	for i, l := range d.session {
		if strings.HasPrefix(l, "a=group:BUNDLE") {
			d.session[i] = "a=group:BUNDLE " + strings.Join(tags, " ")
		}
	}
	return d
}
