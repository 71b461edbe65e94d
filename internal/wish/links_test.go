package wish

import (
	"net/http"
	"slices"
	"testing"

	"github.com/headgate/headgate/internal/signaling"
)

func TestWriteLinks(t *testing.T) {
	h := make(http.Header)
	writeLinks(h, []signaling.ICEServer{
		{URL: "turns:turn.example.com:5349?transport=tcp", Username: "u", Credential: "c"},
		{URL: "stun:stun.example.com:3478"},
		{URL: "turn:turn.example.com:3478?transport=udp", Username: "1700000000:id", Credential: `q"\x`},
		{URL: "stuns:stun.example.com"},
	})
	want := []string{
		// N-182: one line each, those without TLS first (Q-OBS-4), in the given order
		`<stun:stun.example.com:3478>; rel="ice-server"`,
		// N-181: quoting; N-183: no slashes; D13 and Q-MTX-1: the order of the parameters
		`<turn:turn.example.com:3478?transport=udp>; rel="ice-server"; username="1700000000:id"; credential="q\"\\x"; credential-type="password"`,
		`<turns:turn.example.com:5349?transport=tcp>; rel="ice-server"; username="u"; credential="c"; credential-type="password"`,
		`<stuns:stun.example.com>; rel="ice-server"`,
	}
	if got := h.Values("Link"); !slices.Equal(got, want) {
		t.Errorf("Link = %q, want %q", got, want)
	}
}

func TestReadLinks(t *testing.T) {
	want := []signaling.ICEServer{
		{URL: "stun:stun.example.com:3478"},
		{URL: "turn:turn.example.com:3478?transport=udp", Username: "u,;", Credential: `q"\x`},
	}
	h := make(http.Header)
	writeLinks(h, want)
	h.Add("Link", `<https://gateway.example/events>; rel="urn:ietf:params:whep:ext:core:server-sent-events"`)
	h.Add("Link", `nonsense`)
	if got := readLinks(h); !slices.Equal(got, want) {
		t.Errorf("readLinks = %+v, want %+v", got, want)
	}
}
