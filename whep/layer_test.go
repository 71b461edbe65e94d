package whep_test

import (
	"bufio"
	"strings"
	"testing"

	"github.com/headgate/headgate/internal/signaling"
	"github.com/headgate/headgate/internal/wish/wishtest"
)

// chosen is what a body selects.
func chosen(change func(*signaling.LayerChoice)) signaling.LayerChoice {
	c := signaling.LayerChoice{Media: -1, Spatial: -1, Temporal: -1, MaxSpatial: -1, MaxTemporal: -1}
	if change != nil {
		change(&c)
	}
	return c
}

func TestLayersMayBeSelectedV20(t *testing.T) {
	tests := map[string]signaling.LayerChoice{
		`{"mediaId":"0","rid":"low"}`: chosen(func(c *signaling.LayerChoice) { c.Media, c.RID = 0, "low" }),
		`{"mediaId":"2","spatialLayerId":1,"temporalLayerId":0,"maxSpatialLayerId":2,"maxTemporalLayerId":1,"maxWidth":640,"maxHeight":360}`: chosen(func(c *signaling.LayerChoice) {
			c.Media, c.Spatial, c.Temporal, c.MaxSpatial, c.MaxTemporal, c.MaxWidth, c.MaxHeight = 2, 1, 0, 2, 1, 640, 360
		}),
		`{"mediaId":"0"}`:              chosen(func(c *signaling.LayerChoice) { c.Media = 0 }), // V-22
		`{}`:                           chosen(nil),                                            // V-22, older
		`{"encodingId":"h"}`:           chosen(func(c *signaling.LayerChoice) { c.RID = "h" }), // V-23
		`{"rid":"h","encodingId":"q"}`: chosen(func(c *signaling.LayerChoice) { c.RID = "h" }),
		`{"rid":null,"maxWidth":null,"whatever":[]}`: chosen(nil),
	}
	for body, want := range tests {
		p := open(t, &wishtest.Backend{}, "/whep/live", nil)
		res := p.json("POST", p.session+"/layer", body)
		if res.status != 200 || res.body != "" || res.header.Get("Cache-Control") != "no-store" {
			t.Errorf("V-21 %s: %d %s", body, res.status, res.body)
			continue
		}
		got := p.backend.Choices()[0]
		got.Request = signaling.Request{}
		if got != want {
			t.Errorf("%s selects %+v, want %+v", body, got, want)
		}
	}
}

func TestUnselectByDeleteV22(t *testing.T) {
	p := open(t, &wishtest.Backend{Closed: true}, "/whep/live", nil)
	if res := p.ask("DELETE", p.session+"/layer", ""); res.status != 401 {
		t.Errorf("V-25 without a token: %d", res.status)
	}
	if res := p.ask("DELETE", p.session+"/layer", "", "Authorization", "Bearer "+wishtest.Viewer); res.status != 200 {
		t.Fatalf("%d %s", res.status, res.body)
	}
	got := p.backend.Choices()[0]
	got.Request = signaling.Request{}
	if got != chosen(nil) {
		t.Errorf("%+v", got)
	}
}

func TestSelectionsThatCannotBeT113(t *testing.T) {
	p := open(t, &wishtest.Backend{}, "/whep/live", nil)
	for body, status := range map[string]int{
		`{"rid":"unknown"}`: 404,
		``:                  400, `null`: 400, `[]`: 400, `"low"`: 400, `{"rid":`: 400, `{} {}`: 400, `{"rid":1}`: 400, `{"mediaId":0}`: 400,
		`{"mediaId":""}`: 400, `{"mediaId":"-1"}`: 400, `{"mediaId":"video"}`: 400, `{"mediaId":"1000"}`: 400, `{"spatialLayerId":"1"}`: 400, `{"maxWidth":-1}`: 400, `{"maxWidth":1.5}`: 400,
		`{"rid":"` + strings.Repeat("x", 70_000) + `"}`: 413,
	} {
		if res := p.json("POST", p.session+"/layer", body); res.status != status {
			t.Errorf("%.40s: %d %s, want %d", body, res.status, res.body, status)
		}
	}
	if res := p.ask("POST", p.session+"/layer", `{}`, "Content-Type", "text/plain"); res.status != 415 {
		t.Errorf("text/plain: %d", res.status)
	}
	if n := len(p.backend.Choices()); n != 0 {
		t.Errorf("%d selections were made", n)
	}
}

var threeLayers = signaling.Layers{{Media: 1, Layers: []signaling.Layer{
	{RID: "q", Spatial: -1, Temporal: -1, Bits: 100_000, Width: 320, Height: 180, Sent: true},
	{RID: "h", Spatial: 0, Temporal: 1, Bits: 500_000, Width: 640, Height: 360},
	{RID: "f", Spatial: -1, Temporal: -1, Width: 1280, Height: 720},
}}, {Media: 2}}

func TestTheLayersEvent(t *testing.T) {
	for endpoint, want := range map[string]string{
		"/whep/live": `{"1":[{"rid":"q","bitrate":100000,"width":320,"height":180,"sent":true},` +
			`{"rid":"h","spatialLayerId":0,"temporalLayerId":1,"bitrate":500000,"width":640,"height":360},{"rid":"f","width":1280,"height":720}],"2":[]}`,
		"/whep/live?layers=old": `{"1":{"active":[` +
			`{"id":"q","simulcastIdx":0,"bitrate":100000,"width":320,"height":180,"layers":[{"encodingId":"q","simulcastIdx":0,"bitrate":100000,"width":320,"height":180}]},` +
			`{"id":"h","simulcastIdx":1,"bitrate":500000,"width":640,"height":360,"layers":[{"encodingId":"h","simulcastIdx":1,"spatialLayerId":0,"temporalLayerId":1,"bitrate":500000,"width":640,"height":360}]}],` +
			`"inactive":[{"id":"f","simulcastIdx":2}],` +
			`"layers":[{"encodingId":"q","simulcastIdx":0,"bitrate":100000,"width":320,"height":180},{"encodingId":"h","simulcastIdx":1,"spatialLayerId":0,"temporalLayerId":1,"bitrate":500000,"width":640,"height":360}]},` +
			`"2":{"active":[],"inactive":[],"layers":[]}}`,
	} {
		p := open(t, &wishtest.Backend{}, endpoint, nil)
		stream := p.subscribe(`["layers"]`)
		p.backend.Tell("layers", threeLayers)
		res := p.request("GET", stream, "")
		if got := line(t, bufio.NewReader(res.Body), "data: "); got != want {
			t.Errorf("%s:\n got %s\nwant %s", endpoint, got, want)
		}
		p.backend.EndStreams()
	}
}
