package auth

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"
)

var (
	one    = big.NewInt(1)
	random = rand.Reader
)

func rsaPublic(s crypto.Signer) *rsa.PublicKey { return s.Public().(*rsa.PublicKey) }

func TestSignCarriesEveryClaim(t *testing.T) {
	c := Claims{
		Issuer: "i", Subject: "s", Audience: []string{"a"}, Expires: start.Add(4), NotBefore: start, IssuedAt: start, JoinBy: start,
		ID: "1", Session: "2", Once: true, Publish: []string{"p"}, Play: []string{"q*"}, Admin: true, Participant: "x", Name: "n",
		Tags: map[string]string{"k": "v"},
	}
	token, err := Sign(ownKey, c)
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(token, ".")
	header, _ := base64.RawURLEncoding.DecodeString(parts[0])
	if string(header) != `{"alg":"HS256","typ":"JWT"}` {
		t.Errorf("header %s", header)
	}
	payload, _ := base64.RawURLEncoding.DecodeString(parts[1])
	const want = `{"iss":"i","sub":"s","aud":"a","exp":1800000000,"nbf":1800000000,"iat":1800000000,"join_by":1800000000,` +
		`"jti":"1","sid":"2","once":true,"publish":["p"],"play":["q*"],"admin":true,"participant":"x","name":"n","tags":{"k":"v"}}`
	if string(payload) != want {
		t.Errorf("got  %s\nwant %s", payload, want)
	}
	for i := range reflect.TypeFor[Claims]().NumField() {
		if reflect.ValueOf(c).Field(i).IsZero() {
			t.Errorf("%s is not tested here", reflect.TypeFor[Claims]().Field(i).Name)
		}
	}
	if got, err := Sign(ownKey, c); got != token || err != nil {
		t.Error("the same claims make another token")
	}
}

func TestSignRefuses(t *testing.T) {
	end := start
	tests := []struct {
		name   string
		key    []byte
		claims Claims
		says   string
	}{
		{"short key", []byte("short"), Claims{}, "at least 32 bytes"},
		{"no key", nil, Claims{}, "at least 32 bytes"},
		{"bad pattern", ownKey, Claims{Publish: []string{"a/b"}}, `"a/b"`},
		{"bad play pattern", ownKey, Claims{Play: []string{"a*b"}}, `"a*b"`},
		{"bad participant", ownKey, Claims{Participant: "a*"}, `"a*"`},
		{"once without an id", ownKey, Claims{Once: true, Expires: end}, "id"},
		{"once without an end", ownKey, Claims{Once: true, ID: "1"}, "end"},
		{"long name", ownKey, Claims{Name: strings.Repeat("x", 129)}, "name"},
		{"too long", ownKey, Claims{Subject: strings.Repeat("x", 8000)}, "longer"},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			token, err := Sign(tc.key, tc.claims)
			if err == nil || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("%q, %v, want %q", token, err, tc.says)
			}
		})
	}
}

func TestLongNamesOfOthersAreCut(t *testing.T) {
	for in, want := range map[string]string{
		"Alice":                         "Alice",
		strings.Repeat("x", 200):        strings.Repeat("x", 128),
		"x" + strings.Repeat("é", 100):  "x" + strings.Repeat("é", 63),
		"a\xffb":                        "ab",
		strings.Repeat("x", 127) + "éé": strings.Repeat("x", 127),
	} {
		if got := shortened(in); got != want {
			t.Errorf("%q: %q", in, got)
		}
	}
}

func TestLoadOrCreateKey(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state", "headgate")
	made, created, err := LoadOrCreateKey(dir)
	if err != nil || !created || len(made) != 43 {
		t.Fatalf("%d bytes, %v, %v", len(made), created, err)
	}
	again, created, err := LoadOrCreateKey(dir)
	if err != nil || created || string(again) != string(made) {
		t.Errorf("second time: %v, %v, same key %v", created, err, string(again) == string(made))
	}
	path := filepath.Join(dir, keyFile)
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("left behind: %v", entries)
	}
	cfg := DefaultConfig()
	cfg.Own = made
	a := authority(t, cfg, newClock())
	token, err := Sign(again, all())
	if err != nil {
		t.Fatal(err)
	}
	granted(t, a, Credential{Token: token}, Publish, at("live"))
}

func TestLoadOrCreateKeyRefuses(t *testing.T) {
	for name, tc := range map[string]struct {
		text string
		mode fs.FileMode
		says string
	}{
		"damaged":         {"oops\n", 0o600, "remove it"},
		"empty":           {"", 0o600, "remove it"},
		"open to anybody": {string(NewKey()), 0o644, "chmod 600"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, keyFile)
			if err := os.WriteFile(path, []byte(tc.text), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(path, tc.mode); err != nil {
				t.Fatal(err)
			}
			key, created, err := LoadOrCreateKey(dir)
			if err == nil || key != nil || created || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("%v, %v", created, err)
			}
			if left, _ := os.ReadFile(path); string(left) != tc.text {
				t.Error("the file was changed")
			}
		})
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := LoadOrCreateKey(filepath.Join(file, "sub")); err == nil {
		t.Error("a file is taken for a directory")
	}
}

func TestLoadOrCreateKeyByManyAtOnce(t *testing.T) {
	dir := t.TempDir()
	keys := make([]string, 16)
	makers := make([]bool, len(keys))
	var work sync.WaitGroup
	for i := range keys {
		work.Go(func() {
			k, created, err := LoadOrCreateKey(dir)
			if err != nil {
				t.Error(err)
			}
			keys[i], makers[i] = string(k), created
		})
	}
	work.Wait()
	n := 0
	for i := range keys {
		if keys[i] != keys[0] {
			t.Error("two keys were made")
		}
		if makers[i] {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d made the key", n)
	}
}

func TestNewKeyIsNew(t *testing.T) {
	seen := map[string]bool{}
	for range 100 {
		seen[string(NewKey())] = true
	}
	if len(seen) != 100 {
		t.Errorf("%d different keys of 100", len(seen))
	}
}

func TestNowDefaultsToTheClock(t *testing.T) {
	a, err := New(ownConfig(), nil)
	if err != nil {
		t.Fatal(err)
	}
	c := all()
	c.Expires = time.Now().Add(time.Hour)
	granted(t, a, signed(t, c), Publish, at("live"))
}
