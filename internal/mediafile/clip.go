package mediafile

import (
	"bytes"
	_ "embed"
)

// The clip is made by scripts/make-clip.sh.
var (
	//go:embed clip.h264
	clipVideo []byte
	//go:embed clip.ogg
	clipAudio []byte
)

// Clip opens the embedded clip: constrained baseline H.264 with a key frame
// every second, and stereo Opus of the same length.
func Clip() (video, audio Reader, err error) {
	if video, err = Open(bytes.NewReader(clipVideo), 0); err != nil {
		return nil, nil, err
	}
	audio, err = Open(bytes.NewReader(clipAudio), 0)
	return video, audio, err
}
