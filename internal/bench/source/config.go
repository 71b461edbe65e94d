package source

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/headgate/headgate/internal/bench/stamp"
	"github.com/headgate/headgate/internal/mediafile"
)

// Config says what a Publisher sends and how. Start from DefaultConfig.
type Config struct {
	// BitsPerSecond is the mean of the video, of the highest layer if there are
	// several.
	BitsPerSecond int `json:"bits_per_second"`
	// FramesPerSecond of the video, 1 to 240.
	FramesPerSecond int `json:"frames_per_second"`
	// GOP is the time between two key frames that nobody asked for.
	GOP time.Duration `json:"-"`
	// MinKeyInterval is the shortest time between a key frame and one that was
	// asked for; libwebrtc keeps 300 ms.
	MinKeyInterval time.Duration `json:"-"`
	// Deaf offers no requests for key frames and obeys none, as OBS and ffmpeg.
	Deaf bool `json:"deaf"`
	// Pacing and Split say how the packets of a frame are sent and cut.
	Pacing Pacing `json:"pacing"`
	Split  Split  `json:"split"`
	// Simulcast sends three layers: the whole picture at BitsPerSecond, half and a
	// quarter of its width at less.
	Simulcast bool `json:"simulcast"`
	// Audio adds a track of Opus, 20 ms a packet.
	Audio bool `json:"audio"`
	// Identity is the number, 1 to stamp.MaxSource, by which viewers tell this publisher
	// from others; 0 is none.
	Identity int `json:"-"`
	// Level is asked for each packet of sound how loud it is, in -dBov (RFC 6464), and
	// told where the server takes that; nil tells nothing.
	Level func(now time.Time) uint8 `json:"-"`
	// Video opens a file of H.264 to send instead of the synthetic picture, again
	// and again. Each publisher opens its own.
	Video func() (mediafile.Reader, error) `json:"-"`

	// Films open three files of H.264, or of VP8, lowest layer first, to send as
	// simulcast instead of invented layers, each in a loop. A file must begin with a
	// key frame; when one is asked for, the layer begins anew. Frames of VP8 carry no
	// stamps.
	Films []func() (mediafile.Reader, error) `json:"-"`

	// HTTP does the requests; nil means http.DefaultClient.
	HTTP *http.Client `json:"-"`
	// UserAgent is told to the server.
	UserAgent string `json:"-"`
}

// MaxIdentity is the greatest Config.Identity.
const MaxIdentity = stamp.MaxSource

// DefaultConfig is 2.5 Mbit/s at 30 frames a second with sound, as a camera in a
// browser.
func DefaultConfig() Config {
	return Config{
		BitsPerSecond: 2_500_000, FramesPerSecond: 30, GOP: 2 * time.Second, MinKeyInterval: 300 * time.Millisecond, Audio: true,
	}
}

// leastFrameBytes is a frame of one small packet.
const leastFrameBytes = 100

// Validate reports every bad field.
func (c Config) Validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if c.FramesPerSecond < 1 || c.FramesPerSecond > 240 {
		bad("fps must be 1 to 240, got %d", c.FramesPerSecond)
	} else if least := c.FramesPerSecond * leastFrameBytes * 8; c.BitsPerSecond < least || c.BitsPerSecond > 1_000_000_000 {
		bad("bitrate must be %d to 1000000000 bit/s at %d frames a second, got %d", least, c.FramesPerSecond, c.BitsPerSecond)
	}
	if c.GOP < 10*time.Millisecond {
		bad("gop must be at least 10ms, got %v", c.GOP)
	}
	if c.MinKeyInterval < 0 {
		bad("min-key-interval must not be negative, got %v", c.MinKeyInterval)
	}
	if c.Identity < 0 || c.Identity > stamp.MaxSource {
		bad("the identity must be 0 to %d, got %d", stamp.MaxSource, c.Identity)
	}
	if c.Simulcast && c.Video != nil {
		bad("simulcast is synthetic: give no video file")
	}
	if len(c.Films) > 0 && (c.Video != nil || c.Simulcast || len(c.Films) != len(RIDs())) {
		bad("simulcast of files wants %d of them, and nothing else to send", len(RIDs()))
	}
	return errors.Join(errs...)
}

// layered tells whether there are several layers.
func (c Config) layered() bool { return c.Simulcast || len(c.Films) > 0 }

// period is the number of frames from one key frame to the next.
func (c Config) period() int {
	return max(1, int(c.GOP*time.Duration(c.FramesPerSecond)/time.Second))
}

// Pacing is the share of the time of a frame over which its packets are spread:
// 0 sends them at once, 1 spreads them over the whole time. Its text is "none" or
// "frame:0.5".
type Pacing float64

// MarshalText writes "none" or "frame:" and the share.
func (p Pacing) MarshalText() ([]byte, error) {
	if p == 0 {
		return []byte("none"), nil
	}
	return []byte("frame:" + strconv.FormatFloat(float64(p), 'f', -1, 64)), nil
}

// UnmarshalText reads what MarshalText writes.
func (p *Pacing) UnmarshalText(text []byte) error {
	if string(text) == "none" {
		*p = 0
		return nil
	}
	share, ok := strings.CutPrefix(string(text), "frame:")
	v, err := strconv.ParseFloat(share, 64)
	if !ok || err != nil || math.IsNaN(v) || v < 0 || v > 1 {
		return fmt.Errorf("pacing is \"none\" or \"frame:SHARE\" with a share of 0 to 1, not %q", text)
	}
	*p = Pacing(v)
	return nil
}

// Split is how a frame is cut into packets.
type Split int

// The ways to cut.
const (
	// SplitFull makes full packets and one with the rest, as most encoders.
	SplitFull Split = iota
	// SplitEqual makes packets of nearly one size, as libwebrtc.
	SplitEqual
)

// MarshalText writes "full" or "equal".
func (s Split) MarshalText() ([]byte, error) {
	if s == SplitEqual {
		return []byte("equal"), nil
	}
	return []byte("full"), nil
}

// UnmarshalText reads what MarshalText writes.
func (s *Split) UnmarshalText(text []byte) error {
	switch string(text) {
	case "full":
		*s = SplitFull
	case "equal":
		*s = SplitEqual
	default:
		return fmt.Errorf("split is \"full\" or \"equal\", not %q", text)
	}
	return nil
}
