// Package offers holds SDP offers in the shape of the clients the gateway
// serves, for the tests of every package. They are written by hand from what
// those clients are known to send: codecs, header extensions, attribute levels,
// oddities. Credentials, fingerprints, SSRCs and addresses are made up, so
// nothing can be connected with them.
//
//	chrome-publish      sendonly, all codecs, declared SSRCs, candidates
//	chrome-simulcast    rids q, h, f; max-bundle: the video section is bundle-only
//	chrome-play         recvonly, mDNS candidate
//	firefox-publish     session-level direction and fingerprint, extmap directions
//	firefox-play        H.264 as 42e01f only, no HEVC and AV1
//	safari-play         video first, H.264 as 640c1f and 42e01f, HEVC
//	obs                 all transport attributes at session level, group LS
//	obs-simulcast       rids 0, 1, 2; no SSRC of video declared
//	obs-video-only      keeps mid 1
//	ffmpeg8             setup passive, no feedback
//	ffmpeg8-video-only  BUNDLE names a mid that is not there, profile of 7 digits
//	ffmpeg9             nack and RTX
//	gstreamer-publish   mids video0 and audio1, bundle-only audio, upper-case names
//	gstreamer-play      one payload type per codec, no RTX, no extensions
//	rfc9725             bundle-only video without any transport attribute
package offers
