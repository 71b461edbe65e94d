package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"

	"github.com/headgate/headgate/internal/mediafile"
	"github.com/headgate/headgate/internal/push"
)

// pushInputs opens what push is told to send.
type pushInputs struct {
	con     *console
	command *pushCommand
	closers []io.Closer
}

func (in *pushInputs) close() {
	for _, c := range in.closers {
		_ = c.Close() // only read from
	}
}

// input is one file or pipe that was opened.
type input struct {
	name string
	file io.ReadCloser
	pipe bool
	mediafile.Reader
}

func (in *pushInputs) open() ([]push.Feed, error) {
	c := in.command
	switch {
	case c.SDP != "":
		ports, err := readSDP(c.SDP)
		if err != nil {
			return nil, err
		}
		return in.listen(ports)
	case c.RTPVideo != "" || c.RTPAudio != "":
		return in.listen(c.ports())
	case c.Video == "" && c.Audio == "" && c.Input == "":
		video, audio, err := mediafile.Clip()
		if err != nil {
			return nil, err
		}
		clip, err := push.Files(video, audio, !c.Once)
		return []push.Feed{clip}, err
	}
	video, audio, err := in.openFiles()
	if err != nil {
		return nil, err
	}
	return in.feeds(video, audio)
}

// ports are those of --rtp-video and --rtp-audio, on loopback unless they name an
// address.
func (c *pushCommand) ports() (list []push.RTPOptions) {
	for _, p := range []struct{ address, kind, codec string }{{c.RTPVideo, "video", c.VideoCodec}, {c.RTPAudio, "audio", c.AudioCodec}} {
		if p.address == "" {
			continue
		}
		if !strings.Contains(p.address, ":") {
			p.address = net.JoinHostPort("127.0.0.1", p.address)
		}
		codec, _ := push.CodecOf(p.kind, p.codec) // the parser allows no others
		list = append(list, push.RTPOptions{Address: p.address, Codec: codec, PayloadType: -1})
	}
	return list
}

func (in *pushInputs) listen(ports []push.RTPOptions) (feeds []push.Feed, err error) {
	for _, p := range ports {
		feed, err := push.RTP(p)
		if err != nil {
			return nil, err
		}
		if c, ok := feed.(io.Closer); ok {
			in.closers = append(in.closers, c)
		}
		feeds = append(feeds, feed)
		_, _ = fmt.Fprintf(in.con.stderr, "waiting for RTP (%s) at %s\n", strings.ToLower(p.Codec.MimeType), p.Address)
	}
	return feeds, nil
}

// openFiles opens all before it reads any: an encoder that fills two FIFOs waits
// until both are open.
func (in *pushInputs) openFiles() (video, audio *input, err error) {
	var all []*input
	var errs []error
	for _, name := range []string{in.command.Video, in.command.Audio, in.command.Input} {
		i, err := in.openFile(name)
		all, errs = append(all, i), append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, nil, err
	}
	for n, i := range all {
		if i == nil {
			continue
		}
		if err := i.recognise(in.command); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", i.name, err))
			continue
		}
		isAudio := strings.HasPrefix(i.MimeType(), "audio/")
		switch {
		case n == 0 && isAudio || n == 1 && !isAudio || isAudio && audio != nil || !isAudio && video != nil:
			errs = append(errs, errors.New("--video wants a video file and --audio an Ogg Opus file"))
		case isAudio:
			audio = i
		default:
			video = i
		}
	}
	return video, audio, errors.Join(errs...)
}

func (in *pushInputs) openFile(name string) (*input, error) {
	switch name {
	case "":
		return nil, nil
	case "-":
		if in.con.stdin == nil {
			return nil, errors.New("standard input is a terminal: pipe something into it")
		}
		in.closers = append(in.closers, in.con.stdin)
		return &input{name: "standard input", file: in.con.stdin, pipe: true}, nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	in.closers = append(in.closers, f)
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	return &input{name: name, file: f, pipe: !info.Mode().IsRegular() && !info.IsDir()}, nil
}

func (i *input) recognise(c *pushCommand) (err error) {
	if file, ok := i.file.(io.ReadSeeker); ok && !i.pipe {
		i.Reader, err = mediafile.Open(file, c.FPS)
		return err
	}
	format := ""
	if i.name == "standard input" {
		format = c.Format
	}
	i.Reader, err = mediafile.Stream(i.file, format, c.FPS)
	return err
}

// feeds puts files onto one timeline; pipes have their own. A file beside a pipe
// goes on for as long as that does.
func (in *pushInputs) feeds(video, audio *input) (feeds []push.Feed, err error) {
	var files [2]mediafile.Reader
	var errs []error
	for n, i := range []*input{video, audio} {
		switch {
		case i == nil:
		case i.pipe:
			feed, err := push.Pipe(i.Reader, i.file)
			feeds, errs = append(feeds, feed), append(errs, err)
		default:
			files[n] = i.Reader
		}
	}
	if files[0] != nil || files[1] != nil {
		feed, err := push.Files(files[0], files[1], !in.command.Once || len(feeds) > 0)
		feeds, errs = append(feeds, feed), append(errs, err)
	}
	return feeds, errors.Join(errs...)
}
