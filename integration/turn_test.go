package integration

import (
	"fmt"
	"testing"
	"time"
)

// turnWithin is how soon a client behind the strictest firewall is connected, from its POST on.
const turnWithin = 4 * time.Second

// TestWithoutMediaPorts: a firewall that lets HTTP and the TCP port of TURN through, and nothing else.
func TestWithoutMediaPorts(t *testing.T) {
	const port = "3478" // of the network namespace
	g := startGateway(t, "--turn", ":"+port)
	only(t, g.httpPort(t), port)
	throughTURN(t, chromium, g, "tcp")
}

// TestFirefoxWithoutMediaPorts: another browser watches. It is steered by TCP, so only media and UDP are blocked.
func TestFirefoxWithoutMediaPorts(t *testing.T) {
	const port = "3478"
	g := startGateway(t, "--turn", ":"+port)
	firewall(t, "meta l4proto udp drop", "tcp dport "+g.mediaPort(t)+" drop")
	publishPage(t, chromium, g, "live", "VP8")
	watch(t, firefox, g, "live").plays(t, picture{codec: "VP8", within: turnWithin})
}

// TestOnlyTheHTTPSPort: nothing but one TCP port of TLS, where HTTPS and TURN are side by side.
func TestOnlyTheHTTPSPort(t *testing.T) {
	needNetwork(t)
	const port = "8443"
	g := serve(t, []string{"--open", "--turn", ":3478"}, "HEADGATE_HTTP_HTTPS=:"+port, "HEADGATE_HTTP_TLS_SELF_SIGNED=true")
	g.url = "https://" + ownAddress + ":" + port
	only(t, port)
	throughTURN(t, trustingChromium, g, "tls")
}

// only loads a firewall that lets nothing but these TCP ports through.
func only(t *testing.T, ports ...string) {
	t.Helper()
	var rules []string
	for _, p := range ports {
		rules = append(rules, fmt.Sprintf("tcp dport %s accept", p), fmt.Sprintf("tcp sport %s accept", p))
	}
	firewall(t, append(rules, "meta l4proto { tcp, udp } drop")...)
}

// throughTURN asserts that a publisher and a viewer get through, soon, and by TURN over the given protocol.
func throughTURN(t *testing.T, c client, g *gateway, protocol string) {
	t.Helper()
	publisher := publishPage(t, c, g, "live", "VP8")
	viewer := watch(t, c, g, "live")
	viewer.plays(t, picture{codec: "VP8", within: turnWithin})
	for _, p := range []*page{publisher, viewer} {
		if after := p.report(t).Connected; after > float64(turnWithin.Milliseconds()) {
			t.Errorf("%s: connected %.0f ms after the POST, want at most %v", p.name, after, turnWithin)
		} else {
			t.Logf("%s: connected %.0f ms after the POST", p.name, after)
		}
		var way string
		p.run(t, selectedRelay, &way)
		if want := "relay " + protocol; way != want {
			t.Errorf("%s: media goes by %q, want %q", p.name, way, want)
		}
	}
}

// selectedRelay is the type of the local candidate in use, and how it is relayed.
const selectedRelay = `(async () => {
	const stats = await headgateProbe.connections.at(-1).pc.getStats();
	const transport = [...stats.values()].find((report) => report.type === "transport");
	const local = stats.get(stats.get(transport.selectedCandidatePairId).localCandidateId);
	return local.candidateType + " " + local.relayProtocol;
})()`
