package integration

import (
	"fmt"
	"testing"
)

// TestWithoutUDP T-77, M-121: where UDP is blocked Chromium publishes and plays by ICE-TCP on the same port.
func TestWithoutUDP(t *testing.T) {
	g := startGateway(t)
	firewall(t, fmt.Sprintf("udp dport %[1]s drop", g.mediaPort(t)), fmt.Sprintf("udp sport %[1]s drop", g.mediaPort(t)))
	publisher := publishPage(t, chromium, g, "live", "VP8")
	viewer := watch(t, chromium, g, "live")
	viewer.plays(t, picture{codec: "VP8"})
	for _, p := range []*page{publisher, viewer} {
		var protocol string
		p.run(t, selectedProtocol, &protocol)
		if protocol != "tcp" {
			t.Errorf("%s: media goes over %q, want tcp", p.name, protocol)
		}
	}
}

// selectedProtocol is the protocol of the candidate pair in use.
const selectedProtocol = `(async () => {
	const stats = await headgateProbe.connections.at(-1).pc.getStats();
	const transport = [...stats.values()].find((report) => report.type === "transport");
	return stats.get(stats.get(transport.selectedCandidatePairId).localCandidateId).protocol;
})()`
