package call

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/opus"
	"github.com/pion/rtp"

	"github.com/headgate/headgate/internal/mediafile"
	"github.com/headgate/headgate/router"
)

// opusFiles are the files of testdata by name: something like a voice for 0.4 s, then
// silence.
func opusFiles(t testing.TB) map[string][]mediafile.Sample {
	t.Helper()
	names, err := filepath.Glob("testdata/*.ogg")
	if err != nil || len(names) == 0 {
		t.Fatal("no files", err)
	}
	files := make(map[string][]mediafile.Sample)
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		r, err := mediafile.Open(bytes.NewReader(b), 0)
		if err != nil {
			t.Fatal(err)
		}
		for {
			sample, err := r.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			files[strings.TrimSuffix(filepath.Base(name), ".ogg")] = append(files[strings.TrimSuffix(filepath.Base(name), ".ogg")], sample)
		}
	}
	return files
}

// microphone is a publisher's track of sound with its way in.
type microphone struct {
	track *router.Track
	in    *router.Ingest
	seq   uint16
	at    uint32
	now   func() time.Time
}

const microphoneLevel = 5

func newMicrophone(t testing.TB) *microphone {
	return microphoneOf(t, router.NewTrack(router.Audio, nil))
}

func microphoneOf(t testing.TB, track *router.Track) *microphone {
	m := &microphone{track: track, now: time.Now}
	m.in = router.NewIngest(router.IngestConfig{Sections: []router.IngestSection{{
		Mid: "0", Track: m.track, SSRCs: []router.DeclaredSSRC{{Media: 1}},
		Extensions:   router.Extensions{router.ExtAudioLevel: microphoneLevel},
		PayloadTypes: []router.PayloadType{{Number: 111, Codec: router.Codec{Name: router.Opus, ClockRate: 48000, Channels: 2}}},
	}}})
	t.Cleanup(m.in.Close)
	return m
}

// send sends a packet of Opus, with the value of an audio-level extension if there is one.
func (m *microphone) send(t testing.TB, payload []byte, lasts time.Duration, level ...byte) {
	t.Helper()
	p := rtp.Packet{Header: rtp.Header{Version: 2, PayloadType: 111, SequenceNumber: m.seq, Timestamp: m.at, SSRC: 1}, Payload: payload}
	if level != nil {
		if err := p.SetExtension(microphoneLevel, level); err != nil {
			t.Fatal(err)
		}
	}
	b, err := p.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	m.seq++
	m.at += uint32(lasts * 48000 / time.Second)
	m.in.RTP(m.now(), b)
}

// measuring runs a test in fake time with a measurer that works.
func measuring(t *testing.T, f func(t *testing.T, m *measurer)) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		m := newMeasurer(time.Now)
		go m.run(ctx)
		f(t, m)
		m.keep(nil)
	})
}

// TestMeasureEveryMode: whatever mode Opus is in, voices are loud and silence is not.
func TestMeasureEveryMode(t *testing.T) {
	for name, file := range opusFiles(t) {
		t.Run(name, func(t *testing.T) {
			measuring(t, func(t *testing.T, m *measurer) {
				mic, at := newMicrophone(t), time.Duration(0)
				m.keep([]*router.Track{mic.track})
				for _, sample := range file {
					time.Sleep(sample.Duration)
					at += sample.Duration
					mic.send(t, sample.Data, sample.Duration)
					synctest.Wait()
					level, known := m.level(time.Now(), mic.track)
					voice, silence := at >= 100*time.Millisecond && at < 400*time.Millisecond, at > 700*time.Millisecond
					if !known || voice && (level < 12 || level > 40) || silence && level < 65 {
						t.Errorf("level %d, %v at %v", level, known, at)
					}
				}
				if _, known := m.level(time.Now().Add(time.Second), mic.track); known {
					t.Error("known a second later")
				}
				if got := m.decoded.Load(); got != uint64(len(file)) {
					t.Errorf("%d of %d packets decoded", got, len(file))
				}
			})
		})
	}
}

// TestFilesHaveEveryMode: SILK, hybrid and CELT, mono and stereo (RFC 6716 section 3.1).
func TestFilesHaveEveryMode(t *testing.T) {
	seen := make(map[string]bool)
	for _, file := range opusFiles(t) {
		for _, sample := range file {
			mode := "celt"
			if config := sample.Data[0] >> 3; config < 12 {
				mode = "silk"
			} else if config < 16 {
				mode = "hybrid"
			}
			seen[fmt.Sprint(mode, " stereo:", sample.Data[0]&4 != 0)] = true
		}
	}
	for _, want := range []string{"silk", "hybrid", "celt"} {
		if !seen[want+" stereo:true"] || !seen[want+" stereo:false"] {
			t.Errorf("no %s: %v", want, seen)
		}
	}
}

// TestLevelIsThatOfTheSamples: against sound of a known level.
func TestLevelIsThatOfTheSamples(t *testing.T) {
	square := func(v float32) []float32 { return slices.Repeat([]float32{v, -v}, 80) }
	nan := float32(0)
	nan /= nan
	for _, c := range []struct {
		samples []float32
		want    uint8
	}{
		{square(1), 0}, {square(0.1), 20}, {square(0.001), 60}, {square(0), 127}, {square(1e-9), 127}, {square(4), 0}, {square(nan), 127},
	} {
		if got := levelOf(c.samples); got != c.want {
			t.Errorf("%v: %d, want %d", c.samples[0], got, c.want)
		}
	}
}

