package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The rules for a gateway whose access nobody configured: open on loopback only,
// elsewhere tokens signed with a key of its own.

func stateDir(t *testing.T) (dir, env string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "state")
	return dir, "HEADGATE_STATE_DIR=" + dir
}

func TestWithoutConfigurationLoopbackNeedsNoToken(t *testing.T) {
	for _, address := range []string{"127.0.0.1:0", "localhost:0", "[::1]:0"} {
		dir, env := stateDir(t)
		s := serve(t, &command{env: []string{env}}, "--http", address)
		if status, body := post(t, s.HTTP+"/whip/live", ""); status != http.StatusCreated {
			t.Errorf("%s: POST without a token: %d %s", address, status, body)
		}
		if _, err := os.Stat(dir); err == nil {
			t.Errorf("%s: a key was made that nobody needs", address)
		}
		if strings.Contains(s.stderr.String(), "no token is needed") {
			t.Errorf("%s: loud although only this machine can reach it: %s", address, s.stderr.String())
		}
	}
}

func TestElsewhereATokenOfItsOwnKeyIsNeeded(t *testing.T) {
	for _, address := range []string{"0.0.0.0:0", ":0", "[::]:0"} {
		dir, env := stateDir(t)
		s := serve(t, &command{env: []string{env}}, "--http", address)
		if status, body := post(t, s.HTTP+"/whip/live", ""); status != http.StatusUnauthorized || !strings.Contains(body, `"no-token"`) {
			t.Errorf("%s: POST without a token: %d %s", address, status, body)
		}
		key := filepath.Join(dir, "token.key")
		info, err := os.Stat(key)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: key file %v, %v", address, info, err)
		}
		secret, _ := os.ReadFile(key)
		if !strings.Contains(s.stderr.String(), "headgate token") || strings.Contains(s.stderr.String(), strings.TrimSpace(string(secret))) {
			t.Errorf("%s: the log names no remedy, or the key: %s", address, s.stderr.String())
		}
		token := makeToken(t, []string{env}, "--publish", "live")
		if status, body := post(t, s.HTTP+"/whip/live", token); status != http.StatusCreated {
			t.Errorf("%s: POST with a token: %d %s", address, status, body)
		}
	}
}

func TestBehindAProxyLoopbackIsNotThisMachineAlone(t *testing.T) {
	for _, setting := range []string{
		"HEADGATE_HTTP_PUBLIC_URL=https://live.example", "HEADGATE_HTTP_TRUSTED_PROXIES=127.0.0.1", "HEADGATE_HTTP_HOSTS=live.example",
	} {
		_, env := stateDir(t)
		s := serve(t, &command{env: []string{env, setting}})
		if status, body := post(t, s.HTTP+"/whip/live", ""); status != http.StatusUnauthorized {
			t.Errorf("%s: POST without a token: %d %s", setting, status, body)
		}
	}
}

func TestTheKeyMayComeFromTheEnvironment(t *testing.T) {
	dir, state := stateDir(t)
	key := "HEADGATE_KEY=" + strings.Repeat("k", 32)
	for _, address := range []string{"0.0.0.0:0", "127.0.0.1:0"} { // whoever gives a key wants tokens, also on loopback
		s := serve(t, &command{env: []string{state, key}}, "--http", address)
		if status, _ := post(t, s.HTTP+"/whip/live", ""); status != http.StatusUnauthorized {
			t.Errorf("%s: POST without a token: %d", address, status)
		}
		if status, body := post(t, s.HTTP+"/whip/live", makeToken(t, []string{state, key}, "--publish", "live")); status != http.StatusCreated {
			t.Errorf("%s: POST with a token: %d %s", address, status, body)
		}
		other := makeToken(t, []string{state, "HEADGATE_KEY=" + strings.Repeat("x", 32)}, "--publish", "live")
		if status, body := post(t, s.HTTP+"/whip/live", other); status != http.StatusUnauthorized || !strings.Contains(body, "bad-token") {
			t.Errorf("%s: POST with a token of another key: %d %s", address, status, body)
		}
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("a key was made beside the one given")
	}
}

func TestOpenIsLoud(t *testing.T) {
	for name, tc := range map[string]struct{ args, env []string }{
		"flag":        {args: []string{"--open"}},
		"environment": {env: []string{"HEADGATE_AUTH_OPEN=true"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, &command{env: tc.env}, append(tc.args, "--http", "0.0.0.0:0")...)
			if status, body := post(t, s.HTTP+"/whip/live", ""); status != http.StatusCreated {
				t.Errorf("POST without a token: %d %s", status, body)
			}
			if log := s.stderr.String(); !strings.Contains(log, "level=WARN") || !strings.Contains(log, "everybody") {
				t.Errorf("it is not loud: %s", log)
			}
		})
	}
}

func TestFixedTokensAloneCloseLoopbackToo(t *testing.T) {
	const key = "an-encoders-stream-key"
	file := write(t, "gateway.yaml", fmt.Sprintf("auth: {tokens: [{token: %s, publish: true, channels: [live]}]}\n", key))
	s := serve(t, &command{}, "--config", file)
	for token, want := range map[string]int{"": 401, "something-else-long": 401, key: 201} {
		if status, body := post(t, s.HTTP+"/whip/live", token); status != want {
			t.Errorf("token %q: %d, want %d: %s", token, status, want, body)
		}
	}
	if status, _ := post(t, s.HTTP+"/whip/other", key); status != http.StatusForbidden {
		t.Errorf("another channel: %d", status)
	}
}
