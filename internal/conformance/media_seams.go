package conformance

import (
	"time"

	"github.com/pion/rtp/codecs"
)

// seamJudge looks at the packets of a marked picture in order of their numbers: at a
// switch of layers nothing may give away that there are several.
type seamJudge struct {
	run      *run
	seams    int
	cut      int // frames whose end is missing without a gap in the numbers
	timed    int // switches whose timestamps were judged
	studio   *studio
	begun    bool
	last     entry
	numbered codecs.VP8Packet // of last
}

// judgeSeams judges the packets of a picture.
func (r *run) judgeSeams(s *studio, packets []entry) {
	j := &seamJudge{run: r, studio: s}
	for _, e := range packets {
		j.take(e)
	}
	if j.cut > 1 && j.cut > j.seams/2 { // now and then the rest of a frame comes too late
		r.lesserf(Should, "%d frames are cut off in %d switches", j.cut, j.seams)
	}
	r.notef("%d switches, the time of %d judged", j.seams, j.timed)
}

// take judges the next packet against the last.
func (j *seamJudge) take(e entry) {
	if !e.marked {
		return // padding
	}
	numbered, ok := pictureOf(e.payload)
	if !ok {
		j.run.failOnce("a packet is no VP8")
	}
	if j.begun {
		j.compare(e, numbered)
	}
	j.begun, j.last, j.numbered = true, e, numbered
}

func (j *seamJudge) compare(e entry, numbered codecs.VP8Packet) {
	switched := e.mark.layer != j.last.mark.layer
	if e.SSRC != j.last.SSRC {
		j.run.failOnce("the SSRC changes")
	}
	step := e.SequenceNumber - j.last.SequenceNumber
	if step == 0 {
		if e.mark != j.last.mark {
			j.run.failOnce("two packets have one sequence number")
		}
		return
	}
	if switched {
		j.seams++
		j.seam(e, step)
	}
	if step != 1 {
		return // lost on the way, for all that is known here
	}
	if !switched && e.mark.frame == j.last.mark.frame {
		j.within(e, numbered)
		return
	}
	j.between(e, numbered)
}

// seam judges the first packet of another layer.
func (j *seamJudge) seam(e entry, step uint16) {
	if step != 1 {
		j.run.failOnce("at a switch the sequence number goes on by %d", step)
	}
	if !e.mark.key || e.mark.part != 0 {
		j.run.failOnce("a switch does not begin with a key frame")
	}
}

// within judges two packets of a frame.
func (j *seamJudge) within(e entry, numbered codecs.VP8Packet) {
	if e.Timestamp != j.last.Timestamp {
		j.run.failOnce("a frame has two timestamps")
	}
	if numbered.PictureID != j.numbered.PictureID {
		j.run.failOnce("a frame has two picture numbers")
	}
	if e.mark.part != j.last.mark.part+1 {
		j.run.failOnce("parts of a frame are missing without a gap in the numbers")
	}
}

// between judges the first packet of a frame against the frame before.
func (j *seamJudge) between(e entry, numbered codecs.VP8Packet) {
	if !j.last.Marker || j.last.mark.part+1 != j.last.mark.parts {
		j.cut++
	}
	if step := (numbered.PictureID - j.numbered.PictureID) & 0x7fff; numbered.I == 1 && j.numbered.I == 1 && step != 1 {
		j.run.failOnce("the picture number goes on by %d between two frames", step)
	}
	if step := numbered.TL0PICIDX - j.numbered.TL0PICIDX; numbered.L == 1 && j.numbered.L == 1 && step != 1 {
		j.run.failOnce("TL0PICIDX goes on by %d between two frames", step)
	}
	j.time(e)
}

// promptly is how soon a packet is here that was forwarded when it came.
const promptly = 30 * time.Millisecond

// prompt tells whether a packet was forwarded when it came. What a server kept for a while may be
// shown faster than it was captured.
func (j *seamJudge) prompt(e entry) bool {
	return e.at.Sub(j.sent(e)) < promptly
}

// time judges how far the timestamp goes on: as far as the moments of capture are apart, within a frame.
func (j *seamJudge) time(e entry) {
	ticks := int32(e.Timestamp - j.last.Timestamp)              //nolint:gosec // serial numbers
	truth := int32(e.mark.frame-j.last.mark.frame) * frameTicks //nolint:gosec // serial numbers
	if ticks <= 0 {
		j.run.failOnce("a timestamp does not go forward")
	}
	if !j.prompt(e) || !j.prompt(j.last) {
		return
	}
	if e.mark.layer != j.last.mark.layer {
		j.timed++
	}
	// Without reports the server has the moments of arrival, which a busy machine moves.
	apart := int32(j.sent(e).Sub(j.sent(j.last)) * videoClock / time.Second) //nolint:gosec // seconds at most
	if ticks < min(truth, apart)-frameTicks || ticks > max(truth, apart)+frameTicks {
		j.run.failOnce("a timestamp goes on by %d ms where the frames are %d ms apart", ticks/90, truth/90)
	}
}

func (j *seamJudge) sent(e entry) time.Time { return j.studio.layers[e.mark.layer].sentAt(e.mark) }