// TestSilenceIsNotDecoded: packets without content, as encoders send now and then.
func TestSilenceIsNotDecoded(t *testing.T) {
	measuring(t, func(t *testing.T, m *measurer) {
		mic := newMicrophone(t)
		m.keep([]*router.Track{mic.track})
		for range 3 {
			mic.send(t, []byte{0x78}, 400*time.Millisecond)
			time.Sleep(400 * time.Millisecond)
			if level, known := m.level(time.Now(), mic.track); level != silentLevel || !known {
				t.Errorf("%d, %v", level, known)
			}
		}
		if g := m.gauges[mic.track]; g.decoder != nil {
			t.Error("a decoder for nothing")
		}
	})
}

// TestLevelsThatAreToldAreNotMeasured, nor is what is kept no longer.
func TestLevelsThatAreToldAreNotMeasured(t *testing.T) {
	voice := opusFiles(t)["celt-fb-mono"][5].Data
	measuring(t, func(t *testing.T, m *measurer) {
		mic := newMicrophone(t)
		m.keep([]*router.Track{mic.track})
		mic.send(t, voice, 0, 30)
		synctest.Wait()
		if _, known := m.level(time.Now(), mic.track); known || m.decoded.Load() > 0 {
			t.Error("decoded")
		}
		mic.send(t, voice, 0)
		synctest.Wait()
		if _, known := m.level(time.Now(), mic.track); !known {
			t.Error("not decoded")
		}
		m.keep(nil)
		mic.send(t, voice, 0)
		synctest.Wait()
		if _, known := m.level(time.Now(), mic.track); known || m.decoded.Load() != 1 {
			t.Error("decoded, though nobody wants to know")
		}
	})
}

// TestMeasuringHoldsNobodyUp: without time for it, packets are left out.
func TestMeasuringHoldsNobodyUp(t *testing.T) {
	m, mic := newMeasurer(time.Now), newMicrophone(t)
	m.keep([]*router.Track{mic.track})
	for range 3 * measureQueue {
		mic.send(t, []byte{0xf8, 1, 2, 3}, 20*time.Millisecond)
	}
	m.keep(nil)
	if got := m.left.Load(); got != 2*measureQueue {
		t.Errorf("%d left out", got)
	}
}

// TestManyVoicesAreMeasuredNowAndThen: of 25, every third packet.
func TestManyVoicesAreMeasuredNowAndThen(t *testing.T) {
	voice := opusFiles(t)["silk-nb-mono"][5].Data
	measuring(t, func(t *testing.T, m *measurer) {
		var mics []*microphone
		var tracks []*router.Track
		for range 25 {
			mic := newMicrophone(t)
			mics, tracks = append(mics, mic), append(tracks, mic.track)
		}
		m.keep(tracks)
		for range 30 {
			time.Sleep(20 * time.Millisecond)
			for _, mic := range mics {
				mic.send(t, voice, 20*time.Millisecond)
			}
			synctest.Wait()
		}
		if got := m.decoded.Load(); got != 25*10 {
			t.Errorf("%d decoded", got)
		}
		for i, track := range tracks {
			if level, known := m.level(time.Now(), track); !known || level > 60 {
				t.Errorf("voice %d: %d, %v", i, level, known)
			}
		}
	})
}

// TestMeasuringHasAShareOfTheProcessor: a decoder that takes 5 ms for each packet.
func TestMeasuringHasAShareOfTheProcessor(t *testing.T) {
	now := talkStart
	m := newMeasurer(func() time.Time { return now })
	spent := time.Duration(0)
	for end := now.Add(10 * time.Second); now.Before(end); now = now.Add(time.Millisecond) {
		if m.budget.open(now) {
			now = now.Add(5 * time.Millisecond)
			m.budget.spend(5 * time.Millisecond)
			spent += 5 * time.Millisecond
		}
	}
	if spent < 900*time.Millisecond || spent > 1200*time.Millisecond {
		t.Errorf("%v of 10 s", spent)
	}
}

// TestADecoderThatPanicsIsGivenUp: a nil one does.
func TestADecoderThatPanicsIsGivenUp(t *testing.T) {
	g := &gauge{samples: make([]float32, longestOpus)}
	if _, ok := g.samplesOf([]byte{0xf8, 1, 2, 3}); ok {
		t.Error("no decoder decodes")
	}
	voice := opusFiles(t)["celt-fb-mono"][5].Data
	g.decode(&router.Packet{Payload: voice, Arrival: g.born})
	if level, known := g.meter.Level(0); !known || level > 60 {
		t.Errorf("the next decoder: %d, %v", level, known)
	}
}

// FuzzOpus decodes what strangers may send, without a recover. Two packets, because a
// decoder remembers the last one.
func FuzzOpus(f *testing.F) {
	for _, file := range opusFiles(f) {
		for i, sample := range file {
			if i%8 == 3 {
				f.Add(sample.Data, file[0].Data)
			}
		}
	}
	f.Fuzz(func(t *testing.T, first, second []byte) {
		d, err := opus.NewDecoderWithOutput(measureRate, 1)
		if err != nil {
			t.Fatal(err)
		}
		out := make([]float32, longestOpus)
		for _, payload := range [][]byte{first, second, first} {
			if n, err := d.DecodeToFloat32(payload, out); err == nil && n > 0 {
				_ = levelOf(out[:n])
			}
		}
	})
}

func BenchmarkMeasure(b *testing.B) {
	for name, file := range opusFiles(b) {
		var voice []*router.Packet
		for at := time.Duration(0); at < 400*time.Millisecond; file = file[1:] {
			voice = append(voice, &router.Packet{Payload: file[0].Data})
			at += file[0].Duration
		}
		b.Run(name, func(b *testing.B) {
			g := &gauge{}
			b.ReportAllocs()
			for n := 0; b.Loop(); n++ {
				g.decode(voice[n%len(voice)])
			}
		})
	}
}
