package architecture

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/headgate/headgate/"

// rules say what each package may import of this module, and which third-party
// modules beside the standard library. A package that is not listed may not
// exist: add it here with the arrows it needs, and to docs/architecture.md.
var rules = map[string]struct{ ours, others string }{
	// the words everybody uses
	"internal/fault":     {},
	"internal/sdpfrag":   {ours: "internal/fault"},
	"internal/linkhdr":   {ours: "internal/fault"},
	"internal/names":     {ours: "internal/fault"},
	"internal/signaling": {ours: "auth internal/events internal/sdpfrag"},
	"internal/shutdown":  {},
	"internal/netclass":  {},
	"internal/histogram": {},
	"internal/notify":    {},
	"internal/sockets":   {},
	"internal/events":    {},
	"internal/wholefile": {},

	// who may do what
	"auth": {ours: "internal/fault", others: "github.com/go-jose/go-jose/v4 golang.org/x/time"},

	// packets
	"internal/bwe":        {},
	"internal/dependency": {},
	"router":              {ours: "internal/fault internal/bwe internal/dependency", others: "github.com/pion/rtp github.com/pion/rtcp github.com/pion/interceptor"},
	"internal/negotiate":  {ours: "router internal/fault internal/sdpfrag", others: "github.com/pion/sdp/v3"},
	"internal/peer":       {ours: "router internal/negotiate internal/egress internal/fault internal/netclass internal/sdpfrag internal/sockets", others: pion + " golang.org/x/net"},
	"internal/egress":     {ours: "router internal/fault internal/histogram", others: "github.com/pion/rtcp github.com/pion/rtp github.com/pion/srtp/v3 golang.org/x/sys"},

	// reaching clients behind firewalls
	"internal/turn": {ours: "internal/sockets", others: "github.com/pion/turn/v5 github.com/pion/stun/v4 github.com/pion/logging golang.org/x/time"},

	// sessions
	"internal/diagnose":   {ours: "router internal/netclass"},
	"internal/call":       {ours: "router internal/events internal/fault internal/histogram internal/names internal/wholefile", others: "github.com/pion/opus golang.org/x/crypto golang.org/x/time"},
	"internal/session":    {ours: "auth router internal/call internal/diagnose internal/egress internal/events internal/fault internal/histogram internal/negotiate internal/peer internal/sdpfrag internal/signaling"},
	"internal/metrics":    {ours: "auth router internal/bench/procstat internal/call internal/egress internal/histogram internal/session internal/turn"},
	"internal/iceservers": {ours: "auth internal/fault internal/linkhdr internal/signaling"},

	// HTTP
	"internal/problem":       {ours: "internal/fault", others: echo},
	"internal/wish":          {ours: "auth internal/fault internal/linkhdr internal/names internal/problem internal/sdpfrag internal/signaling", others: echo},
	"internal/wish/wishtest": {ours: "auth internal/events internal/fault internal/problem internal/sdpfrag internal/signaling internal/wish", others: echo},
	"internal/httpserver":    {ours: "internal/fault internal/names internal/problem internal/sockets internal/wholefile", others: echo + " golang.org/x/crypto golang.org/x/sys golang.org/x/time"},
	"internal/api":           {ours: "auth internal/diagnose internal/events internal/fault internal/names internal/problem", others: echo},
	"internal/api/apitest":   {ours: "internal/api", others: "github.com/getkin/kin-openapi"},
	"internal/ui":            {ours: "internal/fault internal/names", others: echo},
	"whip":                   {ours: "auth internal/fault internal/signaling internal/wish", others: echo},
	"whep":                   {ours: "auth internal/events internal/fault internal/linkhdr internal/names internal/signaling internal/wish", others: echo},

	// everything put together
	"internal/gateway": {ours: anything},

	// tools and tests
	"internal/mediafile":      {others: pion},
	"internal/depacket":       {others: pion},
	"internal/dial":           {ours: "internal/wish", others: pion},
	"internal/pull":           {ours: "internal/depacket internal/dial internal/wish", others: pion},
	"internal/push":           {ours: "internal/depacket internal/dial internal/mediafile", others: pion},
	"internal/conformance":    {ours: "internal/linkhdr internal/mediafile internal/testkit/offers", others: pion + " golang.org/x/sync"},
	"internal/bench/stamp":    {},
	"internal/bench":          {ours: "internal/bench/audience internal/bench/floor internal/bench/procstat internal/bench/source whip", others: "golang.org/x/time"},
	"internal/bench/links":    {ours: "internal/bench/audience internal/bench/source"},
	"internal/bench/floor":    {others: "golang.org/x/sys"},
	"internal/bench/source":   {ours: "internal/bench/stamp internal/mediafile whip", others: pion},
	"internal/bench/procstat": {},
	"internal/bench/audience": {ours: "internal/bench/stamp whep", others: pion + " golang.org/x/sys"},
	"internal/doctor":         {ours: "internal/egress internal/netclass whip", others: pion},
	"internal/testkit":        {ours: anything, others: pion},
	"internal/testkit/offers": {},
	"internal/testkit/leak":   {others: "go.uber.org/goleak"},
	"internal/testkit/chrome": {others: "github.com/chromedp/chromedp"},
	"internal/architecture":   {},
	"integration":             {},
	"cmd/headgate":            {ours: "auth internal/wish internal/bench internal/bench/audience internal/bench/floor internal/bench/links internal/bench/source internal/conformance internal/dial internal/doctor internal/gateway internal/mediafile internal/notify internal/pull internal/push internal/sockets internal/wholefile", others: "github.com/alecthomas/kong github.com/goccy/go-yaml"},
}

