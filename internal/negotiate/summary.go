package negotiate

import (
	"fmt"
	"strings"
)

// Summary describes the offer in one short line for a timeline: sections with
// their codecs and simulcast streams, candidates, DTLS role. It holds no
// credentials and nothing of the client's text but checked tokens.
func (o *Offer) Summary() string {
	var parts []string
	count := make(map[string]int)
	for _, s := range o.sections {
		part := s.summary()
		if count[part]++; count[part] == 1 {
			parts = append(parts, part)
		}
	}
	for i, part := range parts {
		if n := count[part]; n > 1 {
			parts[i] = fmt.Sprintf("%d times %s", n, part)
		}
	}
	return fmt.Sprintf("%s, %d candidates, setup %s", strings.Join(parts, " + "), len(o.Candidates), o.Setup)
}

func (s *offered) summary() string {
	switch {
	case s.disabled:
		return s.media + " disabled"
	case s.media == "application":
		return "data"
	case !s.isMedia():
		return s.media
	}
	text := s.media + " " + s.direction + " " + strings.ReplaceAll(s.offeredNames(), ", ", ",")
	if len(s.rids) > 0 && len(s.simulcasts) == 1 {
		ids := make([]string, 0, len(s.rids))
		for _, r := range s.rids {
			ids = append(ids, r.id)
		}
		text += " simulcast " + strings.Join(ids, ";")
	}
	return text
}
