package wish

import (
	"strings"

	"github.com/headgate/headgate/internal/signaling"
)

// maxTags bounds a list of entity-tags; a session has one.
const maxTags = 64

// parseIfMatch reads the If-Match fields of a request (RFC 9110 section 13.1.1).
// An asterisk is the wildcard with and without quotes, because RFC 9725 section
// 4.3.3 shows both. Weak tags never match here (section 8.8.3.2) and are left
// out; so are empty list elements.
func parseIfMatch(fields []string) (signaling.Precondition, error) {
	if len(fields) == 0 {
		return signaling.Precondition{}, nil
	}
	p := signaling.Precondition{Present: true}
	list := strings.Trim(strings.Join(fields, ","), " \t")
	if list == "*" || list == `"*"` {
		p.Any = true
		return p, nil
	}
	for n := 0; ; n++ {
		list = strings.TrimLeft(list, " \t,")
		if list == "" {
			return p, nil
		}
		tag, weak, rest, ok := cutTag(list)
		if !ok || n == maxTags {
			return signaling.Precondition{}, errIfMatch
		}
		if !weak {
			p.Tags = append(p.Tags, tag)
		}
		list = rest
	}
}

// cutTag takes one entity-tag off the front of list, with the quotes. What
// follows it is the end or a comma.
func cutTag(list string) (tag string, weak bool, rest string, ok bool) {
	list, weak = strings.CutPrefix(list, "W/")
	if !strings.HasPrefix(list, `"`) {
		return "", false, "", false
	}
	for i := 1; i < len(list); i++ {
		switch c := list[i]; {
		case c == '"':
			rest = strings.TrimLeft(list[i+1:], " \t")
			return list[:i+1], weak, rest, rest == "" || rest[0] == ','
		case c <= ' ' || c == 0x7f:
			return "", false, "", false
		}
	}
	return "", false, "", false
}
