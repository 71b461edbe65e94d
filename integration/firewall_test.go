package integration

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// firewall loads nftables rules for what goes in at the gateway's end, for the rest of the test. It works in the tests' own network only.
func firewall(t *testing.T, rules ...string) {
	t.Helper()
	needNetwork(t)
	nft, err := exec.LookPath("nft")
	if err != nil {
		nft = "/usr/sbin/nft"
	}
	if os.Getenv(networkVar) != "own" {
		lacking(t, "a network namespace to put a firewall into")
	}
	if _, err := os.Stat(nft); err != nil {
		lacking(t, "nft: %v", err)
	}
	table := "table inet headgate {\nchain in {\ntype filter hook input priority 0\n" + strings.Join(rules, "\n") + "\n}\n}\n"
	cmd := exec.Command(nft, "-f", "-")
	cmd.Stdin = strings.NewReader(table)
	if output, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("nft: %v: %s", err, output)
	}
	t.Cleanup(func() {
		if output, err := exec.Command(nft, "delete", "table", "inet", "headgate").CombinedOutput(); err != nil {
			t.Errorf("nft delete: %v: %s", err, output)
		}
	})
}
