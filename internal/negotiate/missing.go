package negotiate

import (
	"slices"

	"github.com/headgate/headgate/router"
)

// Codecs are the names of the codecs that the offer has for a kind, in sections that
// could be answered.
func (o *Offer) Codecs(kind router.Kind) (names []string) {
	for _, s := range o.sections {
		if !s.isMedia() || s.kind() != kind || s.disabled || !s.supported() {
			continue
		}
		for _, p := range s.payloads {
			if !slices.Contains(names, p.codec.Name) {
				names = append(names, p.codec.Name)
			}
		}
	}
	return names
}

// Carries tells whether media of a kind flows in the session, or may later.
func (p *Plan) Carries(kind router.Kind) bool {
	return slices.ContainsFunc(p.Sections, func(s Section) bool { return !s.Application && s.Kind == kind && s.flows() })
}
