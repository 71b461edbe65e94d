package conformance

import (
	"context"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"
)

// lipSyncBound is how far apart picture and sound may be, of what the publisher's reports say.
const lipSyncBound = 5 * time.Millisecond

// countOffset is where the packet counts of a studio begin, so that copies of them are known.
const countOffset = 1 << 24

func checkLipSync(ctx context.Context, r *run) error {
	s := &studio{rids: layerNames(), ahead: -200 * time.Millisecond}
	if err := r.filming(ctx, s); err != nil {
		return err
	}
	viewer, err := r.viewing(ctx, script{engine: plainEngine}, 30)
	if err != nil {
		return err
	}
	if err := r.judgeLipSync(ctx, viewer, s, "at first"); err != nil {
		return err
	}
	choice, err := viewer.chooser()
	if err != nil {
		r.lack("switches of layers")
	} else {
		for _, rid := range []string{"q", "h"} {
			if err := choice.take(ctx, rid); err != nil {
				return err
			}
		}
		if err := r.judgeLipSync(ctx, viewer, s, "after switches"); err != nil {
			return err
		}
	}
	r.judgeReports(viewer)
	return nil
}

// lipSyncWait is how long a server may take to find the publisher's clock: it knows it from the first reports, and may go
// there in steps that nobody sees.
const lipSyncWait = 18 * time.Second

// judgeLipSync wants a report that agrees with the publisher's: the best one is judged, since a clock that is
// approached while two streams are reported on at different moments looks wrong to neither.
func (r *run) judgeLipSync(ctx context.Context, viewer *peer, s *studio, when string) error {
	l, reports := viewer.watch.ledger, 0
	var apart time.Duration
	var known bool
	err := eventually(ctx, lipSyncWait, func() (bool, error) {
		n := l.reportCount()
		if n == reports {
			return false, nil
		}
		reports = n
		apart, known = l.apart(s)
		return known && apart.Abs() <= lipSyncBound, nil
	})
	switch {
	case err == nil:
	case !known:
		r.failf("%s: in %v there are no sender reports on both picture and sound", when, lipSyncWait)
	default:
		r.failf("%s: picture and sound are %v apart, of what the publisher's reports say", when, apart.Round(time.Millisecond))
	}
	return ctx.Err()
}

// apart is how much later the picture was captured than the sound by the server's reports, beyond what it was.
func (l *ledger) apart(s *studio) (time.Duration, bool) {
	video, hasVideo := l.captured(webrtc.RTPCodecTypeVideo, s.capture, videoClock)
	audio, hasAudio := l.captured(webrtc.RTPCodecTypeAudio, s.captureSound, audioClock)
	return video - audio, hasVideo && hasAudio
}

// captured is how much later the newest packet of a kind was captured by the server's reports than in truth.
func (l *ledger) captured(kind webrtc.RTPCodecType, truth func(uint32) time.Time, clock time.Duration) (time.Duration, bool) {
	e, ok := l.last(kind)
	report := l.report(e.SSRC)
	if !ok || report == nil {
		return 0, false
	}
	since := time.Duration(int32(e.Timestamp-report.RTPTime)) * time.Second / clock //nolint:gosec // serial numbers
	return timeOf(report.NTPTime).Add(since).Sub(truth(e.mark.frame)), true
}

// timeOf reads what ntpOf writes.
func timeOf(ntp uint64) time.Time {
	return time.Unix(int64(ntp>>32)-from1900, int64((ntp&0xffffffff)*1e9>>32)) //nolint:gosec // after 1970
}

// judgeReports looks at the counts and names of the server's reports.
func (r *run) judgeReports(viewer *peer) {
	l := viewer.watch.ledger
	names := make(map[string]bool)
	for _, kind := range []webrtc.RTPCodecType{webrtc.RTPCodecTypeVideo, webrtc.RTPCodecTypeAudio} {
		e, _ := l.last(kind)
		report := l.report(e.SSRC)
		if report == nil {
			continue
		}
		if got := len(l.got(kind)); int(report.PacketCount) > 2*got+100 {
			r.failf("a report counts %d packets of %s, of which %d were sent to this viewer", report.PacketCount, kind, got)
		}
		names[l.name(e.SSRC)] = true
	}
	switch {
	case names[""]:
		r.failf("there are reports without a CNAME")
	case len(names) > 1:
		r.failf("picture and sound have different CNAMEs")
	}
}

// name is the CNAME of a stream; empty if none was heard.
func (l *ledger) name(ssrc uint32) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.names[ssrc]
}

// reportCount counts the sender reports on all streams.
func (l *ledger) reportCount() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, all := range l.reports {
		n += len(all)
	}
	return n
}

// report is the newest sender report about a stream; nil if there is none.
func (l *ledger) report(ssrc uint32) *rtcp.SenderReport {
	l.mu.Lock()
	defer l.mu.Unlock()
	if all := l.reports[ssrc]; len(all) > 0 {
		return all[len(all)-1]
	}
	return nil
}
