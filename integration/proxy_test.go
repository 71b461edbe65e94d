package integration

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var (
	nginx = client{name: "nginx", programs: []string{"nginx"}, version: []string{"-v"}}
	caddy = client{name: "Caddy", programs: []string{"caddy"}, version: []string{"version"}}
)

// A proxy is one of the examples, changed in nothing but its names and ports.
type proxy struct {
	plain, tls  string // ports
	certificate string // file
	gateway     *gateway
}

func (p *proxy) url(path string) string { return "https://localhost:" + p.tls + path }

// ask is curl as a client at another address of this machine, which trusts the certificate.
func (p *proxy) ask(t *testing.T, args ...string) answer {
	t.Helper()
	return ask(t, append([]string{"--http1.1", "--cacert", p.certificate, "--resolve", "localhost:" + p.tls + ":198.18.77.1", "--interface", "198.18.77.1"}, args...)...)
}

// behind starts a gateway, and a proxy in front of it by what run makes of an example.
func behind(t *testing.T, run func(t *testing.T, p *proxy, key string) *exec.Cmd) *proxy {
	t.Helper()
	needNetwork(t)
	p := &proxy{plain: freePort(t), tls: freePort(t)}
	p.gateway = serve(t, []string{"--open", "--public-url", p.url("")}, "HEADGATE_HTTP_TRUSTED_PROXIES=127.0.0.1")
	var key string
	p.certificate, key = certificate(t, "localhost")
	program := start(t, "proxy", run(t, p, key))
	eventually(t, patience, "the proxy is ready", func() error {
		if err := program.running(); err != nil {
			t.Fatal(err)
		}
		conn, err := net.Dial("tcp", "127.0.0.1:"+p.tls)
		if err == nil {
			_ = conn.Close()
		}
		return err
	})
	return p
}

// certificate makes one for a name, signed by itself.
func certificate(t *testing.T, name string) (certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	writeFile(t, certFile, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	writeFile(t, keyFile, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})))
	return certFile, keyFile
}

func writeFile(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// changed replaces every pair of strings, each of which must be there.
func changed(t *testing.T, text string, pairs ...string) string {
	t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(text, pairs[i]) {
			t.Fatalf("the example lacks %q", pairs[i])
		}
		text = strings.ReplaceAll(text, pairs[i], pairs[i+1])
	}
	return text
}

func runNginx(t *testing.T, p *proxy, key string) *exec.Cmd {
	t.Helper()
	program, dir := need(t, nginx), t.TempDir()
	writeFile(t, filepath.Join(dir, "headgate.conf"), changed(t, readFile(t, "../examples/nginx/headgate.conf"),
		"listen 80;", "listen "+p.plain+";", "listen [::]:80;", "", "listen 443 ssl", "listen "+p.tls+" ssl", "listen [::]:443 ssl http2;", "",
		"server_name live.example.com", "server_name localhost", "http://127.0.0.1:8080", p.gateway.url,
		"/etc/letsencrypt/live/live.example.com/fullchain.pem", p.certificate, "/etc/letsencrypt/live/live.example.com/privkey.pem", key))
	user := ""
	if os.Getuid() == 0 {
		user = "user root;\n" // whose files these are
	}
	temporary := ""
	for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		temporary += fmt.Sprintf("%s_temp_path %s;\n", kind, filepath.Join(dir, kind))
	}
	main := filepath.Join(dir, "nginx.conf")
	writeFile(t, main, user+"daemon off;\nerror_log stderr;\npid "+filepath.Join(dir, "pid")+";\nevents {}\nhttp {\naccess_log off;\n"+temporary+"include "+filepath.Join(dir, "headgate.conf")+";\n}\n")
	return exec.Command(program, "-p", dir, "-c", main)
}

func runCaddy(t *testing.T, p *proxy, key string) *exec.Cmd {
	t.Helper()
	program, dir := need(t, caddy), t.TempDir()
	file := filepath.Join(dir, "Caddyfile")
	options := fmt.Sprintf("{\n\tadmin off\n\thttp_port %s\n\thttps_port %s\n}\n", p.plain, p.tls)
	writeFile(t, file, options+changed(t, readFile(t, "../examples/caddy/Caddyfile"),
		"live.example.com {", "localhost {\n\ttls "+p.certificate+" "+key, "reverse_proxy 127.0.0.1:8080", "reverse_proxy "+strings.TrimPrefix(p.gateway.url, "http://")))
	cmd := exec.Command(program, "run", "--adapter", "caddyfile", "--config", file)
	cmd.Env = append(os.Environ(), "HOME="+dir, "XDG_DATA_HOME="+dir, "XDG_CONFIG_HOME="+dir)
	return cmd
}

