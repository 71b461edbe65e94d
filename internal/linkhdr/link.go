package linkhdr

import "strings"

// Link is one link-value (RFC 8288 section 3).
type Link struct {
	// URI is the target as written, relative or absolute.
	URI string
	// Rel is the first rel parameter; several relation types are separated by
	// spaces.
	Rel string
	// Params are the other parameters in their order.
	Params []Param
}

// Param is a target attribute. The name's case does not matter; a parameter
// without a value has the value "".
type Param struct{ Name, Value string }

// Has reports whether rel is one of the link's relation types (RFC 8288
// section 2.1: compared without regard to case).
func (l Link) Has(rel string) bool {
	for t := range strings.FieldsSeq(l.Rel) {
		if strings.EqualFold(t, rel) {
			return true
		}
	}
	return false
}

// Param returns the first value of a parameter, or "".
func (l Link) Param(name string) string {
	for _, p := range l.Params {
		if strings.EqualFold(p.Name, name) {
			return p.Value
		}
	}
	return ""
}

// String prints the link for a header line of its own: target, rel, then Params
// in their order, all values quoted (the order and the quotes matter to clients
// that read Link by a regular expression). What a header cannot carry is
// percent-encoded in the target and left out of values; parameters whose name
// is not a token are left out whole.
func (l Link) String() string {
	var b strings.Builder
	b.WriteByte('<')
	writeURI(&b, l.URI)
	b.WriteByte('>')
	if l.Rel != "" {
		writeParam(&b, Param{"rel", l.Rel})
	}
	for _, p := range l.Params {
		if isToken(p.Name) {
			writeParam(&b, p)
		}
	}
	return b.String()
}

func writeURI(b *strings.Builder, uri string) {
	const hex = "0123456789ABCDEF"
	for i := range len(uri) {
		c := uri[i]
		if c <= ' ' || c >= 0x7f || c == '<' || c == '>' || c == '"' {
			b.Write([]byte{'%', hex[c>>4], hex[c&15]})
			continue
		}
		b.WriteByte(c)
	}
}

func writeParam(b *strings.Builder, p Param) {
	b.WriteString("; ")
	b.WriteString(p.Name)
	b.WriteString(`="`)
	for i := range len(p.Value) {
		c := p.Value[i]
		if c == '"' || c == '\\' {
			b.WriteByte('\\')
		}
		if !isControl(c) {
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
}

// isToken is the token of RFC 9110 section 5.6.2.
func isToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		if c <= ' ' || c >= 0x7f || strings.IndexByte("()<>@,;:\\\"/[]?={}", c) >= 0 {
			return false
		}
	}
	return s != ""
}

func isControl(c byte) bool { return c < ' ' && c != '\t' || c == 0x7f }
