// Package negotiate does the offer/answer part of WHIP and WHEP that is text:
// it reads an offer, decides what of it will be answered, cuts it down to that
// (a Plan) and turns the local description of the WebRTC stack into the answer
// a client gets. It knows SDP and codecs, no connection and no packet.
//
//	offer --ParseOffer--> Offer --ForPublish/ForPlay--> Plan
//	Plan.SDP --SetRemoteDescription, CreateAnswer--> local description
//	local description --Plan.Finish--> answer
//
// Everything is pure and safe for concurrent use as long as nobody changes the
// exported fields.
package negotiate
