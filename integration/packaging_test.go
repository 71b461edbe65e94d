package integration

import (
	"debug/elf"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
)

func readPackaging(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile("../packaging/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// composeFile is what the tests want to know of compose.yaml; what they do not know is refused.
type composeFile struct {
	Services map[string]struct {
		Build struct {
			Context    string `yaml:"context"`
			Dockerfile string `yaml:"dockerfile"`
		} `yaml:"build"`
		Image           string            `yaml:"image"`
		NetworkMode     string            `yaml:"network_mode"`
		Restart         string            `yaml:"restart"`
		StopGracePeriod string            `yaml:"stop_grace_period"`
		Environment     map[string]string `yaml:"environment"`
		Volumes         []string          `yaml:"volumes"`
		ReadOnly        bool              `yaml:"read_only"`
		CapDrop         []string          `yaml:"cap_drop"`
		SecurityOpt     []string          `yaml:"security_opt"`
		Ulimits         map[string]int    `yaml:"ulimits"`
	} `yaml:"services"`
	Volumes map[string]any `yaml:"volumes"`
}

// imageEnvironment is what the Dockerfile sets.
func imageEnvironment(t *testing.T) (env []string) {
	t.Helper()
	for _, m := range regexp.MustCompile(`(?m)^ENV (.+)$`).FindAllStringSubmatch(readPackaging(t, "Dockerfile"), -1) {
		env = append(env, strings.Fields(m[1])...)
	}
	if len(env) == 0 {
		t.Fatal("the Dockerfile sets nothing")
	}
	return env
}

// headgateOutput runs the binary with only these variables beside the usual ones.
func headgateOutput(t *testing.T, env []string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.Command(binary(), args...)
	cmd.Env = append(cleanEnvironment(), env...)
	output, err := cmd.CombinedOutput()
	return string(output), err
}

// TestComposeConfiguresTheGateway gives the settings of compose.yaml, over those of the image, to the real configuration.
func TestComposeConfiguresTheGateway(t *testing.T) {
	var file composeFile
	if err := yaml.UnmarshalWithOptions([]byte(readPackaging(t, "compose.yaml")), &file, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	service, ok := file.Services["headgate"]
	if !ok || !service.ReadOnly || len(service.CapDrop) != 1 || service.Ulimits["nofile"] < 4096 {
		t.Fatalf("%+v", service)
	}
	if _, err := os.Stat(filepath.Join("../packaging", service.Build.Context, service.Build.Dockerfile)); err != nil {
		t.Error(err)
	}
	for _, v := range service.Volumes {
		if name, _, _ := strings.Cut(v, ":"); len(file.Volumes) != 1 || name != "state" {
			t.Errorf("volume %s", v)
		}
	}
	env := imageEnvironment(t)
	given := map[string]string{"HEADGATE_HTTP_PUBLIC_URL": "https://live.example.com", "HEADGATE_MEDIA_PUBLIC_ADDRESSES": "203.0.113.7"}
	for name, value := range service.Environment {
		if m := regexp.MustCompile(`^\$\{(\w+):\?.+\}$`).FindStringSubmatch(value); m != nil {
			if value = given[m[1]]; value == "" || m[1] != name {
				t.Errorf("%s wants %s", name, m[1])
			}
		}
		env = append(env, name+"="+value)
	}
	output, err := headgateOutput(t, env, "serve", "--print-config")
	if err != nil {
		t.Fatalf("%v: %s", err, output)
	}
	for _, want := range []string{"http: 127.0.0.1:8080", "public_url: https://live.example.com", "- 127.0.0.1", "- 203.0.113.7", "listen: 127.0.0.1:9190", "state_dir: /state", "format: json"} {
		if !strings.Contains(output, want) {
			t.Errorf("the configuration lacks %q:\n%s", want, output)
		}
	}
}

// TestTheImageWorks does outside of Docker what the Dockerfile says: the build, and then the entry point, the command and the health check,
// with the image's settings but on other ports, in a folder of its own.
func TestTheImageWorks(t *testing.T) {
	text := readPackaging(t, "Dockerfile")
	image := buildAsTheImage(t, text)
	for _, want := range []string{"\nUSER 65532:65532\n", "\nENTRYPOINT [\"/headgate\"]\n", "\nCMD [\"serve\"]\n", "CMD [\"/headgate\", \"health\"]\n", "\nFROM scratch\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("the Dockerfile lacks %q", want)
		}
	}
	if version := regexp.MustCompile(`(?m)^FROM golang:(\S+) AS build$`).FindStringSubmatch(text); version == nil || !strings.Contains(readFile(t, "../go.mod"), "\ngo "+version[1]) {
		t.Errorf("the image is built with Go %v", version)
	}
	env := []string{"HEADGATE_STATE_DIR=" + t.TempDir()}
	for _, v := range imageEnvironment(t) {
		if name, _, _ := strings.Cut(v, "="); name != "HEADGATE_STATE_DIR" && name != "HEADGATE_OPERATIONS_LISTEN" {
			env = append(env, v)
		}
	}
	port := freePort(t)
	env = append(env, "HEADGATE_OPERATIONS_LISTEN=127.0.0.1:"+port)
	if output, err := headgateOutput(t, env, "health", "--timeout", "1s"); err == nil {
		t.Errorf("healthy before it began: %s", output)
	}
	g := serve(t, nil, env...)
	check := exec.Command(image, "health")
	check.Env = append(cleanEnvironment(), env...)
	if output, err := check.CombinedOutput(); err != nil || strings.TrimSpace(string(output)) != "ok" {
		t.Errorf("health: %v, %s", err, output)
	}
	if a := ask(t, "http://127.0.0.1:"+port+"/metrics"); a.status != 200 || !strings.Contains(a.body, "\nheadgate_sessions{") {
		t.Errorf("%d %.200s", a.status, a.body)
	}
	if a := ask(t, g.url+"/metrics"); a.status != 404 {
		t.Errorf("metrics on the main listener: %d", a.status)
	}
}

// buildAsTheImage runs the Dockerfile's build and returns the program, which must need nothing of the system it runs on.
func buildAsTheImage(t *testing.T, dockerfile string) string {
	t.Helper()
	command := regexp.MustCompile(`(?m)^RUN (CGO_ENABLED=0 go build .*)$`).FindStringSubmatch(dockerfile)
	if command == nil {
		t.Fatal("the Dockerfile builds nothing")
	}
	out := filepath.Join(t.TempDir(), "headgate")
	build := exec.Command("sh", "-c", changed(t, command[1], "/out/headgate", out))
	build.Dir, build.Env = "..", append(os.Environ(), "VERSION=image")
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, output)
	}
	if output, err := exec.Command(out, "version").Output(); err != nil || string(output) != "headgate image\n" {
		t.Errorf("version: %v, %s", err, output)
	}
	program, err := elf.Open(out)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = program.Close() }()
	if libraries, err := program.ImportedLibraries(); err != nil || len(libraries) > 0 {
		t.Errorf("the program wants %v, %v", libraries, err)
	}
	return out
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestUnitsAreUnderstood lets systemd read the units, with the program under test in place of the installed one.
func TestUnitsAreUnderstood(t *testing.T) {
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		lacking(t, "systemd-analyze: %v", err)
	}
	dir := t.TempDir()
	var units []string
	for _, name := range []string{"headgate.service", "headgate.socket"} {
		text := strings.ReplaceAll(readPackaging(t, name), "/usr/local/bin/headgate", binary())
		unit := filepath.Join(dir, name)
		if err := os.WriteFile(unit, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		units = append(units, unit)
	}
	cmd := exec.Command(analyze, append([]string{"verify", "--man=no"}, units...)...)
	cmd.Env = append(os.Environ(), "SYSTEMD_UNIT_PATH="+dir+":", "SYSTEMD_LOG_LEVEL=warning")
	output, err := cmd.CombinedOutput()
	if err != nil || strings.Contains(string(output), dir) || strings.Contains(string(output), "headgate") {
		t.Errorf("%v: %s", err, output)
	}
}

