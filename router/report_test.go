package router

import (
	"testing"
	"time"
)

func TestReportFirstAndInterval(t *testing.T) {
	// The first report right after the first packet, then about every second.
	w, f, _, p := liveVideo(t)
	f.run(10*time.Second, false)
	if len(w.reports) < 10 || len(w.reports) > 13 {
		t.Errorf("%d reports in 11 s", len(w.reports))
	}
	if first := w.reports[0]; !first.at.Equal(p.at[p.order[0]]) || first.sr.PacketCount != 3 {
		t.Errorf("first report %+v", first)
	}
	for i, r := range w.reports {
		if r.cname != "stream" || r.sr.SSRC != 100 {
			t.Errorf("report %d: CNAME %q, SSRC %d (M-072, M-076)", i, r.cname, r.sr.SSRC)
		}
		if i > 0 {
			if d := r.at.Sub(w.reports[i-1].at); d < 900*time.Millisecond || d > 1100*time.Millisecond {
				t.Errorf("interval %v", d)
			}
		}
	}
}

func TestReportCountsWhatWasSent(t *testing.T) {
	// M-071: counts of this viewer, payload octets only.
	w, f, v, p := liveVideo(t)
	w.rtcp(v, nackOf(100, p.highest))
	f.run(2*time.Second, false)
	r := w.reports[len(w.reports)-1]
	var packets, octets int
	for _, n := range p.order {
		if !p.at[n].After(r.at) && !(p.at[n].Equal(r.at)) {
			packets++
			octets += len(p.got[n].Payload)
		}
	}
	if int(r.sr.PacketCount) != packets || int(r.sr.OctetCount) != octets {
		t.Errorf("%d packets and %d octets, want %d and %d", r.sr.PacketCount, r.sr.OctetCount, packets, octets)
	}
}

// captureOf reads a timestamp back to a time by a report.
func captureOf(r sentReport, ts, rate uint32) time.Duration {
	at := time.Duration(r.sr.NTPTime>>32)*time.Second + time.Duration(r.sr.NTPTime&0xFFFFFFFF)*time.Second>>32
	return at + time.Duration(int32(ts-r.sr.RTPTime))*time.Second/time.Duration(rate)
}

func TestReportLipSync(t *testing.T) {
	// M-071, M-072, T-131: what was captured together is played together, also after switches.
	w := newWay(t)
	video, audio := NewTrack(Video, nil), NewTrack(Audio, nil)
	fv, fa := w.feedOf(1, video, testVP8), w.feedOf(2, audio, testOpus)
	fv.transit, fa.transit = 230*time.Millisecond, 30*time.Millisecond
	show(video, fv)
	show(audio, fa)
	v := w.view(testVideo(100), testAudio(200))
	w.source(v, 0, video)
	w.source(v, 1, audio)
	run := func(fv, fa *feed, key bool) {
		for range 50 {
			fv.arrive(fv.frame(key)...)
			key = false
			fa.send(true)
			fa.send(true)
		}
	}
	skew := func() time.Duration {
		last := map[uint32]sentReport{}
		for _, r := range w.reports {
			last[r.sr.SSRC] = r
		}
		pv, pa := w.player(v, 0), w.player(v, 1)
		dv := captureOf(last[100], pv.newest.Timestamp, 90000) - pv.at[pv.highest].Sub(time.Unix(-ntpOffset, 0))
		da := captureOf(last[200], pa.newest.Timestamp, 48000) - pa.at[pa.highest].Sub(time.Unix(-ntpOffset, 0))
		return dv - da
	}
	run(fv, fa, true)
	if got := skew(); (got + 200*time.Millisecond).Abs() > time.Millisecond {
		t.Errorf("skew %v, want -200ms", got)
	}
	gv := w.feedOf(3, video, testVP8)
	gv.transit = 130 * time.Millisecond
	show(video, gv)
	run(gv, fa, true)
	if got := skew(); (got + 100*time.Millisecond).Abs() > time.Millisecond {
		t.Errorf("skew %v after a switch, want -100ms", got)
	}
}

func TestReportNoneWithoutMedia(t *testing.T) {
	// M-074: a section that never sent has no reports; one that has paused has none either.
	w := newWay(t)
	track := NewTrack(Video, nil)
	v := w.view(testVideo(100))
	w.source(v, 0, track)
	w.sleep(5 * time.Second)
	if len(w.reports) != 0 {
		t.Fatalf("%d reports without media", len(w.reports))
	}
	f := w.feedOf(1, track, testVP8)
	show(track, f)
	f.run(time.Second, true)
	w.sleep(7 * time.Second)
	n := len(w.reports)
	w.sleep(time.Minute)
	if len(w.reports) != n || !w.shard.schedule.next().IsZero() {
		t.Error("reports of a paused section")
	}
	f.send(true)
	if len(w.reports) != n+1 {
		t.Error("no report when it went on")
	}
}

func TestReportIntervalSpread(t *testing.T) {
	seen := map[time.Duration]bool{}
	for ssrc := range uint32(64) {
		v := NewViewer(ViewerConfig{Settings: DefaultViewerSettings(), Sections: []SectionConfig{testVideo(ssrc)}})
		d := v.sections[0].reportInterval()
		if d < 900*time.Millisecond || d > 1100*time.Millisecond {
			t.Fatalf("interval %v", d)
		}
		seen[d] = true
	}
	if len(seen) < 32 {
		t.Errorf("%d different intervals", len(seen))
	}
}

func TestNTPClock(t *testing.T) {
	epoch := time.Unix(1_700_000_000, 250_000_000)
	c := ntpClock{epoch}
	for _, d := range []time.Duration{0, time.Second, -time.Hour, 123456789, 750 * time.Millisecond} {
		got := c.at(epoch.Add(d))
		ns := int64(got>>32-ntpOffset)*1e9 + int64((got&0xFFFFFFFF)*1e9>>32)
		if diff := ns - epoch.Add(d).UnixNano(); diff < -1 || diff > 1 {
			t.Errorf("%v: off by %d ns", d, diff)
		}
	}
	if got, want := c.middle(epoch), uint32(c.at(epoch)>>16); got != want {
		t.Errorf("middle %x, want %x", got, want)
	}
}
