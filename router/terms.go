package router

import (
	"fmt"
	"maps"
)

// Terms are what a viewer can be offered at the time of its POST.
type Terms struct {
	// Live tells that media flows, or did a moment ago.
	Live bool
	// Fixed tells that the session plays one publication and nothing else, so
	// that one codec per kind is enough.
	Fixed bool
	// Adapts tells that what is wanted can be sent in more than one way, now or when
	// something else takes its place.
	Adapts bool
	// Codecs are those of the publication of now; kinds it lacks are missing.
	Codecs map[Kind]Codec
}

// Terms returns what a viewer without slots would get now, or ErrIdle where nobody
// publishes and the policy is to refuse, or ErrFull. self is who the viewer is, or "".
func (r *Router) Terms(channelName string, sel Selector, self string) (Terms, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.channels[channelName]
	if err := r.admitViewer(channelName, c); err != nil {
		return Terms{}, err
	}
	var pub *publication
	if c != nil {
		pub = c.pick(sel, self, anything)
	}
	if pub == nil || !pub.onAir() {
		if r.idle(channelName) == RefuseIdle {
			return Terms{}, ErrIdle
		}
		return Terms{Adapts: true}, nil
	}
	codecs, several := c.codecsShown(sel, self, pub)
	fixed := (sel.Source != "" || len(c.publications) == 1 && !r.isCall(channelName)) && !several && pub.uniform()
	return Terms{Live: true, Fixed: fixed, Adapts: !fixed || pub.active.video.Adapts(), Codecs: codecs}, nil
}

// SlotTerms returns what a viewer with slots would get: everything it can take, now or
// later. The error wraps ErrFull. self is as for Terms.
func (r *Router) SlotTerms(channelName, self string) (Terms, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.channels[channelName]
	if err := r.admitViewer(channelName, c); err != nil {
		return Terms{}, err
	}
	terms := Terms{Adapts: true}
	if c == nil {
		return terms, nil
	}
	if pub := c.pick(Selector{}, self, anything); pub != nil && pub.onAir() {
		terms.Live, terms.Codecs = true, maps.Clone(pub.codecs())
	}
	return terms, nil
}

func anything(*publication) bool { return true }

// admitViewer refuses one more viewer than a channel may have. r.mu is held.
func (r *Router) admitViewer(name string, c *channel) error {
	if c != nil && len(c.attachments) >= r.maxViewers(name) {
		return fmt.Errorf("%d viewers in %q: %w", len(c.attachments), name, ErrFull)
	}
	return nil
}

// codecsShown are the codecs of what the program shows, or else of pub; several tells
// that more than one publication is in it.
func (c *channel) codecsShown(sel Selector, self string, pub *publication) (codecs map[Kind]Codec, several bool) {
	codecs = make(map[Kind]Codec)
	for _, kind := range []Kind{Audio, Video} {
		p := c.shown(sel, self, kind, anything)
		if p == nil {
			p = pub
		}
		several = several || p != pub
		if codec, ok := p.codecs()[kind]; ok {
			codecs[kind] = codec
		}
	}
	return codecs, several
}

// uniform tells whether a standby would go on with the codecs of now.
func (p *publication) uniform() bool {
	for _, s := range p.standbys {
		if s.codecs[Video].Name != p.active.codecs[Video].Name || s.codecs[Audio].Name != p.active.codecs[Audio].Name {
			return false
		}
	}
	return true
}
