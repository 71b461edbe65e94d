package negotiate

import (
	"slices"

	"github.com/headgate/headgate/internal/sdpfrag"
)

// RestartFragment takes the new credentials and candidates out of the local
// description after an ICE restart, for the response to the PATCH (RFC 9725
// section 4.3.3, RFC 8840 section 9). Nothing but ICE is in it: the rest of the
// session stays as Finish told it.
func (p *Plan) RestartFragment(description string, opt AnswerOptions) (sdpfrag.Fragment, error) {
	l, err := p.readLocal(description)
	if err != nil {
		return sdpfrag.Fragment{}, err
	}
	candidates := presentable(l.candidates, opt.Candidates)
	if len(candidates) == 0 {
		return sdpfrag.Fragment{}, ErrNoCandidates
	}
	tagged := p.byMid(p.bundle[0])
	section := sdpfrag.Section{Media: tagged.mediaLine(), Candidates: candidates}
	if !tagged.midless {
		section.Mid = tagged.Mid
	}
	f := sdpfrag.Fragment{
		Lite: opt.Lite, Ufrag: l.ufrag, Pwd: l.pwd, Options: slices.Clone(answerOptions),
		EndOfCandidates: true, Sections: []sdpfrag.Section{section},
	}
	if p.grouped {
		f.Group = p.group()
	}
	return f, nil
}
