package router

import "time"

// DeclaredSSRC is one encoding the offer declares: the SSRC of its media and
// that of its retransmissions, 0 when the offer has no a=ssrc-group:FID for it.
type DeclaredSSRC struct{ Media, RTX uint32 }

// IngestSection is one accepted media section of a publisher's session.
type IngestSection struct {
	Mid   string
	Track *Track
	// PayloadTypes are those of the answer, with the feedback agreed on.
	PayloadTypes []PayloadType
	// SSRCs come from a=ssrc and a=ssrc-group:FID; there may be none.
	SSRCs []DeclaredSSRC
	// RIDs are those of a simulcast answer in the offer's order, else empty.
	RIDs []string
	// Extensions are the publisher's header extensions and their ids.
	Extensions Extensions
}

// IngestConfig describes one publisher's session to NewIngest.
type IngestConfig struct {
	Sections []IngestSection
	// SenderSSRC is the SSRC our RTCP is sent with.
	SenderSSRC uint32
	// CNAME goes into the SDES of our receiver reports.
	CNAME    string
	Settings IngestSettings
}

// IngestSettings are the times and bounds of an Ingest. A field that is zero
// means its value in DefaultIngestSettings.
type IngestSettings struct {
	// VideoHistory and AudioHistory are how many packets a layer keeps for
	// retransmission; they are rounded up to a power of two.
	VideoHistory, AudioHistory int
	// GroupAge, GroupBytes and GroupPackets bound the group kept since a key
	// frame. A group that outgrows one of them is let go.
	GroupAge     time.Duration
	GroupBytes   int
	GroupPackets int
	// BurstPackets and BurstHold bound a burst that no end of frame closes.
	BurstPackets int
	BurstHold    time.Duration
	// ReorderPackets and ReorderWait are how long a missing packet may still be
	// merely late: whichever comes first (M-002).
	ReorderPackets int
	ReorderWait    time.Duration
	// RTT is the spacing of repeated NACKs before an answered one has told the
	// real round trip time.
	RTT time.Duration
	// NACKTries bounds the requests for one packet, NACKAge the time a packet is
	// asked for, NACKGap the size of a hole that is asked for at all.
	NACKTries int
	NACKAge   time.Duration
	NACKGap   int
	// KeyFrameInterval is the shortest time between two key-frame requests for one
	// layer, KeyFrameBackoff the longest time between repetitions, and
	// KeyFrameAnswer the time within which a publisher that listens answers.
	KeyFrameInterval, KeyFrameBackoff, KeyFrameAnswer time.Duration
	// KeyFrameTry is when a publisher nobody has asked for a key frame is asked all
	// the same, so that it is known whether it listens; below 0 never.
	KeyFrameTry time.Duration
	// ReportInterval is the time between receiver reports; the first one goes
	// after FirstReport.
	ReportInterval, FirstReport time.Duration
	// TransportCCInterval is the time between transport-wide feedback (M-060).
	TransportCCInterval time.Duration
	// REMB is the estimate in bits per second told to publishers that negotiated
	// goog-remb without transport-cc: no more than the publisher's cap.
	REMB int
	// RebindAfter is how long an SSRC must be silent before another one may take
	// its place.
	RebindAfter time.Duration
}

// DefaultIngestSettings are the values of docs/architecture.md.
func DefaultIngestSettings() IngestSettings {
	return IngestSettings{
		VideoHistory: 2048, AudioHistory: 512,
		GroupAge: 12 * time.Second, GroupBytes: 8 << 20, GroupPackets: 6000,
		BurstPackets: 64, BurstHold: 5 * time.Millisecond,
		ReorderPackets: 3, ReorderWait: 15 * time.Millisecond,
		RTT: 40 * time.Millisecond, NACKTries: 10, NACKAge: 2 * time.Second, NACKGap: 512,
		KeyFrameInterval: 500 * time.Millisecond, KeyFrameBackoff: 8 * time.Second,
		KeyFrameAnswer: 500 * time.Millisecond, KeyFrameTry: time.Second,
		ReportInterval: time.Second, FirstReport: 200 * time.Millisecond,
		TransportCCInterval: 100 * time.Millisecond, REMB: 20_000_000,
		RebindAfter: 500 * time.Millisecond,
	}
}

// withDefaults replaces what is not set.
func (s IngestSettings) withDefaults() IngestSettings {
	d := DefaultIngestSettings()
	for _, f := range []struct{ value, standard *int }{
		{&s.VideoHistory, &d.VideoHistory}, {&s.AudioHistory, &d.AudioHistory},
		{&s.GroupBytes, &d.GroupBytes}, {&s.GroupPackets, &d.GroupPackets},
		{&s.BurstPackets, &d.BurstPackets}, {&s.ReorderPackets, &d.ReorderPackets},
		{&s.NACKTries, &d.NACKTries}, {&s.NACKGap, &d.NACKGap}, {&s.REMB, &d.REMB},
	} {
		if *f.value <= 0 {
			*f.value = *f.standard
		}
	}
	for _, f := range []struct{ value, standard *time.Duration }{
		{&s.GroupAge, &d.GroupAge}, {&s.BurstHold, &d.BurstHold}, {&s.ReorderWait, &d.ReorderWait},
		{&s.RTT, &d.RTT}, {&s.NACKAge, &d.NACKAge}, {&s.KeyFrameInterval, &d.KeyFrameInterval},
		{&s.KeyFrameBackoff, &d.KeyFrameBackoff}, {&s.KeyFrameAnswer, &d.KeyFrameAnswer},
		{&s.ReportInterval, &d.ReportInterval}, {&s.FirstReport, &d.FirstReport},
		{&s.TransportCCInterval, &d.TransportCCInterval}, {&s.RebindAfter, &d.RebindAfter},
	} {
		if *f.value <= 0 {
			*f.value = *f.standard
		}
	}
	if s.KeyFrameTry == 0 {
		s.KeyFrameTry = d.KeyFrameTry
	}
	return s
}
