package ui

import (
	"strings"
	"testing"
)

func TestConfigValidate(t *testing.T) {
	good := []Config{
		{},
		{FrameAncestors: []string{"'self'"}},
		{FrameAncestors: []string{"*"}},
		{FrameAncestors: []string{"https://example.com", "https://*.example.com", "http://localhost:3000"}, ConnectSources: []string{"https://gw.example.com:8443"}},
	}
	for _, cfg := range good {
		if err := cfg.Validate(); err != nil {
			t.Errorf("%+v: %v", cfg, err)
		}
	}
	for _, source := range hostileSources {
		if err := (Config{FrameAncestors: []string{source}}).Validate(); err == nil || !strings.Contains(err.Error(), "ui.frame_ancestors") {
			t.Errorf("frame ancestor %q: %v, want a complaint that names the setting", source, err)
		}
		if err := (Config{ConnectSources: []string{source}}).Validate(); err == nil || !strings.Contains(err.Error(), "ui.connect_sources") {
			t.Errorf("connect source %q: %v, want a complaint that names the setting", source, err)
		}
	}
}

var hostileSources = []string{"", "example.com", "https://", "https://example.com/path", "https://u:p@example.com", "https://a.example;script-src *",
	"https://a.example https://b.example", "https://a.example,https://b.example", "javascript:alert(1)", "data:", "'unsafe-inline'", "'none'", "https://a.example\r\nX: y",
	"https://a.example?x", "https://a.example#x", "ftp://a.example", "'self' *"}

func TestConfigReportsEveryFaultAtOnce(t *testing.T) {
	err := Config{FrameAncestors: []string{"one", "https://fine.example", "two"}, ConnectSources: []string{"three"}}.Validate()
	for _, want := range []string{`"one"`, `"two"`, `"three"`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not name %s", err, want)
		}
	}
}

func TestConfigMistakesMakeThePolicyStricter(t *testing.T) {
	cfg := Config{FrameAncestors: hostileSources, ConnectSources: hostileSources}
	if got := cfg.frameAncestors(); got != "'none'" {
		t.Errorf("frame-ancestors %s, want 'none'", got)
	}
	if got := cfg.connectSources(); got != "'self'" {
		t.Errorf("connect-src %s, want 'self'", got)
	}
	cfg = Config{FrameAncestors: []string{"bad", "https://good.example"}, ConnectSources: []string{"https://node.example", "bad"}}
	if got := cfg.frameAncestors(); got != "https://good.example" {
		t.Errorf("frame-ancestors %s", got)
	}
	if got := cfg.connectSources(); got != "'self' https://node.example" {
		t.Errorf("connect-src %s", got)
	}
}
