package integration

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// checked opens the check page, starts the check, waits for its end and returns what it says about the way to the gateway.
func checked(t *testing.T, g *gateway) (verdict string, levels map[string]string) {
	t.Helper()
	needNetwork(t)
	p := open(t, chromium, g.url+"/check")
	eventually(t, 10*time.Second, "the check page is ready", func() error {
		return p.try(`(() => { if (!window.headgate) throw new Error("not loaded"); document.querySelector("#go").click(); return true; })()`, nil)
	})
	eventually(t, 60*time.Second, "the check ends", func() error {
		return p.try(`(() => { if (document.documentElement.dataset.state !== "done") throw new Error(document.querySelector("#status").textContent); return true; })()`, nil)
	})
	p.run(t, `document.querySelector("#status").textContent`, &verdict)
	p.run(t, `Object.fromEntries([...document.querySelectorAll("#network .finding")].map((f) => [f.dataset.id, f.dataset.level]))`, &levels)
	var report string
	p.run(t, `headgate.written()`, &report)
	t.Log(report)
	return verdict, levels
}

// TestCheckPage runs the loops of the check page through the real gateway: UDP and TCP work.
func TestCheckPage(t *testing.T) {
	verdict, levels := checked(t, startGateway(t))
	if !strings.HasPrefix(verdict, "UDP works, and TCP too") || levels["udp"] != "ok" || levels["tcp"] != "ok" {
		t.Errorf("%s %v", verdict, levels)
	}
}

// TestCheckPageWithoutUDP shows a network that lets no UDP through.
func TestCheckPageWithoutUDP(t *testing.T) {
	g := startGateway(t)
	firewall(t, fmt.Sprintf("udp dport %[1]s drop", g.mediaPort(t)), fmt.Sprintf("udp sport %[1]s drop", g.mediaPort(t)))
	verdict, levels := checked(t, g)
	if !strings.HasPrefix(verdict, "UDP blocked, TCP works") || levels["udp"] != "warning" || levels["tcp"] != "ok" {
		t.Errorf("%s %v", verdict, levels)
	}
}

// TestCheckPageByTURN lets nothing but the relay's port through.
func TestCheckPageByTURN(t *testing.T) {
	g := startGateway(t, "--turn", ":"+freePort(t))
	firewall(t, fmt.Sprintf("meta l4proto { tcp, udp } th dport %s drop", g.mediaPort(t)))
	verdict, levels := checked(t, g)
	if !strings.HasPrefix(verdict, "UDP and TCP blocked, TURN works") || levels["turn"] != "ok" || levels["udp"] != "warning" {
		t.Errorf("%s %v", verdict, levels)
	}
}

// TestDoctorWithoutUDP looks from outside at a gateway whose media port lets no UDP through.
func TestDoctorWithoutUDP(t *testing.T) {
	g := startGateway(t)
	firewall(t, fmt.Sprintf("udp dport %[1]s drop", g.mediaPort(t)), fmt.Sprintf("udp sport %[1]s drop", g.mediaPort(t)))
	output, err := exec.Command(binary(), "doctor", g.url).CombinedOutput()
	if err != nil {
		t.Error(err)
	}
	for _, want := range []string{"WARNING UDP is blocked", "TCP works (tcp "} {
		if !strings.Contains(string(output), want) {
			t.Errorf("no %q in\n%s", want, output)
		}
	}
}
