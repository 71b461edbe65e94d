package conformance

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// layerObject is one of the layers event.
type layerObject struct {
	RID      *string  `json:"rid"`
	Spatial  *float64 `json:"spatialLayerId"`
	Temporal *float64 `json:"temporalLayerId"`
}

func checkLayers(ctx context.Context, r *run) error {
	layers, source, wanted, err := r.selecting(ctx)
	if err != nil {
		return err
	}
	player := layers.player
	// Another layer comes first, where the server thinks that there is room: else the selection of the lowest would show nothing.
	if err := eventually(ctx, 15*time.Second, func() (bool, error) { rid := player.watch.seen("video").rid; return rid != "" && rid != "q", nil }); err != nil {
		r.notef("the lowest layer was sent for 15 s before it was selected")
	}
	for i, unselect := range []func(context.Context) error{layers.automatic, layers.delete} {
		body := []string{`{"mediaId":%q,"rid":"q"}`, `{"mediaId":%q,"encodingId":"q"}`}[i]
		if err := layers.lowest(ctx, fmt.Sprintf(body, layers.media)); err != nil {
			return err
		}
		if err := unselect(ctx); err != nil {
			return err
		}
	}
	r.judgeContinuity("the switches", player, 0)
	r.judgeMessages(source, wanted...)
	return nil
}

// watchedLayers is watched on a channel with three layers, for their event.
func (r *run) watchedLayers(ctx context.Context) (*peer, *eventSource, []string, error) {
	if _, err := r.whep(); err != nil {
		return nil, nil, nil, err
	}
	if err := r.liveWith(ctx, script{layers: true}); err != nil {
		return nil, nil, nil, err
	}
	if _, n := parseDescription(r.publisher.session.answer).video().simulcastOf(); n == 0 {
		return nil, nil, nil, skipf("the server does not take simulcast")
	}
	return r.watched(ctx, "layers")
}

// awaitLayers waits for an event that lists three layers, and returns the key of
// their section.
func (r *run) awaitLayers(ctx context.Context, player *peer, source *eventSource) (media string, err error) {
	err = eventually(ctx, 10*time.Second, func() (bool, error) {
		for _, m := range source.heard() {
			var sections map[string][]layerObject
			if len(m.data) != 1 || json.Unmarshal([]byte(m.data[0]), &sections) != nil {
				return false, fmt.Errorf("the layers event is not an object of arrays: %.200s", m.data)
			}
			for key, layers := range sections {
				if len(layers) == len(sizes()) {
					media = key
					r.judgeLayers(player, key, layers)
					return true, nil
				}
			}
		}
		return false, nil
	})
	if err == errNever { //nolint:errorlint // it comes straight from eventually
		return "", fmt.Errorf("no layers event listed three layers in 10 s; there were %d events", source.count("layers"))
	}
	return media, err
}

func (r *run) judgeLayers(player *peer, key string, layers []layerObject) {
	sections := parseDescription(player.session.answer).media
	if n, err := strconv.Atoi(key); err != nil || n < 0 || n >= len(sections) || sections[n].kind() != "video" {
		r.failf("the key %q of the layers is not the index of a section of video", key)
	}
	for _, l := range layers {
		if l.RID == nil && l.Spatial == nil && l.Temporal == nil {
			r.failf("a layer has neither rid, spatialLayerId nor temporalLayerId")
		}
	}
}

// selector asks for layers.
type selector struct {
	run    *run
	player *peer
	target string
	media  string
}

// selecting is a player of three layers that were listed, and its event stream.
func (r *run) selecting(ctx context.Context) (selector, *eventSource, []string, error) {
	player, source, wanted, err := r.watchedLayers(ctx)
	if err != nil {
		return selector{}, nil, nil, err
	}
	_, target, err := player.session.need(layerURN)
	if err != nil {
		return selector{}, nil, nil, err
	}
	media, err := r.awaitLayers(ctx, player, source)
	return selector{r, player, target, media}, source, wanted, err
}

// ask sends a request to the layer resource and wants success.
func (s selector) ask(ctx context.Context, level Level, method, body string) error {
	q := request{method: method, url: s.target, token: s.player.session.side.token, body: body}
	if body != "" {
		q.contentType = jsonType
	}
	res, err := s.run.do(ctx, q)
	if err == nil && !res.ok() {
		s.run.lesserf(level, "%s %s: answered %s, want 200", method, body, res.summary())
	}
	return err
}

// lowest selects the lowest layer by body and waits until it is sent.
func (s selector) lowest(ctx context.Context, body string) error {
	if err := s.ask(ctx, Must, "POST", body); err != nil {
		return err
	}
	err := eventually(ctx, 8*time.Second, func() (bool, error) { return s.player.watch.seen("video").rid == "q", nil })
	if err != nil {
		s.run.failf("after %s the layer is not sent in 8 s, but %q", body, s.player.watch.seen("video").rid)
	}
	return nil
}

// automatic gives the choice back by the form of now.
func (s selector) automatic(ctx context.Context) error {
	if err := s.ask(ctx, Must, "POST", fmt.Sprintf(`{"mediaId":%q}`, s.media)); err != nil {
		return err
	}
	err := eventually(ctx, 12*time.Second, func() (bool, error) { return s.player.watch.seen("video").rid != "q", nil })
	if err != nil {
		s.run.lesserf(Advice, "the lowest layer goes on 12 s after the choice was given back, with room for more")
	}
	return nil
}

// delete gives the choice back as medooze's player does.
func (s selector) delete(ctx context.Context) error {
	if err := s.ask(ctx, Advice, "POST", "{}"); err != nil {
		return err
	}
	return s.ask(ctx, Advice, "DELETE", "")
}

func checkBadSelection(ctx context.Context, r *run) error {
	layers, _, _, err := r.selecting(ctx)
	if err != nil {
		return err
	}
	player := layers.player
	for _, tc := range []struct {
		what, token, body string
		statuses          []int
	}{
		{"an unknown rid", player.session.side.token, fmt.Sprintf(`{"mediaId":%q,"rid":"nobody"}`, layers.media), []int{400, 404, 409, 422}},
		{"half an object", player.session.side.token, `{"mediaId":`, []int{http.StatusBadRequest}},
	} {
		res, err := r.do(ctx, request{method: "POST", url: layers.target, token: tc.token, contentType: jsonType, body: tc.body})
		if err != nil {
			return err
		}
		if !statusIn(res.status, tc.statuses...) {
			r.failf("%s: answered %s, want one of %v", tc.what, res.summary(), tc.statuses)
		}
	}
	if player.session.side.token == "" {
		r.lack("that a token is needed")
		return player.session.alive(ctx, "bad selections")
	}
	res, err := r.do(ctx, request{method: "POST", url: layers.target, contentType: jsonType, body: "{}"})
	if err != nil {
		return err
	}
	if res.status != http.StatusUnauthorized {
		r.failf("without the token: answered %s, want 401", res.summary())
	}
	return player.session.alive(ctx, "bad selections")
}
