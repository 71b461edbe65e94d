package integration

import (
	"os/exec"
	"testing"
)

// ffmpegCommand is FFmpeg publishing a small test picture and a tone with more options, for rows that the example does not cover.
func ffmpegCommand(path, url string, sound string, options ...string) *exec.Cmd {
	arguments := []string{"-hide_banner", "-nostdin", "-nostats", "-loglevel", "level+verbose", "-re", "-f", "lavfi", "-i", "testsrc2=size=640x360:rate=30"}
	if sound != "" {
		arguments = append(arguments, "-re", "-f", "lavfi", "-i", sound, "-c:a", "libopus", "-ar", "48000", "-ac", "2", "-b:a", "96k")
	}
	arguments = append(arguments, "-c:v", "libx264", "-profile:v", "baseline", "-preset", "ultrafast", "-tune", "zerolatency", "-bf", "0", "-pix_fmt", "yuv420p", "-g", "30", "-b:v", "1000k")
	arguments = append(arguments, options...)
	return exec.Command(path, append(arguments, "-f", "whip", url)...)
}

// tone is a sound that both channels have.
const tone = "sine=frequency=440:sample_rate=48000"

// publishBriefly publishes one second without sound and ends with DELETE.
func publishBriefly(t *testing.T, url string) *program {
	t.Helper()
	return start(t, "ffmpeg", ffmpegCommand(need(t, ffmpeg), url, "", "-t", "1"))
}

// ffmpegAudioOnly is FFmpeg publishing a sound and no picture.
func ffmpegAudioOnly(path, url, sound string) *exec.Cmd {
	return exec.Command(path, "-hide_banner", "-nostdin", "-nostats", "-loglevel", "level+verbose", "-re", "-f", "lavfi", "-i", sound,
		"-c:a", "libopus", "-ar", "48000", "-ac", "2", "-b:a", "96k", "-f", "whip", url)
}
