package main

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/headgate/headgate/internal/gateway"
	"github.com/headgate/headgate/internal/testkit"
)

var testKey = strings.Repeat("headgate", 4)

func makeToken(t *testing.T, env []string, args ...string) string {
	t.Helper()
	c := command{env: env}
	if err := c.run(t, append([]string{"token"}, args...)...); err != nil {
		t.Fatal(err)
	}
	out := c.stdout.String()
	if strings.Count(out, "\n") != 1 || strings.ContainsAny(strings.TrimSpace(out), " \n") {
		t.Errorf("scripts want the token and nothing else, got %q", out)
	}
	return strings.TrimSpace(out)
}

func TestATokenAllowsWhatWasAskedForAndNothingElse(t *testing.T) {
	g := testkit.StartGateway(t, func(c *gateway.Config) { c.Auth.Own = []byte(testKey) })
	const created, refused, idle = http.StatusCreated, http.StatusForbidden, http.StatusConflict
	for name, tc := range map[string]struct {
		args []string
		want map[string]int
	}{
		"publish one channel": {[]string{"--publish", "live"}, map[string]int{
			"/whip/live": created, "/whip/live/bob": created, "/whip/live2": refused, "/whip/LIVE": refused, "/whep/live": refused,
		}},
		"publish several": {[]string{"--publish", "a,b", "--publish", "c d"}, map[string]int{
			"/whip/a": created, "/whip/b": created, "/whip/c%20d": created, "/whip/a,b": refused,
		}},
		"play": {[]string{"--play", "quiet"}, map[string]int{"/whep/quiet": idle, "/whip/quiet": refused, "/whep/other": refused}},
		"prefix": {[]string{"--publish", "show-*"}, map[string]int{
			"/whip/show-1": created, "/whip/show-": created, "/whip/show": refused, "/whip/a-show-1": refused,
		}},
		"everything": {[]string{"--publish", "*", "--play", "*"}, map[string]int{"/whip/any": created, "/whep/whatever": idle}},
		"one participant": {[]string{"--publish", "live3", "--participant", "alice"}, map[string]int{
			"/whip/live3/alice": created, "/whip/live3/alice/screen": created, "/whip/live3/bob": refused,
		}},
		"every participant": {[]string{"--publish", "live4", "--participant", "*"}, map[string]int{
			"/whip/live4/alice": created, "/whip/live4/bob": created,
		}},
		"administration is not publishing": {[]string{"--admin"}, map[string]int{"/whip/live": refused, "/whep/live": refused}},
	} {
		t.Run(name, func(t *testing.T) {
			token := makeToken(t, []string{"HEADGATE_KEY=" + testKey}, tc.args...)
			for path, want := range tc.want {
				if status, body := post(t, g.URL()+path, token); status != want {
					t.Errorf("%s: %d, want %d: %s", path, status, want, body)
				}
			}
		})
	}
}

// claims decodes the payload of a token, with the times as seconds from now.
func claims(t *testing.T, token string) map[string]any {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("not a JWT: %s", token)
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	var c map[string]any
	if err := json.Unmarshal(payload, &c); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"iat", "exp", "join_by"} {
		if at, ok := c[name].(float64); ok {
			c[name] = time.Until(time.Unix(int64(at), 0)).Round(time.Minute).String()
		}
	}
	return c
}

