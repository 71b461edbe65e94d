package sockets

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/headgate/headgate/internal/testkit/leak"
)

// insideEnv makes the test binary the program that inherits.
const insideEnv = "SOCKETS_TEST_INSIDE"

func TestMain(m *testing.M) {
	if os.Getenv(insideEnv) != "" {
		inside()
		return
	}
	leak.Main(m)
}

// inside says what it inherited. systemd sets LISTEN_PID after forking, which a
// Go program cannot: "self" stands for it.
func inside() {
	if os.Getenv(envPID) == "self" {
		_ = os.Setenv(envPID, strconv.Itoa(os.Getpid()))
	}
	in, err := Inherit()
	if err != nil {
		fmt.Println("error:", err)
		return
	}
	tell := func(name string, l net.Listener) {
		if l != nil {
			fmt.Println(name, l.Addr())
		}
	}
	tell("http", in.HTTP)
	tell("https", in.HTTPS)
	for _, u := range in.UDP {
		fmt.Println("udp", u.LocalAddr())
	}
	for _, l := range in.TCP {
		tell("tcp", l)
	}
	fmt.Println("left:", os.Getenv(envPID)+os.Getenv(envFDs)+os.Getenv(envNames), in.Close())
}

func TestParse(t *testing.T) {
	for name, tc := range map[string]struct {
		pid, fds, names string
		want            []Named
		err             string
	}{
		"nothing":            {},
		"another process":    {pid: "8", fds: "1", names: "http"},
		"no process":         {fds: "1", names: "http"},
		"none":               {pid: "7", fds: "0"},
		"one":                {pid: "7", fds: "1", names: "https", want: []Named{{3, "https"}}},
		"all":                {pid: "7", fds: "4", names: "http:media:media:https", want: []Named{{3, "http"}, {4, "media"}, {5, "media"}, {6, "https"}}},
		"not a number":       {pid: "7", fds: "x", err: "LISTEN_FDS must be a number"},
		"negative":           {pid: "7", fds: "-1", err: "LISTEN_FDS must be a number"},
		"too many":           {pid: "7", fds: "65", err: "LISTEN_FDS must be a number"},
		"no names":           {pid: "7", fds: "2", err: "FileDescriptorName="},
		"too few names":      {pid: "7", fds: "2", names: "http", err: "names 1 sockets of 2"},
		"too many names":     {pid: "7", fds: "1", names: "http:https", err: "names 2 sockets of 1"},
		"systemd's own name": {pid: "7", fds: "1", names: "headgate.socket", err: `named "headgate.socket": FileDescriptorName= must be`},
		"an empty name":      {pid: "7", fds: "2", names: "http:", err: `named ""`},
	} {
		t.Run(name, func(t *testing.T) {
			env := map[string]string{envPID: tc.pid, envFDs: tc.fds, envNames: tc.names}
			got, err := Parse(func(n string) string { return env[n] }, 7)
			if tc.err == "" && err != nil || tc.err != "" && (err == nil || !strings.Contains(err.Error(), tc.err)) {
				t.Errorf("error %v, want %q", err, tc.err)
			}
			if err == nil && len(got)+len(tc.want) > 0 && !reflect.DeepEqual(got, tc.want) {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add("2", "http:media")
	f.Add("-9", "::")
	f.Fuzz(func(t *testing.T, fds, names string) {
		env := map[string]string{envPID: "7", envFDs: fds, envNames: names}
		got, err := Parse(func(n string) string { return env[n] }, 7)
		if err == nil && len(got) > 0 && len(got) != strings.Count(names, ":")+1 {
			t.Errorf("%d sockets of %q", len(got), names)
		}
	})
}

// socketFiles opens sockets the way systemd does; media is one of each kind.
func socketFiles(t *testing.T, kinds ...string) (files []*os.File, addresses []string) {
	t.Helper()
	var lc net.ListenConfig
	for _, kind := range kinds {
		var f *os.File
		var err error
		switch kind {
		case "udp":
			c, e := lc.ListenPacket(t.Context(), "udp", "127.0.0.1:0")
			if e != nil {
				t.Fatal(e)
			}
			f, err = c.(*net.UDPConn).File()
			addresses = append(addresses, c.LocalAddr().String())
			_ = c.Close()
		case "tcp":
			l, e := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
			if e != nil {
				t.Fatal(e)
			}
			f, err = l.(*net.TCPListener).File()
			addresses = append(addresses, l.Addr().String())
			_ = l.Close()
		case "file":
			f, err = os.Open(os.DevNull)
			addresses = append(addresses, "")
		}
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = f.Close() })
		files = append(files, f)
	}
	return files, addresses
}

// runInside executes the test binary as a program that inherits files.
func runInside(t *testing.T, files []*os.File, names string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.ExtraFiles = files
	cmd.Env = append(os.Environ(), insideEnv+"=1", envPID+"=self", envFDs+"="+strconv.Itoa(len(files)), envNames+"="+names)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return string(out)
}

func TestInherit(t *testing.T) {
	files, at := socketFiles(t, "tcp", "udp", "tcp", "tcp")
	want := fmt.Sprintf("http %s\nhttps %s\nudp %s\ntcp %s\nleft:  <nil>\n", at[2], at[3], at[1], at[0])
	if got := runInside(t, files, "media:media:http:https"); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestInheritRefuses(t *testing.T) {
	for name, tc := range map[string]struct {
		kinds []string
		names string
		want  string
	}{
		"a datagram socket for HTTP": {[]string{"udp"}, "http", "only media has one"},
		"two for HTTP":               {[]string{"tcp", "tcp"}, "http:http", "two sockets are named http"},
		"media without UDP":          {[]string{"tcp"}, "media", "wants ListenDatagram= too"},
		"a file":                     {[]string{"file"}, "media", "is no listening socket"},
		"a strange name":             {[]string{"tcp"}, "web", "FileDescriptorName= must be http, https or media"},
	} {
		files, _ := socketFiles(t, tc.kinds...)
		if got := runInside(t, files, tc.names); !strings.HasPrefix(got, "error:") || !strings.Contains(got, tc.want) {
			t.Errorf("%s: %s", name, got)
		}
	}
}
