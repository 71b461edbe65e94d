package router

import "testing"

// What was counted of a stream stays counted when another one takes its place,
// and when it says goodbye.
func TestCountsByKindOnlyGrow(t *testing.T) {
	i := newIntake(t, undeclared)
	i.send(on(vp8(100, 0, true), intakeVideo, mid("v")), on(vp8(102, 2*intakeFrame, false), intakeVideo, mid("v")))
	i.send(on(opus(1, 0), intakeAudio, mid("a")))
	before := i.in.Stats().Kinds
	if v, a := before[Video], before[Audio]; v.Packets != 2 || v.Missing != 1 || v.KeyFrames != 1 || a.Packets != 1 || a.Bytes == 0 {
		t.Fatalf("video %+v, audio %+v", v, a)
	}
	i.now = i.now.Add(DefaultIngestSettings().RebindAfter)
	i.send(on(vp8(8, 90000, true), 500, mid("v")))
	if v := i.in.Stats().Kinds[Video]; v.Packets != 3 || v.KeyFrames != 2 || v.Missing != 1 {
		t.Errorf("with another SSRC %+v", v)
	}
	i.in.Close()
	if v := i.in.Stats().Kinds[Video]; v.Packets != 3 {
		t.Errorf("closed %+v", v)
	}
}

func TestSentIsCountedByKind(t *testing.T) {
	w, _, v, p := liveVideo(t)
	w.rtcp(v, nackOf(100, p.order[3]))
	s := v.Stats()
	if s.Sent[Video].Packets != s.Packets || s.Sent[Video].Bytes != s.Bytes || s.Packets != uint64(len(p.order)+len(p.rtx)) {
		t.Errorf("%+v; %d arrived", s, len(p.order)+len(p.rtx))
	}
	if s.Sent[Audio] != (Traffic{}) {
		t.Errorf("sound nobody sent: %+v", s.Sent[Audio])
	}
}