func TestClaims(t *testing.T) {
	for name, tc := range map[string]struct {
		args []string
		want map[string]any
	}{
		"twelve hours by default": {[]string{"--publish", "a"}, map[string]any{"publish": []any{"a"}, "exp": "12h0m0s"}},
		"everything": {
			[]string{
				"--publish", "a", "--play", "b,c", "--admin", "--participant", "p", "--subject", "s@example", "--name", "Zoë",
				"--tag", "team=red", "--tag", "seat=4", "--ttl", "30m", "--join-within", "5m", "--once",
			},
			map[string]any{
				"publish": []any{"a"}, "play": []any{"b", "c"}, "admin": true, "participant": "p", "sub": "s@example", "name": "Zoë",
				"tags": map[string]any{"team": "red", "seat": "4"}, "exp": "30m0s", "join_by": "5m0s", "once": true,
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := claims(t, makeToken(t, []string{"HEADGATE_KEY=" + testKey}, tc.args...))
			if id, _ := got["jti"].(string); len(id) < 20 {
				t.Errorf("jti = %q", id)
			}
			want := maps.Clone(tc.want)
			want["jti"], want["iat"] = got["jti"], "0s"
			if !reflect.DeepEqual(got, want) {
				t.Errorf("claims %v\nwant   %v", got, want)
			}
		})
	}
	if a, b := makeToken(t, []string{"HEADGATE_KEY=" + testKey}, "--admin"), makeToken(t, []string{"HEADGATE_KEY=" + testKey}, "--admin"); a == b {
		t.Error("two tokens have the same id")
	}
}

func TestTokenRefuses(t *testing.T) {
	key := []string{"HEADGATE_KEY=" + testKey}
	config := func(text string) []string {
		return []string{"--publish", "a", "--config", write(t, "gateway.yaml", text)}
	}
	for name, tc := range map[string]struct {
		env, args []string
		want      string
	}{
		"no rights":              {key, nil, "would allow nothing"},
		"no time":                {key, []string{"--publish", "a", "--ttl", "0s"}, "--ttl must be longer than 0"},
		"time past":              {key, []string{"--publish", "a", "--ttl=-1h"}, "--ttl must be longer than 0"},
		"bad channel":            {key, []string{"--publish", "a/b"}, `"a/b" is not a channel`},
		"bad pattern":            {key, []string{"--play", "*a"}, `"*a" is not a channel`},
		"bad participant":        {key, []string{"--publish", "a", "--participant", "p/q"}, `participant "p/q" is not a name`},
		"long name":              {key, []string{"--publish", "a", "--name", strings.Repeat("x", 200)}, "name is longer"},
		"short key":              {[]string{"HEADGATE_KEY=short"}, []string{"--publish", "a"}, "HEADGATE_KEY must be at least 32 bytes"},
		"bad configuration":      {key, config("htp: {}"), "did you mean http?"},
		"somebody else's issuer": {nil, config("auth: {jwt: {jwks_url: 'https://issuer.example/keys'}}"), "no signing key of its own"},
		"fixed tokens only":      {nil, config("auth: {tokens: [{token: 0123456789abcdef, play: true, channels: [a]}]}"), "no signing key of its own"},
		"open":                   {nil, config("auth: {open: true}"), "needs no token"},
	} {
		t.Run(name, func(t *testing.T) {
			c := command{env: tc.env}
			mustSay(t, c.run(t, append([]string{"token"}, tc.args...)...), tc.want)
			if c.stdout.String() != "" {
				t.Errorf("it printed %s", c.stdout.String())
			}
		})
	}
}

func TestTokenSaysWhenItMadeAKey(t *testing.T) {
	dir, env := stateDir(t)
	for _, want := range []string{"headgate: made a key in " + dir + "; the gateway must keep its state there too\n", ""} {
		c := command{env: []string{env}}
		if err := c.run(t, "token", "--publish", "live"); err != nil || c.stderr.String() != want {
			t.Errorf("%v, stderr %q, want %q", err, c.stderr.String(), want)
		}
	}
}

func TestTheKeyIsKeptInTheStateDirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	config := write(t, "gateway.yaml", "state_dir: "+dir+"\n")
	first := makeToken(t, nil, "--publish", "live", "--config", config)
	info, err := os.Stat(filepath.Join(dir, "token.key"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v, %v", info, err)
	}
	second := makeToken(t, []string{"HEADGATE_CONFIG=" + config}, "--publish", "live")
	s := serve(t, &command{}, "--config", config, "--http", "0.0.0.0:0")
	for who, token := range map[string]string{"a": first, "b": second} { // made before the gateway had ever run
		if status, body := post(t, s.HTTP+"/whip/live/"+who, token); status != http.StatusCreated {
			t.Errorf("%d %s", status, body)
		}
	}
}