// TestTheUnitStartsTheGateway gives the unit's arguments to the program, with an example as the configuration.
func TestTheUnitStartsTheGateway(t *testing.T) {
	command := regexp.MustCompile(`(?m)^ExecStart=/usr/local/bin/headgate (.+)$`).FindStringSubmatch(readPackaging(t, "headgate.service"))
	if command == nil {
		t.Fatal("the unit starts something else")
	}
	args := strings.Fields(changed(t, command[1], "%d/headgate.yaml", "../examples/public-server.yaml"))
	if output, err := headgateOutput(t, nil, append(args, "--print-config")...); err != nil || !strings.Contains(output, "https: :443") {
		t.Errorf("%v: %s", err, output)
	}
}

// TestSystemdIsTold starts the gateway as systemd does, with its socket for messages.
func TestSystemdIsTold(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notify")
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = socket.Close() }()
	hear := func() string {
		_ = socket.SetReadDeadline(time.Now().Add(10 * time.Second))
		b := make([]byte, 100)
		n, err := socket.Read(b)
		if err != nil {
			t.Fatal(err)
		}
		return string(b[:n])
	}
	g := serve(t, nil, "NOTIFY_SOCKET="+path, "WATCHDOG_USEC=200000")
	if got := hear(); got != "READY=1" {
		t.Errorf("heard %q", got)
	}
	for range 3 {
		if got := hear(); got != "WATCHDOG=1" {
			t.Errorf("heard %q", got)
		}
	}
	g.endsInOrder(t)
	for got := ""; got != "STOPPING=1"; {
		got = hear()
	}
}
