package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/headgate/headgate/internal/dial"
	"github.com/headgate/headgate/internal/push"
)

type pushCommand struct {
	WHIP       string `name:"whip" required:"" placeholder:"URL" help:"WHIP endpoint to publish to."`
	bearer     `embed:""`
	Video      string `type:"existingfile" placeholder:"FILE" help:"IVF (VP8, VP9, AV1) or Annex-B H.264 or H.265: a file, a FIFO, or - for standard input. Without any input: a short built-in clip."`
	Audio      string `type:"existingfile" placeholder:"FILE" help:"Ogg Opus: a file, a FIFO, or - for standard input."`
	Format     string `enum:",h264,h265,ivf,ogg" default:"" placeholder:"FORMAT" help:"What comes through standard input (h264, h265, ivf, ogg); told by its first bytes otherwise."`
	FPS        int    `name:"fps" placeholder:"N" help:"Frames a second of Annex B; otherwise what an H.264 stream says, or 30."`
	Once       bool   `help:"Stop at the end of files instead of starting again. Pipes end by themselves."`
	RTPVideo   string `name:"rtp-video" placeholder:"[HOST:]PORT" help:"Take plain RTP at this UDP port of this machine; of another address of it only if that is named."`
	VideoCodec string `enum:"h264,h265,vp8,vp9,av1" default:"h264" help:"The codec that comes to --rtp-video (${enum})."`
	RTPAudio   string `name:"rtp-audio" placeholder:"[HOST:]PORT" help:"The same for sound."`
	AudioCodec string `enum:"opus,pcmu,pcma,g722" default:"opus" help:"The codec that comes to --rtp-audio (${enum})."`
	SDP        string `name:"sdp" type:"existingfile" placeholder:"FILE" help:"Take plain RTP as this session description says; ffmpeg writes it with -sdp_file."`
	Reconnect  bool   `help:"Try again, after 1, 2, 4 … 30 s, when the server or the network goes away."`
	Input      string `arg:"" optional:"" type:"existingfile" placeholder:"FILE" help:"The same as --video or --audio, whichever it turns out to be; - is standard input."`
}

// Help is shown behind the flags.
func (pushCommand) Help() string {
	return `Examples:

  headgate push --whip http://localhost:8080/whip/live
  headgate push --whip URL --video film.ivf --audio film.ogg
  ffmpeg -re -i film.mp4 -an -c:v libx264 -bf 0 -f h264 - | headgate push --whip URL -
  headgate push --whip URL --rtp-video 5004 --rtp-audio 5006 --reconnect
  headgate push --whip URL --sdp stream.sdp

The media passes as it is: H.264 wants no B-frames, and key frames every second or two, because nobody can ask an encoder behind a pipe or a port for one.`
}

// Validate refuses what cannot be meant; kong calls it.
func (c *pushCommand) Validate() error {
	files := c.Video != "" || c.Audio != "" || c.Input != ""
	ports := c.RTPVideo != "" || c.RTPAudio != ""
	stdin := 0
	for _, name := range []string{c.Video, c.Audio, c.Input} {
		if name == "-" {
			stdin++
		}
	}
	switch {
	case files && (ports || c.SDP != "") || ports && c.SDP != "":
		return errors.New("give files, or --rtp-video and --rtp-audio, or --sdp, but not more than one of these")
	case stdin > 1:
		return errors.New("standard input holds one stream: give the other as a file or FIFO")
	case c.Format != "" && stdin == 0:
		return errors.New("--format is for standard input")
	case c.FPS < 0:
		return errors.New("--fps must be more than 0")
	}
	return errors.Join(validEndpoint("--whip", c.WHIP), c.bearer.Validate())
}

func (c *pushCommand) Run(ctx context.Context, con *console) error {
	token, err := c.token(con, envPushToken)
	if err != nil {
		return err
	}
	inputs := &pushInputs{con: con, command: c}
	defer inputs.close()
	feeds, err := inputs.open()
	if err != nil {
		return err
	}
	line := &statusLine{out: con.stderr, enabled: con.progress}
	opt := push.Options{
		Options: dial.Options{URL: c.WHIP, Token: token, UserAgent: "headgate-push/" + versionText()},
		Feeds:   feeds, Reconnect: c.Reconnect,
		Notify: line.say,
		Connected: func(after time.Duration) {
			line.clear()
			fmt.Fprintf(con.stdout, "connected %v after the POST; publishing until interrupted\n", after.Round(time.Millisecond))
		},
	}
	if con.progress {
		var last push.Summary
		opt.Progress = func(s push.Summary) {
			line.show(pushProgress(s, last))
			last = s
		}
	}
	s, err := push.Run(ctx, opt)
	line.clear()
	if s.ConnectedAfter > 0 {
		fmt.Fprintln(con.stdout, pushSummary(s))
	}
	return err
}

// pushProgress is the line of a second.
func pushProgress(s, last push.Summary) string {
	seconds := max(s.Lasted-last.Lasted, time.Millisecond).Seconds()
	text := fmt.Sprintf("%v  %s  %d frames", s.Lasted.Round(time.Second), bitRate(float64(s.Bytes-last.Bytes)*8/seconds), s.VideoFrames)
	if s.AudioPackets > 0 {
		text += fmt.Sprintf("  %d audio packets", s.AudioPackets)
	}
	if s.RTT > 0 {
		text += fmt.Sprintf("  RTT %v  loss %.1f%%", s.RTT.Round(time.Millisecond), s.Loss*100)
	}
	return text
}

func pushSummary(s push.Summary) string {
	text := fmt.Sprintf("sent %d frames and %d audio packets, %d bytes, in %v", s.VideoFrames, s.AudioPackets, s.Bytes, s.Lasted.Round(time.Millisecond))
	var more []string
	if s.Lasted > time.Second {
		more = append(more, bitRate(float64(s.Bytes)*8/s.Lasted.Seconds()))
	}
	if s.RTT > 0 {
		more = append(more, fmt.Sprintf("RTT %v, loss %.1f%%", s.RTT.Round(time.Millisecond), s.Loss*100))
	}
	if s.KeyFrameRequests > 0 {
		more = append(more, fmt.Sprintf("%d key frames asked for", s.KeyFrameRequests))
	}
	if s.Connections > 1 {
		more = append(more, fmt.Sprintf("%d connections", s.Connections))
	}
	if len(more) > 0 {
		text += "; " + strings.Join(more, "; ")
	}
	return text
}

// readSDP reads the file of --sdp.
func readSDP(name string) ([]push.RTPOptions, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	ports, err := push.ParseSDP(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return ports, nil
}
