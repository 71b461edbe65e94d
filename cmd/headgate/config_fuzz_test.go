package main

import (
	"strings"
	"testing"

	"github.com/headgate/headgate/internal/gateway"
)

// canary stands where secrets stand.
const canary = "c4nary-c4nary-c4nary-c4nary-c4nary"

func FuzzDecodeConfig(f *testing.F) {
	for _, text := range []string{
		full, "", "a", "[]", "{}", "- - -", "http: {http: [}", "auth:\n  tokens:\n  - {token: x}\n", "a: &a {b: *a}\n", "? x\n: y\n",
		"http:\n\thttp: x", "\xff\xfe", "x: !!binary aGk=", "log: {level: |\n  debug\n}", "http: {http: a, http: b}", "%YAML 1.2\n---\na: b", "<<: {a: b}",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) > 1<<14 {
			t.Skip("large files only take longer")
		}
		cfg := gateway.DefaultConfig()
		from := make(sources)
		if err := decodeConfig("f", text, &cfg, from); err != nil {
			if !strings.HasPrefix(err.Error(), "f:") {
				t.Errorf("an error that does not name the file: %v", err)
			}
			return
		}
		_ = from.locate(cfg.Validate())
	})
}

// FuzzSecretsInErrors puts a secret into a file that anything may stand before
// and after, and wants it in no error.
func FuzzSecretsInErrors(f *testing.F) {
	f.Add("auth:\n  tokens:\n    - token: ", "\n")
	f.Add("auth: {tokens: [{token: '", "}]")
	f.Add("auth: {jwt: {keys: [{secret: ", ", public_key: x}]}}")
	f.Add("ice_servers: {servers: [{urls: [x], credential: ", "\n\t")
	f.Fuzz(func(t *testing.T, before, after string) {
		if len(before)+len(after) > 1<<12 || !strings.Contains(before, "token:") && !strings.Contains(before, "secret:") && !strings.Contains(before, "credential:") {
			t.Skip("not about secrets")
		}
		cfg := gateway.DefaultConfig()
		from := make(sources)
		err := decodeConfig("f", []byte(before+canary+after), &cfg, from)
		if err == nil {
			err = from.locate(cfg.Validate())
		}
		if err != nil && strings.Contains(err.Error(), canary) && isSecretPlace(cfg) {
			t.Errorf("the secret is shown: %v", err)
		}
	})
}

// isSecretPlace tells whether the canary came to stand where a secret belongs.
func isSecretPlace(cfg gateway.Config) bool {
	for _, token := range cfg.Auth.Tokens {
		if strings.Contains(string(token.Token), canary) {
			return true
		}
	}
	for _, key := range cfg.Auth.JWT.Keys {
		if strings.Contains(string(key.Secret), canary) {
			return true
		}
	}
	for _, server := range cfg.ICEServers.Servers {
		if strings.Contains(string(server.Secret)+string(server.Credential), canary) {
			return true
		}
	}
	return false
}

func FuzzApplyEnv(f *testing.F) {
	f.Add("HEADGATE_HTTP_HTTP", ":80")
	f.Add("HEADGATE_AUTH_TOKENS", "[{token: x, publish: true}]")
	f.Add("HEADGATE_HTTP_HOSTS", "a,b,,c")
	f.Add("HEADGATE_HTTP_HOSTS", "[a, &b c, *b]")
	f.Add("HEADGATE_CHANNELS_ENDED_AFTER", "-1h")
	f.Add("HEADGATE_", "")
	f.Fuzz(func(t *testing.T, name, value string) {
		if strings.ContainsAny(name, "=\x00") || len(value) > 1<<12 {
			t.Skip("not a variable")
		}
		cfg := gateway.DefaultConfig()
		err := applyEnv(&cfg, []string{name + "=" + value}, nil, make(sources))
		if err != nil && !strings.Contains(err.Error(), name) {
			t.Errorf("an error that does not name the variable: %v", err)
		}
	})
}
