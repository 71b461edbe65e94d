package main

import (
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/headgate/headgate/internal/gateway"
)

func TestEachSourceIsStrongerThanTheOneBefore(t *testing.T) {
	file := write(t, "gateway.yaml", "http: {http: 127.0.0.1:1}\nlog: {level: warn}\nchannels: {idle: wait}\n")
	for name, tc := range map[string]struct {
		file  string
		env   []string
		flags []string
		want  string
	}{
		"default":            {"", nil, nil, "127.0.0.1:8080"},
		"file":               {file, nil, nil, "127.0.0.1:1"},
		"environment":        {"", []string{"HEADGATE_HTTP_HTTP=127.0.0.1:2"}, nil, "127.0.0.1:2"},
		"flag":               {"", nil, []string{"--http", "127.0.0.1:3"}, "127.0.0.1:3"},
		"environment > file": {file, []string{"HEADGATE_HTTP_HTTP=127.0.0.1:2"}, nil, "127.0.0.1:2"},
		"flag > all":         {file, []string{"HEADGATE_HTTP_HTTP=127.0.0.1:2"}, []string{"--http", "127.0.0.1:3"}, "127.0.0.1:3"},
	} {
		t.Run(name, func(t *testing.T) {
			args := append([]string{"serve", "--print-config"}, tc.flags...)
			if tc.file != "" {
				args = append(args, "--config", tc.file)
			}
			c := command{env: tc.env}
			if err := c.run(t, args...); err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(c.stdout.String(), "\n  http: "+tc.want+"\n") {
				t.Errorf("http is not %s:\n%s", tc.want, c.stdout.String())
			}
			if idle := strings.Contains(c.stdout.String(), "idle: wait"); idle != (tc.file != "") {
				t.Errorf("the file's other settings: idle: wait is %v", idle)
			}
		})
	}
}

func TestTheFileMayBeNamedByTheEnvironment(t *testing.T) {
	named, flagged := write(t, "named.yaml", "log: {level: warn}\n"), write(t, "flagged.yaml", "log: {level: error}\n")
	con := (&command{env: []string{"HEADGATE_CONFIG=" + named}}).console()
	cfg, err := loadConfig(con, "", nil)
	if err != nil || cfg.Log.Level != "warn" {
		t.Errorf("level %q, %v", cfg.Log.Level, err)
	}
	if cfg, err = loadConfig(con, flagged, nil); err != nil || cfg.Log.Level != "error" {
		t.Errorf("level %q, %v; the flag is stronger", cfg.Log.Level, err)
	}
	_, err = loadConfig((&command{env: []string{"HEADGATE_CONFIG=/nowhere/x.yaml"}}).console(), "", nil)
	mustSay(t, err, "/nowhere/x.yaml")
}