// TestBehindAProxy goes through the examples of nginx and Caddy, in front of the real gateway.
func TestBehindAProxy(t *testing.T) {
	for name, run := range map[string]func(*testing.T, *proxy, string) *exec.Cmd{"nginx": runNginx, "caddy": runCaddy} {
		t.Run(name, func(t *testing.T) {
			p := behind(t, run)
			t.Run("a session by curl", p.session)
			t.Run("who the client is", p.forwarded)
			t.Run("what is not passed on", p.kept)
			t.Run("publishing and playing", p.media)
		})
	}
}

const typeSDP, typeFragment = "Content-Type: application/sdp", "Content-Type: application/trickle-ice-sdpfrag"

// session makes, changes and ends a session; names arrive as they were escaped.
func (p *proxy) session(t *testing.T) {
	created := p.ask(t, "-H", typeSDP, "--data-binary", "@"+publishOffer(t), p.url("/whip/a%2Fb%2Bc"))
	if created.status == 201 {
		t.Error("a name with a slash was taken: the proxy has changed the path")
	}
	created = p.ask(t, "-H", typeSDP, "--data-binary", "@"+publishOffer(t), p.url("/whip/a%2Bb%20c"))
	location, etag := created.header("Location"), created.header("ETag")
	if created.status != 201 || !strings.HasPrefix(location, p.url("/session/")) || etag == "" {
		t.Fatalf("%d %s", created.status, created.headers)
	}
	if a := p.ask(t, p.url("/api/v1/channels")); !strings.Contains(a.body, `"a+b c"`) {
		t.Errorf("the channel is called something else: %s", a.body)
	}
	patch := func(etag string) answer {
		return p.ask(t, "-X", "PATCH", "-H", typeFragment, "-H", "If-Match: "+etag, "-d", "a=end-of-candidates\r\n", location)
	}
	large := filepath.Join(t.TempDir(), "large.sdp") // more than the gateway takes, less than the proxies do
	if err := os.WriteFile(large, []byte(strings.Repeat("a=x\r\n", 60_000)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name   string
		answer answer
		status int
	}{
		{"PATCH", patch(etag), 204},
		{"PATCH, another ETag", patch(`"another"`), 412},
		{"OPTIONS", p.ask(t, "-X", "OPTIONS", p.url("/whip/live")), 200},
		{"HEAD of a session", p.ask(t, "--head", location), 204},
		{"a body that is larger", p.ask(t, "-H", typeSDP, "-H", "Expect:", "--data-binary", "@"+large, p.url("/whip/live")), 413},
		{"DELETE", p.ask(t, "-X", "DELETE", location), 200},
		{"DELETE again", p.ask(t, "-X", "DELETE", location), 200},
		{"PATCH after DELETE", patch(etag), 404},
	} {
		if row.answer.status != row.status {
			t.Errorf("%s: %d, want %d: %s", row.name, row.answer.status, row.status, row.answer.headers)
		}
	}
}

// forwarded looks for the client's address in the gateway's log, and lies about it.
func (p *proxy) forwarded(t *testing.T) {
	p.ask(t, "-H", "X-Forwarded-For: 203.0.113.9", "-H", "X-Forwarded-Host: evil.example", "-H", "Forwarded: for=203.0.113.9;host=evil.example", p.url("/api/v1/settings"))
	p.gateway.prints(t, patience, `route=/api/v1/settings .*from=198\.18\.77\.1\b`)
	if strings.Contains(p.gateway.output.String(), "203.0.113.9") {
		t.Error("what a client says of its address is believed")
	}
	if a := p.ask(t, p.url("/api/v1/settings")); !strings.Contains(a.body, p.url("/whip/")) {
		t.Errorf("settings %s", a.body)
	}
}

// kept are what the proxy answers for itself.
func (p *proxy) kept(t *testing.T) {
	if a := p.ask(t, p.url("/metrics")); a.status != http.StatusNotFound {
		t.Errorf("metrics: %d", a.status)
	}
	a := ask(t, "http://localhost:"+p.plain+"/whip/live")
	if a.status != http.StatusPermanentRedirect || !strings.HasPrefix(a.header("Location"), "https://localhost") {
		t.Errorf("plain HTTP: %d %s", a.status, a.headers)
	}
}

// media lets the conformance kit publish and play through the proxy: no case may fail.
func (p *proxy) media(t *testing.T) {
	cmd := exec.Command(binary(), "conform", "--whip", p.url("/whip/{}"), "--whep", p.url("/whep/{}"))
	cmd.Env = append(cleanEnvironment(), "SSL_CERT_FILE="+p.certificate)
	kit := start(t, "headgate conform", cmd)
	if err := kit.ends(t, 2*time.Minute); err != nil {
		t.Errorf("headgate conform ended with %v", err)
	}
	t.Log(kit.prints(t, time.Second, `(?m)^\d+ cases: .*$`)[0])
}
