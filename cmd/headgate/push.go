package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/headgate/headgate/internal/mediafile"
	"github.com/headgate/headgate/internal/push"
)

type pushCommand struct {
	WHIP  string `name:"whip" required:"" placeholder:"URL" help:"WHIP endpoint to publish to."`
	Token string `placeholder:"TOKEN" help:"Bearer token; also HEADGATE_PUSH_TOKEN, which other users of the machine cannot see."`
	Video string `type:"existingfile" placeholder:"FILE" help:"IVF (VP8, VP9, AV1) or Annex-B H.264; default: a short built-in clip."`
	Audio string `type:"existingfile" placeholder:"FILE" help:"Ogg Opus."`
	FPS   int    `name:"fps" default:"30" help:"Frames a second of an H.264 file, which does not say."`
	Once  bool   `help:"Stop at the end instead of starting again."`
}

func (c *pushCommand) Run(ctx context.Context, con *console) error {
	if c.Token == "" {
		c.Token = con.env(envPushToken)
	}
	opt := push.Options{
		URL: c.WHIP, Token: c.Token, Loop: !c.Once, UserAgent: "headgate-push/" + versionText(),
		Connected: func(after time.Duration) {
			fmt.Fprintf(con.stdout, "connected %v after the POST; publishing until interrupted\n", after.Round(time.Millisecond))
		},
	}
	closeFiles, err := c.open(&opt)
	if err != nil {
		return err
	}
	defer closeFiles()
	s, err := push.Run(ctx, opt)
	if s.ConnectedAfter > 0 {
		fmt.Fprintf(con.stdout, "sent %d frames and %d audio packets, %d bytes, in %v\n",
			s.VideoFrames, s.AudioPackets, s.Bytes, s.Lasted.Round(time.Millisecond))
	}
	return err
}

// open opens what is named, or the clip when nothing is.
func (c *pushCommand) open(opt *push.Options) (closeAll func(), err error) {
	if c.Video == "" && c.Audio == "" {
		opt.Video, opt.Audio, err = mediafile.Clip()
		return func() {}, err
	}
	var files []*os.File
	closeAll = func() {
		for _, f := range files {
			_ = f.Close() // only read from
		}
	}
	open := func(name string, target *mediafile.Reader) error {
		if name == "" {
			return nil
		}
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		files = append(files, f)
		if *target, err = mediafile.Open(f, c.FPS); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		return nil
	}
	err = errors.Join(open(c.Video, &opt.Video), open(c.Audio, &opt.Audio))
	if err == nil && (opt.Video != nil && isAudio(opt.Video) || opt.Audio != nil && !isAudio(opt.Audio)) {
		err = errors.New("--video wants a video file and --audio an Ogg Opus file")
	}
	if err != nil {
		closeAll()
		return nil, err
	}
	return closeAll, nil
}

func isAudio(r mediafile.Reader) bool { return strings.HasPrefix(r.MimeType(), "audio/") }