const (
	anything = "*"
	echo     = "github.com/labstack/echo/v4"
	pion     = "github.com/pion/webrtc/v4 github.com/pion/ice/v4 github.com/pion/dtls/v3 github.com/pion/srtp/v3 github.com/pion/sdp/v3 " +
		"github.com/pion/rtp github.com/pion/rtcp github.com/pion/interceptor github.com/pion/logging github.com/pion/stun/v3 github.com/pion/stun/v4 github.com/pion/transport/v4"
)

func TestImportsFollowTheRules(t *testing.T) {
	for _, p := range list(t) {
		name := strings.TrimPrefix(p.ImportPath, module)
		rule, known := rules[name]
		if !known {
			t.Errorf("package %s has no rule", name)
			continue
		}
		for _, imported := range p.Imports {
			if reason := forbidden(imported, rule.ours, rule.others); reason != "" {
				t.Errorf("%s must not import %s: %s", name, imported, reason)
			}
		}
	}
}

func TestTheRulesCanFail(t *testing.T) {
	for imported, rule := range map[string]struct{ ours, others string }{
		module + "whip":               {ours: "internal/fault"},
		"github.com/labstack/echo/v4": {others: "github.com/pion/rtp"},
		"math/rand":                   {},
	} {
		if forbidden(imported, rule.ours, rule.others) == "" {
			t.Errorf("%s was let through by %+v", imported, rule)
		}
	}
}

// forbidden returns why a package with this rule must not import path, or "".
func forbidden(path, ours, others string) string {
	if rel, own := strings.CutPrefix(path, module); own {
		if ours == anything || slices.Contains(strings.Fields(ours), rel) {
			return ""
		}
		return "its rule names only: " + ours
	}
	if path == "math/rand" {
		return "use crypto/rand, or math/rand/v2 where it does not matter"
	}
	if first, _, _ := strings.Cut(path, "/"); !strings.Contains(first, ".") {
		return "" // the standard library
	}
	for _, m := range strings.Fields(others) {
		if path == m || strings.HasPrefix(path, m+"/") {
			return ""
		}
	}
	if ours == anything {
		return ""
	}
	return "its rule names only: " + others
}

type pkg struct {
	ImportPath string
	Imports    []string
}

func list(t *testing.T) (packages []pkg) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports", "./...")
	cmd.Dir = "../.."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
}
