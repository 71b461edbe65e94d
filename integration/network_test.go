package integration

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"syscall"
	"testing"
)

// networkVar is "own" in a network namespace made for the tests and "host" in the machine's network.
const networkVar = "HEADGATE_TEST_NETWORK"

// enterNetwork runs this test binary again in a new network namespace, which ends with it. Where the machine allows none, it runs in
// the machine's network.
func enterNetwork() (int, error) {
	code, err := again("own", namespaceAttributes())
	if err == nil {
		return code, nil
	}
	fmt.Fprintln(os.Stderr, "integration: no network namespace, the machine's network is used:", err)
	return again("host", &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL})
}

// namespaceAttributes asks for a network of its own, and for a user namespace in which it may be set up when the tests do not run as root.
func namespaceAttributes() *syscall.SysProcAttr {
	attributes := &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	if os.Getuid() != 0 {
		attributes.Cloneflags |= syscall.CLONE_NEWUSER
		attributes.UidMappings = []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}
		attributes.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}
	}
	return attributes
}

// again returns the exit code of this test binary run with the same arguments; an error means that it did not start.
func again(network string, attributes *syscall.SysProcAttr) (int, error) {
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Env = append(os.Environ(), insideVar+"=1", networkVar+"="+network)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = attributes
	if err := cmd.Start(); err != nil {
		return 1, err
	}
	err := cmd.Wait()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return max(exit.ExitCode(), 1), nil
	}
	return 0, err
}

// ownAddress is the namespace's address that is not loopback.
const ownAddress = "198.18.77.1"

// networkSteps give the namespace what clients want to see: a card that is up, an address that is not loopback and a default route. The route
// leads to the other end of the pair, in the same namespace: nothing leaves it.
var networkSteps = [][]string{
	{"link", "set", "lo", "up"},
	{"link", "add", "eth0", "type", "veth", "peer", "name", "far0"},
	{"address", "add", ownAddress + "/24", "dev", "eth0"},
	{"link", "set", "far0", "up"},
	{"link", "set", "eth0", "up"},
	{"route", "add", "default", "via", "198.18.77.254", "dev", "eth0"},
}

// networkFault is why rows that need an address beyond loopback cannot run.
var networkFault error

func prepareNetwork() {
	if os.Getenv(networkVar) == "own" {
		networkFault = runSteps(networkSteps)
		return
	}
	if !hasRoutableAddress() {
		networkFault = errors.New("this machine has loopback only, and no network namespace could be made")
	}
}

func runSteps(steps [][]string) error {
	ip, err := exec.LookPath("ip")
	if err != nil {
		ip = "/usr/sbin/ip"
	}
	for _, step := range steps {
		if output, err := exec.Command(ip, step...).CombinedOutput(); err != nil {
			return fmt.Errorf("ip %v: %w: %s", step, err, output)
		}
	}
	return nil
}

func hasRoutableAddress() bool {
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return false
	}
	for _, address := range addresses {
		if prefix, ok := address.(*net.IPNet); ok && prefix.IP.IsGlobalUnicast() {
			return true
		}
	}
	return false
}

// needNetwork skips a test whose client refuses to work on loopback alone.
func needNetwork(t *testing.T) {
	t.Helper()
	if networkFault != nil {
		lacking(t, "a network beyond loopback: %v", networkFault)
	}
}
