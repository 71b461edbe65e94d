package netclass

import (
	"net/netip"
	"path"
)

// bridges are the ranges that engines take when nobody configures them. A LAN
// rarely uses them, and a gateway that has nothing but such an address runs inside
// the engine. Docker goes on with 172.18 to 172.31 for further networks; clouds use
// these as well (172.31 is a default network of one), so only 172.17 to 172.19 count.
var bridges = []struct {
	engine string
	ranges []netip.Prefix
}{
	{"Docker", prefixes("172.17.0.0/16", "172.18.0.0/16", "172.19.0.0/16", "192.168.65.0/24")},
	{"Podman", prefixes("10.88.0.0/16")},
	{"rootless containers", prefixes("10.0.2.100/32")},
	{"Kubernetes", prefixes("10.42.0.0/16", "10.244.0.0/16")},
	{"libvirt", prefixes("192.168.122.0/24")},
	{"LXC", prefixes("10.0.3.0/24")},
}

// Engine returns the engine that takes this address's range by default ("Docker"),
// or "". It is a guess, a good one for 172.17.0.0/16 and for Podman.
func Engine(a netip.Addr) string {
	a = a.Unmap()
	for _, b := range bridges {
		if within(a, b.ranges) {
			return b.engine
		}
	}
	return ""
}

// virtualNames are bridges and links of container engines and hypervisors. Clients
// outside can't reach their addresses, and the same ones exist on many machines
// (M-124). Tunnels (wg, tun, tailscale) are not among them: people do watch over VPNs.
var virtualNames = []string{
	"docker*", "br-*", "veth*", "virbr*", "vnet*", "cni*", "flannel*", "cali*", "cilium*", "lxc*", "lxdbr*",
	"incusbr*", "podman*", "kube-*", "vmnet*", "vboxnet*", "vEthernet*", "bridge*", "awdl*", "llw*", "ifb*", "dummy*",
}

// VirtualInterface tells whether a network interface of that name belongs to a
// container engine or hypervisor.
func VirtualInterface(name string) bool {
	for _, p := range virtualNames {
		if Matches(name, p) {
			return true
		}
	}
	return false
}

// Matches compares an interface's name with a pattern, which may have "*" in it.
// A malformed pattern matches nothing.
func Matches(name, pattern string) bool {
	ok, err := path.Match(pattern, name)
	return err == nil && ok
}
