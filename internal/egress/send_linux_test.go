package egress

import (
	"net"
	"net/netip"
	"runtime"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/headgate/headgate/router"
)

// kernel stands for sendmmsg(2): it answers as told, and lets the real one do
// the rest.
type kernel struct {
	errors []syscall.Errno // of the next calls, 0 for the real call
	most   int             // headers a call takes, 0 for all
	calls  int
}

func (k *kernel) transmit(fd uintptr, headers *mmsghdr, n int) (int, syscall.Errno) {
	k.calls++
	if len(k.errors) > 0 {
		errno := k.errors[0]
		k.errors = k.errors[1:]
		if errno != 0 {
			return 0, errno
		}
	}
	if k.most > 0 {
		n = min(n, k.most)
	}
	return sendmmsg(fd, headers, n)
}

func TestErrorsOfTheLastStep(t *testing.T) {
	for name, c := range map[string]struct {
		errors          []syscall.Errno
		most            int
		dropped, failed uint64
		step            LastStep // afterwards
	}{
		"none":                        {step: Segmented},
		"interrupted":                 {errors: []syscall.Errno{unix.EINTR, unix.EINTR}, step: Segmented},
		"a part at a time":            {most: 1, step: Segmented},
		"no room for a moment":        {errors: []syscall.Errno{unix.EAGAIN}, step: Segmented},
		"no room":                     {errors: []syscall.Errno{unix.EAGAIN, unix.EAGAIN}, dropped: 18, failed: 18, step: Segmented},
		"no room behind the first":    {most: 1, errors: []syscall.Errno{0, unix.ENOBUFS, unix.EAGAIN}, dropped: 9, failed: 9, step: Segmented},
		"the device can't segment":    {errors: []syscall.Errno{unix.EIO}, step: Batched},
		"longer than the path's MTU":  {errors: []syscall.Errno{unix.EINVAL}, step: Segmented},
		"the source address has gone": {errors: []syscall.Errno{unix.EINVAL, unix.EINVAL}, step: Segmented},
	} {
		t.Run(name, func(t *testing.T) {
			s := socket(t, "udp4", "127.0.0.1:0", Segmented)
			a, b := newPlayer(t, s, "127.0.0.1:0"), newPlayer(t, s, "127.0.0.1:0")
			box, k := NewOutbox(), &kernel{errors: c.errors, most: c.most}
			box.call.transmit = k.transmit
			packets := frames(t, 5, 1)[:9]
			box.Put(a.line, packets)
			box.Put(b.line, packets)
			box.Flush()
			if dropped, failed := a.line.Dropped()+b.line.Dropped(), a.line.Failed()+b.line.Failed(); dropped != c.dropped || failed != c.failed {
				t.Errorf("%d dropped, %d failed; want %d and %d", dropped, failed, c.dropped, c.failed)
			}
			if s.LastStep() != c.step {
				t.Errorf("last step %s, want %s", s.LastStep(), c.step)
			}
			if a.line.Dropped() == 0 {
				a.receives(t, packets)
			}
			if b.line.Dropped() == 0 {
				b.receives(t, packets)
			}
			after := frames(t, 5, 100) // and it goes on
			box.Put(b.line, after)
			box.Flush()
			b.receives(t, after)
		})
	}
}

// TestAnUnreachableViewerHarmsNobodyElse with real errors of the system.
func TestAnUnreachableViewerHarmsNobodyElse(t *testing.T) {
	for _, step := range LastSteps() {
		s := socket(t, "udp4", "127.0.0.1:0", step)
		bad, good := newPlayer(t, s, "127.0.0.1:0"), newPlayer(t, s, "127.0.0.1:0")
		box := NewOutbox()
		packets := frames(t, 5, 1)[:9]
		for _, remote := range []string{"[2001:db8::1]:9", "127.0.0.1:0"} {
			before := bad.line.Failed()
			bad.line.Move(Path{Socket: s, Remote: netip.MustParseAddrPort(remote)})
			box.Put(bad.line, packets)
			box.Put(good.line, packets)
			box.Flush()
			good.receives(t, packets)
			if got := bad.line.Failed() - before; got != 9 {
				t.Errorf("%s to %s: %d failed, want 9", step, remote, got)
			}
			for i := range packets {
				packets[i] = planned(t, 5, packets[i].Index+100, make([]byte, 1200), 0, nil)
			}
		}
	}
}

// TestRunsAreSegmentedByTheKernel: nine packets are one header.
func TestRunsAreSegmentedByTheKernel(t *testing.T) {
	s := socket(t, "udp4", "127.0.0.1:0", Segmented)
	if s.LastStep() != Segmented {
		t.Skip("the kernel has no UDP_SEGMENT")
	}
	p := newPlayer(t, s, "127.0.0.1:0")
	var headers []int
	box := NewOutbox()
	box.call.transmit = func(fd uintptr, h *mmsghdr, n int) (int, syscall.Errno) {
		headers = append(headers, n)
		return sendmmsg(fd, h, n)
	}
	packets := frames(t, 5, 1)[:9] // eight of 1200 and a shorter one
	box.Put(p.line, packets)
	box.Flush()
	p.receives(t, packets)
	if len(headers) != 1 || headers[0] != 1 {
		t.Errorf("headers of the calls: %v, want one of one", headers)
	}
}

