package linkhdr

import (
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// Headers as the documents and other servers write them.
func TestParseInTheWild(t *testing.T) {
	tests := []struct {
		name  string
		lines []string
		want  []Link
	}{
		{
			name: "RFC 9725 4.6",
			lines: []string{
				`<stun:stun.example.net>; rel="ice-server"`,
				`<turn:turn.example.net?transport=udp>; rel="ice-server"; username="user"; credential="myPassword"`,
				`<turns:turn.example.net?transport=tcp>; rel="ice-server"; username="user"; credential="myPassword"`,
			},
			want: []Link{
				{URI: "stun:stun.example.net", Rel: "ice-server"},
				{URI: "turn:turn.example.net?transport=udp", Rel: "ice-server", Params: []Param{{"username", "user"}, {"credential", "myPassword"}}},
				{URI: "turns:turn.example.net?transport=tcp", Rel: "ice-server", Params: []Param{{"username", "user"}, {"credential", "myPassword"}}},
			},
		},
		{
			name:  "N-230 an extension with its attribute",
			lines: []string{`<https://whep.example.com/resource/1/sse>; rel="urn:ietf:params:whep:ext:core:server-sent-events"; events="active,inactive,layers"`},
			want: []Link{{
				URI: "https://whep.example.com/resource/1/sse", Rel: "urn:ietf:params:whep:ext:core:server-sent-events",
				Params: []Param{{"events", "active,inactive,layers"}},
			}},
		},
		{
			name:  "D11 a missing semicolon loses one link, not the others",
			lines: []string{`<https://a/sse>; rel="urn:x" events="active", <https://a/layer>; rel="urn:y"`},
			want:  []Link{{URI: "https://a/layer", Rel: "urn:y"}},
		},
		{
			name:  "a comma-joined list as fetch() gives it to scripts",
			lines: []string{`<stun:a>; rel="ice-server", <turn:b?transport=tcp>; rel="ice-server"; username="1800003600:x"; credential="q+/="; credential-type="password"`},
			want: []Link{
				{URI: "stun:a", Rel: "ice-server"},
				{URI: "turn:b?transport=tcp", Rel: "ice-server", Params: []Param{{"username", "1800003600:x"}, {"credential", "q+/="}, {"credential-type", "password"}}},
			},
		},
		{
			name:  "RFC 8288 3.5 extended parameters stay as they are",
			lines: []string{`</TheBook/chapter2>; rel="previous"; title*=UTF-8'de'letztes%20Kapitel`},
			want:  []Link{{URI: "/TheBook/chapter2", Rel: "previous", Params: []Param{{"title*", "UTF-8'de'letztes%20Kapitel"}}}},
		},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			got, _ := Parse(tc.lines)
			if !reflect.DeepEqual(got, tc.want) {
				t.Errorf("got  %+v\nwant %+v", got, tc.want)
			}
		})
	}
}

// Whatever stands in a Link, its line is one header field and one link.
func TestStringCannotBeBrokenOutOf(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := Link{
			URI:    rapid.String().Draw(t, "uri"),
			Rel:    rapid.String().Draw(t, "rel"),
			Params: []Param{{rapid.String().Draw(t, "name"), rapid.String().Draw(t, "value")}},
		}
		s := l.String()
		for i := range len(s) {
			if isControl(s[i]) {
				t.Fatalf("%q has a control character", s)
			}
		}
		got, err := Parse([]string{s + ", <next>"})
		if err != nil || len(got) != 2 || got[1].URI != "next" {
			t.Fatalf("%q: %+v, %v", s, got, err)
		}
		if !strings.EqualFold(l.Params[0].Name, "rel") && len(got[0].Params) > 1 {
			t.Fatalf("%q has grown parameters: %+v", s, got[0])
		}
	})
}
