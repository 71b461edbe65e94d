package iceservers

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
)

func TestConfigAsYAML(t *testing.T) {
	const text = `
ttl: 2h
servers:
  - urls: ["stun:stun.example.com"]
  - urls: ["turn:turn.example.com:3478?transport=udp", "turns:turn.example.com?transport=tcp"]
    secret: north
  - urls: ["turn:old.example.com"]
    username: u
    credential: hush
`
	cfg := DefaultConfig()
	if err := yaml.UnmarshalWithOptions([]byte(text), &cfg, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	want := Config{TTL: 2 * time.Hour, Servers: []Server{
		{URLs: []string{"stun:stun.example.com"}},
		{URLs: []string{"turn:turn.example.com:3478?transport=udp", "turns:turn.example.com?transport=tcp"}, Secret: "north"},
		{URLs: []string{"turn:old.example.com"}, Username: "u", Credential: "hush"},
	}}
	if !reflect.DeepEqual(cfg, want) {
		t.Errorf("got  %#v\nwant %#v", cfg, want)
	}
	if err := cfg.Validate(); err != nil {
		t.Error(err)
	}
	printed, err := yaml.Marshal(cfg)
	if err != nil || strings.Contains(string(printed), "north") || strings.Contains(string(printed), "hush") {
		t.Errorf("%v, secrets are printed:\n%s", err, printed)
	}
}
