package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/headgate/headgate/internal/dial"
	"github.com/headgate/headgate/internal/pull"
)

const envPullToken = "HEADGATE_PULL_TOKEN"

type pullCommand struct {
	WHEP      string `name:"whep" required:"" placeholder:"URL" help:"WHEP endpoint to play from."`
	bearer    `embed:""`
	Video     string        `placeholder:"FILE" help:"Write video to this file; the ending says what is asked for: .h264, .h265, or .ivf for VP8, VP9 and AV1. - is standard output, with whatever codec comes. What the file held is lost."`
	Audio     string        `placeholder:"FILE" help:"Write sound (Opus) to this file, .ogg; - is standard output."`
	Out       string        `placeholder:"PREFIX" help:"Write both to files that begin so; the codecs give the endings."`
	RTPVideo  string        `name:"rtp-video" placeholder:"HOST:PORT" help:"Send video there as plain RTP."`
	RTPAudio  string        `name:"rtp-audio" placeholder:"HOST:PORT" help:"Send sound there as plain RTP."`
	SDP       string        `name:"sdp" placeholder:"FILE" help:"Write the session description that ffmpeg, ffplay and GStreamer need for plain RTP."`
	Duration  time.Duration `placeholder:"TIME" help:"End this long after the first frame, for example 10s."`
	Reconnect bool          `help:"Try again, after 1, 2, 4 … 30 s, when the server or the network goes away or nobody publishes. Files go on where they were; another codec begins a new one."`
}

// Help is shown behind the flags.
func (pullCommand) Help() string {
	return `Examples:

  headgate pull --whep http://localhost:8080/whep/live --out recording
  headgate pull --whep URL --video film.h264 --audio film.ogg --duration 1m
  headgate pull --whep URL --video - | ffplay -
  headgate pull --whep URL --rtp-video 127.0.0.1:5004 --rtp-audio 127.0.0.1:5006 --sdp live.sdp --reconnect

Media is written as it comes. Packets that are missing are asked for again; pictures that cannot be decoded are left out, until the next key frame, which is asked for.`
}

// Validate refuses what cannot be meant; kong calls it.
func (c *pullCommand) Validate() error {
	files, ports := c.Video != "" || c.Audio != "", c.RTPVideo != "" || c.RTPAudio != ""
	ways := 0
	for _, way := range []bool{files, c.Out != "", ports} {
		if way {
			ways++
		}
	}
	switch {
	case ways == 0:
		return errors.New("say where it goes: --video, --audio, --out, --rtp-video or --rtp-audio")
	case ways > 1:
		return errors.New("give files (--video, --audio), or --out, or ports (--rtp-video, --rtp-audio), but not more than one of these")
	case c.Video == "-" && c.Audio == "-":
		return errors.New("standard output holds one stream")
	case c.SDP != "" && !ports:
		return errors.New("--sdp describes --rtp-video and --rtp-audio")
	case c.Duration < 0:
		return errors.New("--duration must be more than 0")
	}
	return errors.Join(validEndpoint("--whep", c.WHEP), c.bearer.Validate())
}

func (c *pullCommand) Run(ctx context.Context, con *console) error {
	token, err := c.token(con, envPullToken)
	if err != nil {
		return err
	}
	line := &statusLine{out: con.stderr, enabled: con.progress}
	opt := pull.Options{
		Options:  dial.Options{URL: c.WHEP, Token: token, UserAgent: "headgate-pull/" + versionText()},
		Duration: c.Duration, Reconnect: c.Reconnect, Notify: line.say,
		Connected: func(after time.Duration) {
			line.say(fmt.Sprintf("connected %v after the POST", after.Round(time.Millisecond)))
		},
	}
	if opt.Video, opt.Audio, err = c.outlets(con, line.say); err != nil {
		return err
	}
	if con.progress {
		var last pull.Summary
		opt.Progress = func(s pull.Summary) {
			line.show(fmt.Sprintf("%v  %s  %d frames  %d audio packets  %d lost", s.Lasted.Round(time.Second),
				bitRate(float64(s.Bytes-last.Bytes)*8), s.Frames, s.AudioPackets, s.Lost))
			last = s
		}
	}
	s, err := pull.Run(ctx, opt)
	if s.Connections > 0 {
		line.say(pullSummary(s))
	}
	return err
}

// outlets are where video and audio go; nil is not asked for. Standard output holds
// nothing but media.
func (c *pullCommand) outlets(con *console, notify func(string)) (video, audio pull.Outlet, err error) {
	if c.Out != "" {
		video, audio = pull.Prefixed(c.Out, notify)
		return video, audio, nil
	}
	forward := pull.NewForward(c.SDP, notify)
	var errs []error
	open := func(name string, make func() (pull.Outlet, error), target *pull.Outlet) {
		if name == "" {
			return
		}
		o, err := make()
		if err != nil {
			errs = append(errs, err)
			return
		}
		*target = o
	}
	open(c.Video, func() (pull.Outlet, error) { return pull.VideoFile(c.Video, con.stdout, notify) }, &video)
	open(c.Audio, func() (pull.Outlet, error) { return pull.AudioFile(c.Audio, con.stdout, notify) }, &audio)
	open(c.RTPVideo, func() (pull.Outlet, error) { return forward.Video(c.RTPVideo) }, &video)
	open(c.RTPAudio, func() (pull.Outlet, error) { return forward.Audio(c.RTPAudio) }, &audio)
	return video, audio, errors.Join(errs...)
}

func pullSummary(s pull.Summary) string {
	parts := []string{fmt.Sprintf("received %d frames (%d key frames) and %d audio packets in %v", s.Frames, s.KeyFrames, s.AudioPackets, s.Lasted.Round(time.Millisecond))}
	if s.Lasted > time.Second {
		parts = append(parts, bitRate(float64(s.Bytes)*8/s.Lasted.Seconds()))
	}
	parts = append(parts, fmt.Sprintf("%d packets, %d lost, %d repaired", s.Packets, s.Lost, s.Repaired))
	if s.Dropped > 0 {
		parts = append(parts, fmt.Sprintf("%d pictures left out", s.Dropped))
	}
	if s.FirstPicture > 0 {
		parts = append(parts, fmt.Sprintf("first picture after %v", s.FirstPicture.Round(time.Millisecond)))
	}
	if s.Connections > 1 {
		parts = append(parts, fmt.Sprintf("%d connections", s.Connections))
	}
	return strings.Join(parts, "; ")
}