// TestARunLongerThanThePath uses a network of its own whose loopback interface has
// a small MTU: longer packets leave one by one, in fragments, and the next run is
// not tried in vain.
func TestARunLongerThanThePath(t *testing.T) {
	done := make(chan struct{})
	go func() { // the thread is not used again: it stays in that network
		defer close(done)
		runtime.LockOSThread()
		if err := smallNetwork(1280); err != nil {
			t.Logf("no network of our own: %v", err)
			return
		}
		s := socket(t, "udp4", "127.0.0.1:0", Segmented)
		p := newPlayer(t, s, "127.0.0.1:0")
		box, k := NewOutbox(), &kernel{}
		box.call.transmit = k.transmit
		var packets []router.Outgoing
		for i := range int64(8) {
			packets = append(packets, planned(t, 5, i, make([]byte, 1400), 0, nil))
		}
		box.Put(p.line, packets[:4])
		box.Flush()
		box.Put(p.line, packets[4:])
		box.Flush()
		p.receives(t, packets)
		if unfit := p.line.target.unfit; unfit == 0 || p.line.Failed() != 0 || s.LastStep() != Segmented {
			t.Errorf("unfit %d, %d failed, last step %s", unfit, p.line.Failed(), s.LastStep())
		}
	}()
	<-done
}

// smallNetwork gives the thread a network with nothing but a loopback interface.
func smallNetwork(mtu uint32) error {
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return err
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(fd) }()
	for _, set := range []struct {
		request uintptr
		value   uint32
	}{{unix.SIOCSIFMTU, mtu}, {unix.SIOCSIFFLAGS, unix.IFF_UP}} {
		req, err := unix.NewIfreq("lo")
		if err != nil {
			return err
		}
		req.SetUint32(set.value)
		if set.request == unix.SIOCSIFFLAGS {
			req.SetUint16(uint16(set.value))
		}
		if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), set.request, uintptr(unsafe.Pointer(req))); errno != 0 {
			return errno
		}
	}
	return nil
}

// sources answers from an address that changes.
type sources struct {
	version uint32
	control []byte
	asked   int
	forgot  int
}

func (s *sources) Version() uint32 { return s.version }

func (s *sources) Control(netip.AddrPort) []byte { s.asked++; return s.control }

func (s *sources) Forget(netip.AddrPort) { s.forgot++; s.control = nil }

// TestTheSourceAddressFollows: packets leave from the address the viewer was heard
// on, also after that has changed; it is looked up once for each change.
func TestTheSourceAddressFollows(t *testing.T) {
	for _, step := range []LastStep{Segmented, Batched} {
		var lc net.ListenConfig
		conn, err := lc.ListenPacket(t.Context(), "udp4", "0.0.0.0:0")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		from := &sources{version: 1, control: pktinfo("127.0.0.2")}
		s := NewSocket(conn, from, step)
		p := newPlayer(t, s, "127.0.0.1:0")
		box := NewOutbox()
		at := int64(0)
		expect := func(source string) {
			t.Helper()
			for range 3 {
				box.Put(p.line, []router.Outgoing{planned(t, 5, at, make([]byte, 50), 0, nil), planned(t, 5, at+1, make([]byte, 50), 0, nil)})
				at += 2
			}
			box.Flush()
			for range 6 {
				_, addr, err := p.conn.ReadFromUDPAddrPort(make([]byte, 2000))
				if err != nil || addr.Addr().String() != source {
					t.Fatalf("%s: from %v, want %s (%v)", step, addr, source, err)
				}
			}
		}
		expect("127.0.0.2")
		from.version, from.control = 2, pktinfo("127.0.0.3")
		expect("127.0.0.3")
		if from.asked != 2 {
			t.Errorf("looked up %d times, want 2", from.asked)
		}
		from.version, from.control = 3, pktinfo("192.0.2.1") // has left the machine
		box.Put(p.line, []router.Outgoing{planned(t, 5, at, make([]byte, 50), 0, nil)})
		box.Flush()
		if _, addr, err := p.conn.ReadFromUDPAddrPort(make([]byte, 2000)); err != nil || from.forgot != 1 {
			t.Errorf("%s: from %v, %v, forgot %d", step, addr, err, from.forgot)
		}
	}
}

// pktinfo is an IP_PKTINFO control message.
func pktinfo(source string) []byte {
	b := make([]byte, unix.CmsgSpace(unix.SizeofInet4Pktinfo))
	h := (*unix.Cmsghdr)(unsafe.Pointer(&b[0]))
	h.Level, h.Type = unix.IPPROTO_IP, unix.IP_PKTINFO
	h.SetLen(unix.CmsgLen(unix.SizeofInet4Pktinfo))
	info := (*unix.Inet4Pktinfo)(unsafe.Pointer(&b[unix.CmsgLen(0)]))
	info.Spec_dst = netip.MustParseAddr(source).As4()
	return b
}