func TestFlagsReachTheirSettings(t *testing.T) {
	want := gateway.DefaultConfig()
	want.HTTP.HTTP, want.Media.Listen, want.HTTP.PublicURL = "0.0.0.0:80", "0.0.0.0:81", "https://live.example"
	want.Media.PublicAddresses = []string{"192.0.2.1", "live.example"}
	want.Auth.Open, want.Log.Level, want.Log.Format = true, "debug", "json"
	flags := serveCommand{
		HTTP: "0.0.0.0:80", Media: "0.0.0.0:81", PublicURL: "https://live.example",
		PublicIP: []string{"192.0.2.1", "live.example"}, Open: true, LogLevel: "debug", LogFormat: "json",
	}
	got, err := loadConfig((&command{}).console(), "", flags.flags)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestAllFaultsAreReportedAtOnceWithWhereTheyAre(t *testing.T) {
	file := write(t, "gateway.yaml", strings.Join([]string{
		"http:",
		"  http: nowhere",
		"  limits: {post_rate: -1}",
		"channels:",
		"  idel: wait",
		"  ended_after: 10",
		"auth:",
		"  tokens:",
		"    - token: short",
		"      publish: perhaps",
		"      channels: [a, '*x*']",
		"sessions: {lost_after: 0s}",
		"",
	}, "\n"))
	_, err := loadConfig((&command{env: []string{
		"HEADGATE_LOG_LEVEL=loud", "HEADGATE_NO_SUCH=1", "HEADGATE_EGRESS_WORKERS=two", "HEADGATE_KEY=tiny",
	}}).console(), file, (&serveCommand{PublicURL: "live.example"}).flags)
	mustSay(t, err,
		file+":2: http.http: must look like HOST:PORT",
		file+":3: http.limits.post_rate: must be greater than 0",
		file+":5: unknown setting channels.idel; did you mean idle?",
		file+`:6: channels.ended_after must be a duration such as "5s" or "2m", got "10"`,
		file+":9: auth.tokens[0].token: must be at least 16",
		file+`:10: auth.tokens[0].publish must be true or false, got "perhaps"`,
		file+`:11: auth.tokens[0].channels: "*x*" is not a channel`,
		file+":12: sessions.lost_after: must be longer than 0",
		"HEADGATE_LOG_LEVEL: log.level: must be debug, info, warn or error",
		"unknown variable HEADGATE_NO_SUCH",
		"HEADGATE_EGRESS_WORKERS must be a whole number",
		"HEADGATE_KEY must be at least 32 bytes, got 4",
		"--public-url: http.public_url:",
	)
	if n := strings.Count(err.Error(), "\n") + 1; n != 13 { // that the token allows nothing only follows
		t.Errorf("%d faults:\n%v", n, err)
	}
}

func TestFaultsNameTheStrongestSource(t *testing.T) {
	file := write(t, "gateway.yaml", "log: {level: loud}\nhttp:\n  https: :443\n")
	_, err := loadConfig((&command{env: []string{"HEADGATE_LOG_LEVEL=louder"}}).console(), file, nil)
	mustSay(t, err, `HEADGATE_LOG_LEVEL: log.level: must be debug, info, warn or error, got "louder"`,
		file+":2: http.tls: https wants the files") // tls is missing, http is the nearest that stands there
	_, err = loadConfig((&command{env: []string{"HEADGATE_LOG_LEVEL=louder"}}).console(), file, (&serveCommand{LogFormat: "xml"}).flags)
	mustSay(t, err, "--log-format: log.format: must be text or json")
}

func TestCheckConfig(t *testing.T) {
	var c command
	good := write(t, "good.yaml", "channels: {idle: wait}\n")
	if err := c.run(t, "check-config", good); err != nil || c.stdout.String() != good+" is fine.\n" {
		t.Errorf("%v, %q", err, c.stdout.String())
	}
	bad := write(t, "bad.yaml", "channels: {idle: perhaps}\n")
	mustSay(t, c.run(t, "check-config", bad), bad+":1: channels.idle: must be refuse or wait")
}

func TestCheckConfigNotesFilesThatAreNotHere(t *testing.T) {
	present := write(t, "key.pem", "")
	file := write(t, "gateway.yaml", "http:\n  https: :443\n  tls:\n    cert: /nowhere/cert.pem\n    key: "+present+
		"\nauth:\n  jwt:\n    keys:\n      - secret_file: /nowhere/secret\n      - public_key_file: "+present+"\n")
	var c command
	if err := c.run(t, "check-config", file); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{file + ":4: http.tls.cert: open /nowhere/cert.pem", file + ":9: auth.jwt.keys[0].secret_file: open /nowhere/secret"} {
		if !strings.Contains(c.stderr.String(), want) {
			t.Errorf("no note says %q:\n%s", want, c.stderr.String())
		}
	}
	if n := strings.Count(c.stderr.String(), "\n"); n != 2 || !strings.HasSuffix(c.stdout.String(), "is fine.\n") {
		t.Errorf("%d notes:\n%s%s", n, c.stderr.String(), c.stdout.String())
	}
}

// full is a configuration that uses every sort of setting.
const full = `
http:
  https: 127.0.0.1:8443
  tls: {cert: /etc/headgate/cert.pem, key: /etc/headgate/key.pem}
  hosts: [live.example, "*"]
  limits: {post_rate: 2.5}
  max_body_bytes: 70000
cors: {origins: ["https://app.example"], private_network: true}
media: {public_addresses: [192.0.2.1], interfaces: ["eth*"], ipv6: false}
auth:
  tokens:
    - token: 0000123456789012345678
      publish: true
      channels: ["*"]
      expires: 2030-12-31T23:59:59Z
    - {token: another-secret-token, play: true, channels: [live, "show-*"], name: "Zoë: the viewer"}
  jwt:
    keys: [{id: k1, secret: a-secret-of-at-least-thirty-two-bytes}]
    jwks_url: https://issuer.example/keys
    audience: [headgate]
  exp: join
channels: {duplicates: replace, viewer_linger: 90s}
sessions: {video: [VP8, H264], no_trickle: true}
ice_servers:
  servers:
    - {urls: ["stun:stun.example:3478"]}
    - {urls: ["turn:turn.example"], secret: turn-shared-secret}
    - {urls: ["turn:turn2.example"], username: u, credential: turn-credential}
egress: {workers: 3}
pages: {frame_ancestors: ["'self'", "https://app.example"], connect_sources: ["https://live.example"]}
state_dir: "/var/lib/with space"
log: {level: debug, format: json}
`

func fullSecrets() []string {
	return []string{
		"0000123456789012345678", "another-secret-token", "a-secret-of-at-least-thirty-two-bytes",
		"turn-shared-secret", "turn-credential", "the-own-key-of-the-gateway-0123456789",
	}
}

func mustLoad(t *testing.T, text string, env ...string) gateway.Config {
	t.Helper()
	cfg, err := loadConfig((&command{env: env}).console(), write(t, "gateway.yaml", text), nil)
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

func TestEverySortOfSettingIsRead(t *testing.T) {
	cfg := mustLoad(t, full)
	for name, ok := range map[string]bool{
		"text":             cfg.HTTP.HTTPS == "127.0.0.1:8443",
		"default stays":    cfg.HTTP.HTTP == "127.0.0.1:8080" && cfg.HTTP.Limits.PostBurst == 60,
		"number":           cfg.HTTP.Limits.PostRate == 2.5 && cfg.HTTP.MaxBodyBytes == 70000 && cfg.Egress.Workers == 3,
		"bool":             !cfg.Media.IPv6 && cfg.Media.TCP && cfg.CORS.PrivateNetwork,
		"list":             reflect.DeepEqual(cfg.HTTP.Hosts, []string{"live.example", "*"}),
		"duration":         cfg.Channels.ViewerLinger == 90*time.Second,
		"time":             cfg.Auth.Tokens[0].Expires.Equal(time.Date(2030, 12, 31, 23, 59, 59, 0, time.UTC)),
		"secret as it is":  string(cfg.Auth.Tokens[0].Token) == "0000123456789012345678",
		"list of settings": cfg.Auth.Tokens[1].Name == "Zoë: the viewer" && len(cfg.ICEServers.Servers) == 3,
		"pages":            len(cfg.Pages.FrameAncestors) == 2 && len(cfg.Pages.ConnectSources) == 1,
	} {
		if !ok {
			t.Errorf("%s: %+v", name, cfg)
		}
	}
}

func TestPrintConfigShowsNoSecret(t *testing.T) {
	c := command{env: []string{"HEADGATE_KEY=the-own-key-of-the-gateway-0123456789"}}
	if err := c.run(t, "serve", "--print-config", "--config", write(t, "gateway.yaml", full)); err != nil {
		t.Fatal(err)
	}
	for _, secret := range fullSecrets() {
		if strings.Contains(c.stdout.String()+c.stderr.String(), secret) {
			t.Errorf("%s is shown:\n%s", secret, c.stdout.String())
		}
	}
	if n := strings.Count(c.stdout.String(), hiddenSecret); n != 5 {
		t.Errorf("%d placeholders, want 5:\n%s", n, c.stdout.String())
	}
}

// TestPrintedConfigurationLoadsAgain puts the secrets back into what was printed
// and wants the same configuration.
func TestPrintedConfigurationLoadsAgain(t *testing.T) {
	for name, text := range map[string]string{"defaults": "", "every sort of setting": full} {
		t.Run(name, func(t *testing.T) {
			before := mustLoad(t, text)
			c := command{}
			if err := c.run(t, "serve", "--print-config", "--config", write(t, "gateway.yaml", text)); err != nil {
				t.Fatal(err)
			}
			printed := c.stdout.String()
			for _, secret := range fullSecrets() { // in the order of the file
				printed = strings.Replace(printed, strconv.Quote(hiddenSecret), secret, 1)
			}
			after := mustLoad(t, printed)
			if !reflect.DeepEqual(plain(before), plain(after)) {
				t.Errorf("printed:\n%s\nbefore: %+v\nafter:  %+v", printed, before, after)
			}
		})
	}
}

// plain makes no difference between no list and an empty one.
func plain(cfg gateway.Config) gateway.Config {
	var visit func(v reflect.Value)
	visit = func(v reflect.Value) {
		switch v.Kind() {
		case reflect.Struct:
			for i := range v.NumField() {
				if v.Field(i).CanSet() {
					visit(v.Field(i))
				}
			}
		case reflect.Slice:
			if v.Len() == 0 {
				v.SetZero()
			}
			for i := range v.Len() {
				visit(v.Index(i))
			}
		default: // nothing inside
		}
	}
	visit(reflect.ValueOf(&cfg).Elem())
	return cfg
}

func TestThePlaceholderIsNoSecret(t *testing.T) {
	_, err := loadConfig((&command{}).console(), write(t, "gateway.yaml",
		"ice_servers:\n  servers:\n    - urls: ['turn:turn.example']\n      secret: '[hidden]'\n"), nil)
	mustSay(t, err, ":4: ice_servers.servers[0].secret is only the placeholder")
}

func TestErrorsShowNoSecret(t *testing.T) {
	const secret = "very-secret-stream-key"
	for name, text := range map[string]string{
		"broken syntax":           "auth:\n  tokens:\n    - token: " + secret + "\n\tpublish: true\n",
		"unclosed quote":          "auth: {tokens: [{token: '" + secret + "}]}\n",
		"not a list":              "auth:\n  tokens: " + secret + "\n",
		"not a mapping":           "auth: " + secret + "\n",
		"a list for a text":       "auth:\n  tokens:\n    - token: [" + secret + "]\n",
		"wrong neighbour":         "auth:\n  tokens:\n    - {token: " + secret + ", publish: 7}\n",
		"unknown neighbour":       "auth:\n  tokens:\n    - {token: " + secret + ", pulbish: true}\n",
		"twice":                   "auth:\n  tokens:\n    - {token: " + secret + ", token: " + secret + ", publish: true, channels: [a]}\n",
		"both secret and public":  "auth: {jwt: {keys: [{secret: " + secret + ", public_key: " + secret + "}]}}\n",
		"credential with a comma": "ice_servers: {servers: [{urls: ['turn:t.example'], username: u, credential: '" + secret + ",'}]}\n",
	} {
		t.Run(name, func(t *testing.T) {
			var c command
			err := c.run(t, "check-config", write(t, "gateway.yaml", text))
			mustSay(t, err, "gateway.yaml:")
			if strings.Contains(err.Error(), secret) {
				t.Errorf("the secret is shown: %v", err)
			}
		})
	}
	c := command{env: []string{
		"HEADGATE_AUTH_TOKENS=[{token: " + secret + ", publish: 7}]", "HEADGATE_SECRET=" + secret,
		"HEADGATE_AUTH_JWT_KEYS=" + secret, "HEADGATE_ICE_SERVERS_SERVERS=[{" + secret, "HEADGATE_KEY=" + secret,
	}}
	err := c.run(t, "serve", "--print-config")
	mustSay(t, err, "HEADGATE_AUTH_TOKENS", "HEADGATE_SECRET", "HEADGATE_AUTH_JWT_KEYS", "HEADGATE_ICE_SERVERS_SERVERS", "HEADGATE_KEY")
	if strings.Contains(err.Error(), secret) {
		t.Errorf("the secret is shown: %v", err)
	}
}
