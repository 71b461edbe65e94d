package negotiate

import (
	"fmt"
	"strings"
)

// Summary describes the offer in one short line for a timeline: sections with
// their codecs and simulcast streams, candidates, DTLS role. It holds no
// credentials and nothing of the client's text but checked tokens.
func (o *Offer) Summary() string {
	parts := make([]string, 0, len(o.sections))
	for _, s := range o.sections {
		parts = append(parts, s.summary())
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
