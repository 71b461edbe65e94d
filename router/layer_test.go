package router

import (
	"testing"
	"time"
)

func ladder(t *testing.T, sizes map[string]string) *intake {
	i := newIntake(t, simulcast)
	for n, rid := range []string{"0", "1", "2"} {
		w := on(vp8(0, 0, true), uint32(n+10), midRID("v", rid))
		if size := sizes[rid]; size != "" {
			w.payload = append(w.payload[:7:7], fromHex(t, size)...)
		} else {
			w.payload = vp8Payload(true, false)
		}
		i.send(w)
	}
	return i
}

func ridsOf(layers []*Layer) (rids string) {
	for _, l := range layers {
		rids += l.RID()
	}
	return rids
}

const qvga, vga, hd = "4001f000", "8002e001", "0005d002" // 320x240, 640x480, 1280x720

func TestLayersAreSortedBySize(t *testing.T) {
	for name, c := range map[string]struct {
		sizes map[string]string
		want  string
	}{
		"lowest first":       {map[string]string{"0": qvga, "1": vga, "2": hd}, "012"},
		"highest first":      {map[string]string{"0": hd, "1": vga, "2": qvga}, "210"},
		"mixed":              {map[string]string{"0": vga, "1": hd, "2": qvga}, "201"},
		"unknown: declared":  {nil, "012"},
		"all of one size":    {map[string]string{"0": hd, "1": hd, "2": hd}, "012"},
		"one not known, yet": {map[string]string{"0": hd, "2": qvga}, "012"},
	} {
		t.Run(name, func(t *testing.T) {
			i := ladder(t, c.sizes)
			if got := ridsOf(i.video.Layers()); got != c.want {
				t.Errorf("%s at once, want %s", got, c.want)
			}
			i.pass(time.Second)
			if got := ridsOf(i.video.Layers()); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}

// Where sizes do not tell, bit rates do, if they are clearly different.
func TestLayersAreSortedByBitrate(t *testing.T) {
	for name, c := range map[string]struct {
		bytes [3]int
		want  string
	}{
		"highest first":  {[3]int{900, 400, 100}, "210"},
		"middle highest": {[3]int{100, 900, 400}, "021"},
		"nearly equal":   {[3]int{120, 110, 100}, "012"},
	} {
		t.Run(name, func(t *testing.T) {
			i := ladder(t, nil)
			for n := range uint16(100) {
				for ssrc, size := range c.bytes {
					w := on(vp8(n+1, uint32(n)*900, false), uint32(ssrc+10), nil)
					w.payload = append(w.payload, make([]byte, size)...)
					i.send(w)
				}
				i.pass(10 * ms)
			}
			if got := ridsOf(i.video.Layers()); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}

// M-050: about a second's rate, 0 when nothing came for a second.
func TestBitrate(t *testing.T) {
	i := newIntake(t, nil)
	send := func(n int, size int, every time.Duration) {
		for range n {
			w := vp8(uint16(i.in.Stats().Packets), uint32(i.in.Stats().Packets)*intakeFrame, false)
			w.payload = append(w.payload, make([]byte, size-len(w.payload))...)
			i.send(w)
			i.pass(every)
		}
	}
	within := func(got, want int) {
		t.Helper()
		if got < want*9/10 || got > want*11/10 {
			t.Errorf("%d bit/s, want about %d", got, want)
		}
	}
	send(30, 1000, 10*ms)
	l := i.theLayer(i.video)
	within(l.Bitrate(i.now), 800_000)
	send(150, 1000, 10*ms)
	within(l.Bitrate(i.now), 800_000)
	send(115, 100, 10*ms)
	within(l.Bitrate(i.now), 80_000)
	i.pass(activeFor)
	if got := l.Bitrate(i.now); got != 0 {
		t.Errorf("%d bit/s after a second of silence", got)
	}
	i.pass(5 * time.Second)
	send(25, 1000, 20*ms)
	within(l.Bitrate(i.now), 400_000)
}

func TestLayerSizeFollowsTheStream(t *testing.T) {
	i := newIntake(t, nil)
	i.send(vp8(1, 0, true))
	w := vp8(2, intakeFrame, true)
	w.payload = append(w.payload[:7:7], fromHex(t, hd)...)
	i.send(w)
	if x, y := i.theLayer(i.video).Size(); x != 1280 || y != 720 {
		t.Errorf("%dx%d", x, y)
	}
}
