package iceservers

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/headgate/headgate/internal/signaling"
	"github.com/headgate/headgate/internal/testkit/leak"
)

func TestMain(m *testing.M) { leak.Main(m) }

var now = time.Unix(1_800_000_000, 0)

func TestMintN184SharedSecret(t *testing.T) {
	c := Config{TTL: time.Hour, Servers: []Server{{URLs: []string{"turn:turn.example.com:3478?transport=udp"}, Secret: "north"}}}
	got := c.Mint(now, "abc-1")
	if len(got) != 1 {
		t.Fatalf("%d servers", len(got))
	}
	if !strings.HasPrefix(got[0].Username, "1800003600:abc-1") {
		t.Errorf("username %q", got[0].Username)
	}
	if got[0].Credential != macOf("north", got[0].Username) {
		t.Errorf("credential %q is not the HMAC of %q", got[0].Credential, got[0].Username)
	}
	if want := now.Add(time.Hour); !got[0].Expires.Equal(want) {
		t.Errorf("expires %v, want %v", got[0].Expires, want)
	}
}

// The answer is another program's, so that the scheme is not only compared with
// itself: printf %s USERNAME | openssl dgst -sha1 -hmac logen -binary | base64.
// Without the suffix the password would have + and / in it.
func TestMintQGST4KnownAnswer(t *testing.T) {
	username, credential := mint("logen", time.Unix(1433895918, 0), "ninefingers")
	if username != "1433895918:ninefingers.1" || credential != "hX5BysAGg54aW747cwY4dXvCrRw=" {
		t.Errorf("got %q %q", username, credential)
	}
}

func macOf(secret, username string) string {
	mac := hmac.New(sha1.New, []byte(secret))
	mac.Write([]byte(username))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

func TestMintOrderAndKinds(t *testing.T) {
	c := Config{TTL: time.Hour, Servers: []Server{
		{URLs: []string{"turns:t.example:5349?transport=tcp", "turn:t.example"}, Username: "u", Credential: "c"},
		{URLs: []string{"stuns:s.example", "stun:s.example"}},
	}}
	want := []signaling.ICEServer{
		{URL: "turn:t.example", Username: "u", Credential: "c"},
		{URL: "stun:s.example"},
		{URL: "turns:t.example:5349?transport=tcp", Username: "u", Credential: "c"},
		{URL: "stuns:s.example"},
	}
	if got := c.Mint(now, "id"); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if got := DefaultConfig().Mint(now, "id"); len(got) != 0 {
		t.Errorf("the default tells %+v", got)
	}
}

func TestMintMixedServer(t *testing.T) {
	c := Config{TTL: time.Hour, Servers: []Server{{URLs: []string{"stun:t.example", "turn:t.example"}, Secret: "s"}}}
	got := c.Mint(now, "id")
	if got[0].Username != "" || !got[0].Expires.IsZero() || got[1].Username == "" {
		t.Errorf("STUN has a credential or TURN has none: %+v", got)
	}
}

// Q-OBS-4 and Q-GST-4: readers that split without looking at quotes, or put
// credentials into a URI, must not be surprised.
func TestMintedCredentialsNeedNoEscaping(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := Config{TTL: time.Hour, Servers: []Server{{
			URLs:   []string{"turn:t.example:1?transport=udp"},
			Secret: "s",
		}}}
		server := c.Mint(now.Add(time.Duration(rapid.Int64Range(0, 1e9).Draw(t, "at"))*time.Second), rapid.String().Draw(t, "id"))[0]
		if strings.ContainsAny(server.Username+server.Credential, `,;"\+/`) {
			t.Fatalf("%+v has to be escaped somewhere", server)
		}
	})
}

func TestValidate(t *testing.T) {
	turn := func(urls ...string) Server { return Server{URLs: urls, Secret: "s"} }
	tests := []struct {
		name   string
		server Server
		says   string // empty: good
	}{
		{"STUN", Server{URLs: []string{"stun:stun.example.com", "stun:192.0.2.1:3478", "stuns:a:5349"}}, ""},
		{"N-183 TURN", turn("turn:a:3478?transport=udp", "turns:a.b-c.d?transport=tcp", "turn:[2001:db8::1]:3478", "turn:[::1]"), ""},
		{"fixed credential", Server{URLs: []string{"turn:a"}, Username: "u", Credential: "c"}, ""},
		{"no address", Server{}, "urls"},
		{"two slashes", turn("turn://a"), "not of the form"},
		{"another scheme", turn("http:a"), "not of the form"},
		{"userinfo", turn("turn:u@a"), "not of the form"},
		{"unknown transport", turn("turn:a?transport=sctp"), "not of the form"},
		{"STUN with a transport", Server{URLs: []string{"stun:a?transport=udp"}}, "no transport"},
		{"port 0", turn("turn:a:0"), "port"},
		{"port too large", turn("turn:a:65536"), "port"},
		{"IPv6 without brackets", turn("turn:2001:db8::1"), "IPv6"},
		{"brackets around a name", turn("turn:[a]"), "host"},
		{"comma in the host", turn("turn:a,b"), "host"},
		{"semicolon in the host", turn("turn:a;b"), "host"},
		{"STUN with a secret", Server{URLs: []string{"stun:a"}, Secret: "s"}, "STUN takes no"},
		{"TURN with nothing", Server{URLs: []string{"turn:a"}}, "wants a secret"},
		{"TURN with half a credential", Server{URLs: []string{"turn:a"}, Username: "u"}, "wants a secret"},
		{"both kinds", Server{URLs: []string{"turn:a"}, Username: "u", Credential: "c", Secret: "s"}, "not both"},
		{"N-182 comma in the credential", Server{URLs: []string{"turn:a"}, Username: "u", Credential: "a,b"}, "comma"},
		{"N-182 semicolon in the username", Server{URLs: []string{"turn:a"}, Username: "u;v", Credential: "c"}, "comma"},
		{"line end in the credential", Server{URLs: []string{"turn:a"}, Username: "u", Credential: "a\nb"}, "comma"},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			err := Config{TTL: time.Hour, Servers: []Server{tc.server}}.Validate()
			if (err == nil) != (tc.says == "") || err != nil && !strings.Contains(err.Error(), tc.says) {
				t.Errorf("error %v, want one that says %q", err, tc.says)
			}
		})
	}
}

func TestValidateReportsAllAndHidesSecrets(t *testing.T) {
	c := Config{Servers: []Server{{URLs: []string{"http:a"}}, {URLs: []string{"turn:a"}, Secret: "hush", Username: "u"}}}
	err := c.Validate()
	if err == nil {
		t.Fatal("no error")
	}
	for _, part := range []string{"ttl", "servers[0].urls", "servers[1].secret"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q is not in %v", part, err)
		}
	}
	if s := fmt.Sprintf("%v %+v %#v %v", c, c, c, err); strings.Contains(s, "hush") {
		t.Errorf("the secret is shown: %s", s)
	}
	if err := DefaultConfig().Validate(); err != nil {
		t.Errorf("default: %v", err)
	}
}
