package sockets

import (
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
)

// The names of sockets (FileDescriptorName= in a socket unit).
const (
	nameHTTP  = "http"
	nameHTTPS = "https"
	nameMedia = "media"
)

// firstDescriptor is where the inherited ones begin (SD_LISTEN_FDS_START).
const firstDescriptor = 3

// maxInherited bounds what LISTEN_FDS may claim.
const maxInherited = 64

// The variables of the protocol, which children must not see.
const (
	envPID   = "LISTEN_PID"
	envFDs   = "LISTEN_FDS"
	envNames = "LISTEN_FDNAMES"
)

var errNoUDP = errors.New("media has a stream socket alone: its socket unit wants ListenDatagram= too, with the same port")

// Inherited are sockets that were opened before this process began. What is nil
// or empty was not given. Whoever takes one closes it.
type Inherited struct {
	HTTP, HTTPS net.Listener
	// UDP and TCP are for media.
	UDP []*net.UDPConn
	TCP []net.Listener
}

// Named is an inherited descriptor and what it is for.
type Named struct {
	Descriptor int
	Name       string
}

// Parse reads the variables of sd_listen_fds(3) as the process pid sees them.
// Variables meant for another process are nobody's fault and give nothing.
func Parse(getenv func(string) string, pid int) ([]Named, error) {
	if getenv(envFDs) == "" || getenv(envPID) != strconv.Itoa(pid) {
		return nil, nil
	}
	n, err := strconv.Atoi(getenv(envFDs))
	if err != nil || n < 0 || n > maxInherited {
		return nil, fmt.Errorf("%s must be a number from 0 to %d, got %q", envFDs, maxInherited, getenv(envFDs))
	}
	var names []string
	if list := getenv(envNames); list != "" {
		names = strings.Split(list, ":")
	}
	if n > 0 && len(names) != n {
		return nil, fmt.Errorf("%s names %d sockets of %d: every socket unit wants FileDescriptorName=http, https or media", envNames, len(names), n)
	}
	list := make([]Named, n)
	for i, name := range names {
		list[i] = Named{Descriptor: firstDescriptor + i, Name: name}
		if !slices.Contains([]string{nameHTTP, nameHTTPS, nameMedia}, name) {
			return nil, fmt.Errorf("a socket is named %q: FileDescriptorName= must be http, https or media", name)
		}
	}
	return list, nil
}

// Inherit takes over the sockets of systemd, once, and removes the variables. It
// returns an empty Inherited where there are none.
func Inherit() (Inherited, error) {
	list, err := Parse(os.Getenv, os.Getpid())
	for _, name := range []string{envPID, envFDs, envNames} {
		err = errors.Join(err, os.Unsetenv(name))
	}
	if err != nil {
		return Inherited{}, err
	}
	var in Inherited
	for _, n := range list {
		if err := in.add(n); err != nil {
			return Inherited{}, errors.Join(err, in.Close())
		}
	}
	if len(in.TCP) > 0 && len(in.UDP) == 0 {
		return Inherited{}, errors.Join(errNoUDP, in.Close())
	}
	return in, nil
}

func (in *Inherited) add(n Named) error {
	f := os.NewFile(uintptr(n.Descriptor), n.Name)
	if f == nil {
		return fmt.Errorf("descriptor %d (%s) is not there", n.Descriptor, n.Name)
	}
	defer f.Close() //nolint:errcheck // what follows works on a copy
	if packets, err := net.FilePacketConn(f); err == nil {
		udp, ok := packets.(*net.UDPConn)
		if !ok || n.Name != nameMedia {
			return errors.Join(fmt.Errorf("socket %s is a datagram socket: only media has one, for UDP", n.Name), packets.Close())
		}
		in.UDP = append(in.UDP, udp)
		return nil
	}
	l, err := net.FileListener(f)
	if err != nil {
		return fmt.Errorf("descriptor %d (%s) is no listening socket: %w", n.Descriptor, n.Name, err)
	}
	return in.addListener(n.Name, l)
}

func (in *Inherited) addListener(name string, l net.Listener) error {
	var slot *net.Listener
	switch name {
	case nameMedia:
		in.TCP = append(in.TCP, l)
		return nil
	case nameHTTPS:
		slot = &in.HTTPS
	default:
		slot = &in.HTTP
	}
	if *slot != nil {
		return errors.Join(fmt.Errorf("two sockets are named %s: one listens there", name), l.Close())
	}
	*slot = l
	return nil
}

// Close closes everything, for those who cannot use it.
func (in *Inherited) Close() error {
	var errs []error
	for _, l := range append(slices.Clone(in.TCP), in.HTTP, in.HTTPS) {
		if l != nil {
			errs = append(errs, l.Close())
		}
	}
	for _, u := range in.UDP {
		errs = append(errs, u.Close())
	}
	return errors.Join(errs...)
}
