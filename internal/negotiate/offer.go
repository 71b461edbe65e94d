package negotiate

// Offer is a parsed offer of a client, not yet judged by a policy.
type Offer struct {
	// Ufrag and Pwd are the ICE credentials of the transport, wherever in the
	// offer they stood (RFC 8839 section 5.4).
	Ufrag, Pwd string
	// Candidates are the values of the a=candidate lines, without "candidate:",
	// in the order of the offer. They are not part of Plan.SDP.
	Candidates []string
	// EndOfCandidates tells that the offer said there are no more.
	EndOfCandidates bool
	// Setup is actpass, active or passive (RFC 8842).
	Setup string
}

// ParseOffer reads an offer of either protocol. What is no usable offer at all
// (syntax, size, missing ICE credentials or fingerprint, hostile counts) is
// ErrBadOffer.
func ParseOffer(sdp []byte) (*Offer, error) { return nil, ErrBadOffer }

// Summary describes the offer in one short line for a timeline. It holds no
// credentials.
func (o *Offer) Summary() string { return "" }
