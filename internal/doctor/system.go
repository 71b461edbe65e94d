package doctor

import (
	"context"
	"fmt"
)

const (
	// bufferBytes is what the gateway asks for each way on its media sockets.
	bufferBytes = 4 << 20
	// sparePerProcess are descriptors beside those of sessions.
	sparePerProcess = 256
)

func system(ctx context.Context, s Setup, m Machine) []Finding {
	findings := []Finding{
		buffers("net.core.rmem_max", "received", m.Sysctl), buffers("net.core.wmem_max", "sent", m.Sysctl),
		openFiles(s, m.OpenFiles),
	}
	if step, err := m.LastStep(ctx); err == nil { // else the ports say more
		findings = append(findings, segmentation(step))
	}
	return findings
}

func buffers(name, way string, sysctl func(string) (int, error)) Finding {
	limit, err := sysctl(name)
	switch {
	case err != nil:
		return note("buffers-unknown", "On Linux, look at it with: sysctl "+name, "%s cannot be read here: %v.", name, err)
	case limit < bufferBytes:
		return warning("buffers-small", fmt.Sprintf("sysctl -w %s=%d, and the same line in /etc/sysctl.d/headgate.conf.", name, bufferBytes),
			"%s is %d: bursts of media %s are lost above it; the gateway asks for %d.", name, limit, way, bufferBytes)
	}
	return ok("buffers-large", "%s is %d; the gateway asks for %d.", name, limit, bufferBytes)
}

// openFiles compares with the worst case: every session on a connection of its own.
func openFiles(s Setup, limit func() (uint64, error)) Finding {
	wanted := uint64(max(s.MaxSessions, 0)) + sparePerProcess
	files, err := limit()
	switch {
	case err != nil:
		return note("files-unknown", "Look at it with: ulimit -n", "The limit of open files cannot be read here: %v.", err)
	case files < wanted:
		return note("files-few", fmt.Sprintf("LimitNOFILE=%d in the systemd unit, or ulimit -n, if many clients come by TCP. Clients by UDP need none.", wanted),
			"%d open files are allowed to this user; the %d sessions that may exist need up to %d when all come by TCP.", files, s.MaxSessions, wanted)
	}
	return ok("files-enough", "%d open files are allowed.", files)
}

func segmentation(step string) Finding {
	if step == "segmented" {
		return ok("egress-segmented", "The kernel cuts up what is sent (UDP_SEGMENT).")
	}
	return note("egress-slower", "Linux 4.18 or newer has it; some sandboxes and virtual networks do not. See egress.last_step.",
		"Media is sent %s: the kernel does not cut it up (UDP_SEGMENT), which costs processor time.", step)
}
