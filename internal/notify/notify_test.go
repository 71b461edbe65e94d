//go:build unix

package notify

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/headgate/headgate/internal/testkit/leak"
)

func TestMain(m *testing.M) { leak.Main(m) }

// supervisor is a socket as systemd opens one, and the environment that names it.
func supervisor(t *testing.T, more ...string) (*net.UnixConn, func(string) string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn, environment(append(more, "NOTIFY_SOCKET="+path)...)
}

func environment(variables ...string) func(string) string {
	return func(name string) string {
		for _, v := range variables {
			if value, ok := strings.CutPrefix(v, name+"="); ok {
				return value
			}
		}
		return ""
	}
}

func hear(t *testing.T, conn *net.UnixConn) string {
	t.Helper()
	_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	b := make([]byte, 100)
	n, err := conn.Read(b)
	if err != nil {
		t.Fatal(err)
	}
	return string(b[:n])
}

func TestTell(t *testing.T) {
	conn, env := supervisor(t)
	s, err := FromEnvironment(env, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, state := range []string{Ready, Stopping} {
		if err := s.Tell(state); err != nil {
			t.Fatal(err)
		}
		if got := hear(t, conn); got != state {
			t.Errorf("heard %q", got)
		}
	}
	s.Watch(t.Context(), nil, nil) // nobody asked for it: returns at once
	_ = conn.Close()
	if s.Tell(Ready) == nil {
		t.Error("nobody listens, and that is no error")
	}
	if err := (Supervisor{}).Tell(Ready); err != nil {
		t.Error(err)
	}
}

func TestWatchTellsAsLongAsAllIsWell(t *testing.T) {
	conn, env := supervisor(t, "WATCHDOG_USEC=20000", "WATCHDOG_PID=7")
	s, err := FromEnvironment(env, 7)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	well := make(chan bool, 1)
	well <- true
	broken, wrong := errors.New("broken"), make(chan error, 1)
	check := func(context.Context) error {
		select {
		case <-well:
			return nil
		default:
			return broken
		}
	}
	var watching sync.WaitGroup
	watching.Go(func() {
		s.Watch(ctx, check, func(err error) {
			select {
			case wrong <- err:
			default: // once is enough
			}
		})
	})
	if got := hear(t, conn); got != "WATCHDOG=1" {
		t.Errorf("heard %q", got)
	}
	if err := <-wrong; !errors.Is(err, broken) {
		t.Errorf("told %v", err)
	}
	well <- true
	if got := hear(t, conn); got != "WATCHDOG=1" {
		t.Errorf("heard %q", got)
	}
	cancel()
	watching.Wait()
}

func TestEnvironment(t *testing.T) {
	for name, tc := range map[string]struct {
		variables []string
		want      Supervisor
		err       string
	}{
		"nobody":                     {nil, Supervisor{}, ""},
		"an abstract socket":         {[]string{"NOTIFY_SOCKET=@x"}, Supervisor{address: "@x"}, ""},
		"another process's watchdog": {[]string{"NOTIFY_SOCKET=/x", "WATCHDOG_USEC=5", "WATCHDOG_PID=8"}, Supervisor{address: "/x"}, ""},
		"nobody's process":           {[]string{"NOTIFY_SOCKET=/x", "WATCHDOG_USEC=5000000"}, Supervisor{"/x", 5 * time.Second}, ""},
		"no path":                    {[]string{"NOTIFY_SOCKET=x"}, Supervisor{}, "NOTIFY_SOCKET"},
		"no number":                  {[]string{"NOTIFY_SOCKET=/x", "WATCHDOG_USEC=soon"}, Supervisor{}, "WATCHDOG_USEC"},
		"never":                      {[]string{"NOTIFY_SOCKET=/x", "WATCHDOG_USEC=0"}, Supervisor{}, "WATCHDOG_USEC"},
	} {
		got, err := FromEnvironment(environment(tc.variables...), 7)
		if got != tc.want || (err == nil) != (tc.err == "") || err != nil && !strings.Contains(err.Error(), tc.err) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}
