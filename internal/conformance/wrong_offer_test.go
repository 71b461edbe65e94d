package conformance_test

import (
	"strings"

	"github.com/headgate/headgate/internal/conformance"
	"github.com/headgate/headgate/internal/testkit/offers"
)

// replaced puts one text for another in answers.
func replaced(pairs ...string) func(*exchange) {
	r := strings.NewReplacer(pairs...)
	return func(x *exchange) { x.answer = r.Replace(x.answer) }
}

// asOffered changes what is POSTed.
func asOffered(pairs ...string) func(*exchange) bool {
	r := strings.NewReplacer(pairs...)
	return func(x *exchange) bool {
		if x.posts() {
			x.body = r.Replace(x.body)
		}
		return false
	}
}

func offerMistakes() []mistake {
	return []mistake{
		{name: "406 for everything", fails: "T-105",
			tell: func(x *exchange) { status(400, 406)(x); status(422, 406)(x) }},
		{name: "sendrecv for all", fails: "T-30 T-32", tell: replaced("a=recvonly", "a=sendrecv", "a=sendonly", "a=sendrecv")},
		{name: "wrong directions are turned round", fails: "T-31 T-33",
			ask: asOffered("a=recvonly", "a=sendrecv", "a=sendonly", "a=sendrecv", "a=inactive", "a=sendrecv")},
		{name: "a BUNDLE of one too many", fails: "T-34 T-35 T-40 N-050", tell: replaced("a=group:BUNDLE ", "a=group:BUNDLE x ")},
		{name: "actpass in answers", fails: "T-35 T-36 T-44",
			tell: replaced("a=setup:active", "a=setup:actpass", "a=setup:passive", "a=setup:actpass")},
		{name: "what is offered does not matter", fails: "T-31 T-37 T-38 T-39 T-15",
			ask: func(x *exchange) bool {
				if x.posts() && strings.HasPrefix(x.URL.Path, "/whip/") {
					x.body = offers.Get("chrome-publish")
				}
				return false
			}},
		{name: "players without the codec are taken", fails: "T-48",
			ask: asOffered("a=rtpmap:96 VP8/90000", "a=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1")},
		{name: "OBS is refused", fails: "T-40",
			ask: func(x *exchange) bool { return x.posts() && strings.Contains(x.body, "a=group:LS") && x.refuse(400) }},
		{name: "msid is demanded", fails: "T-41",
			ask: func(x *exchange) bool { return x.posts() && !strings.Contains(x.body, "a=msid:") && x.refuse(422) }},
		{name: "layers as alternatives", fails: "T-42", tell: replaced("a=simulcast:recv 0;1;2", "a=simulcast:recv 0,1,2")},
		{name: "simulcast for nothing", fails: "T-43 N-213",
			tell: func(x *exchange) {
				if x.made() {
					x.answer = strings.ReplaceAll(x.answer, "a=simulcast:recv ", "a=simulcast:recv x;") + "a=simulcast:recv x\r\n"
				}
			}},
		{name: "data sections are forgotten", fails: "T-47",
			tell: func(x *exchange) { x.answer, _, _ = strings.Cut(x.answer, "m=application") }},
	}
}

func answerMistakes() []mistake {
	return []mistake{
		{name: "feedback nobody offered", fails: "T-44", tell: replaced("a=rtcp-mux-only\r\n", "a=rtcp-mux-only\r\na=rtcp-fb:96 telepathy\r\n")},
		{name: "no rtcp-mux-only", fails: "N-054", tell: replaced("a=rtcp-mux-only\r\n", "")},
		{name: "no rtcp-mux", fails: "N-050", tell: replaced("a=rtcp-mux\r\n", "")},
		{name: "ice-lite in sections", fails: "N-058", tell: replaced("a=rtcp-mux\r\n", "a=rtcp-mux\r\na=ice-lite\r\n")},
		{name: "no ice-options", fails: "N-059", tell: replaced("a=ice-options:trickle ice2\r\n", "")},
		{name: "no mid where refused", fails: "N-062", tell: replaced("a=mid:words\r\n", "")},
		{name: "component 2", fails: "T-45", tell: replaced("a=candidate:1 1 ", "a=candidate:1 2 ")},
		{name: "no candidates", fails: "T-45", tell: replaced("a=candidate:", "a=x-candidate:")},
		{name: "long answers", fails: "T-46",
			tell: func(x *exchange) {
				if x.made() {
					x.answer += strings.Repeat("a=x-nothing:0123456789\r\n", 350)
				}
			}},
		{name: "packetization mode 0", fails: "T-49", tell: replaced("packetization-mode=1", "packetization-mode=0")},
		{name: "two streams", fails: "T-50",
			tell: func(x *exchange) { x.answer = strings.Replace(x.answer, "a=msid:", "a=msid:other", 1) }},
		{name: "a wrong ICE password", fails: "T-51 T-60 N-067 T-72 T-75 T-77 T-78 T-83 N-159 T-87 T-88", hasty: true,
			target: func(target *conformance.Target) { target.PublicAddress = "127.0.0.1" },
			tell:   replaced("a=ice-pwd:", "a=ice-pwd:x")},
		{name: "another address", fails: "T-78",
			target: func(target *conformance.Target) { target.PublicAddress = "203.0.113.7" }},
		{name: "no TCP", fails: "T-77", tell: replaced(" tcptype passive", "")},
	}
}
