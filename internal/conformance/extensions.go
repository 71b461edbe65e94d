package conformance

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/headgate/headgate/internal/linkhdr"
)

const (
	coreExtensions = "WHEP core extensions, "
	eventsURN      = "urn:ietf:params:whep:ext:core:server-sent-events"
	layerURN       = "urn:ietf:params:whep:ext:core:layer"
	jsonType       = "application/json"
)

func extensionCases() []Case {
	return []Case{
		{ID: "T-106", Level: Must, Clause: "WHEP 4.9; " + coreExtensions + "announcement", Proves: []string{"N-230", "D11"},
			Title: "Each extension is announced by one Link, and layer selection only with the layers event.", check: checkAnnouncement},
		{ID: "T-107", Level: Must, Clause: coreExtensions + "server-sent events", Proves: []string{"V-01", "V-03", "V-04", "V-05", "V-06", "V-10"},
			Title: "A stream tells what was asked for, active first, and follows the publisher.", check: checkEvents},
		{ID: "T-108", Level: Must, Clause: coreExtensions + "server-sent events", Proves: []string{"V-02"},
			Title: "An event nobody knows is answered 400, and there is no stream.", check: checkUnknownEvent},
		{ID: "T-109", Level: Must, Clause: coreExtensions + "inactive", Proves: []string{"V-05"},
			Title: "A stream does not begin with inactive.", check: checkIdleStream},
		{ID: "T-110", Level: Must, Clause: coreExtensions + "server-sent events", Proves: []string{"V-07"},
			Title: "A stream that was deleted is not found any more.", check: checkDeletedStream},
		{ID: "T-111", Level: Must, Clause: coreExtensions + "server-sent events", Proves: []string{"V-08"},
			Title: "Streams end with their session.", check: checkOrphanedStream},
		{ID: "T-112", Level: Must, Clause: coreExtensions + "layer selection", Proves: []string{"V-20", "V-21", "V-22", "V-23", "V-24"},
			Title: "Layers are listed, one that is selected is sent, and the choice can be given back.", check: checkLayers},
		{ID: "T-113", Level: Must, Clause: coreExtensions + "layer selection", Proves: []string{"V-21", "V-25"},
			Title: "A layer nobody publishes, and what is no JSON, is refused.", check: checkBadSelection},
	}
}

// extension returns the Links with this relation type and their absolute targets.
func (s *session) extension(urn string) (links []linkhdr.Link, targets []string, err error) {
	all, err := linkhdr.Parse(s.head.Values("Link"))
	if err != nil {
		return nil, nil, fmt.Errorf("a Link is not well-formed: %w", err)
	}
	for _, link := range all {
		if !link.Has(urn) {
			continue
		}
		target, err := s.resolve(link.URI)
		if err != nil {
			return nil, nil, fmt.Errorf("the target of %s cannot be resolved: %w", urn, err)
		}
		links, targets = append(links, link), append(targets, target.String())
	}
	return links, targets, nil
}

// need returns the target of an extension, or skips.
func (s *session) need(urn string) (linkhdr.Link, string, error) {
	links, targets, err := s.extension(urn)
	if err != nil {
		return linkhdr.Link{}, "", err
	}
	if len(links) == 0 {
		return linkhdr.Link{}, "", skipf("the server does not announce %s", urn)
	}
	return links[0], targets[0], nil
}

func checkAnnouncement(ctx context.Context, r *run) error {
	if err := r.checkNoAnnouncement(ctx); err != nil {
		return err
	}
	sess, err := r.playing(ctx)
	if err != nil {
		return err
	}
	streams, _, err := sess.extension(eventsURN)
	if err != nil {
		return err
	}
	layers, _, err := sess.extension(layerURN)
	if err != nil {
		return err
	}
	if len(streams)+len(layers) == 0 {
		return skipf("the server announces neither extension")
	}
	if len(streams) > 1 || len(layers) > 1 {
		r.failf("there are %d Links for events and %d for layers, want one each", len(streams), len(layers))
	}
	if len(layers) > 0 && (len(streams) == 0 || !announces(streams[0], "layers")) {
		r.failf("layer selection is announced without the layers event")
	}
	return nil
}

// checkNoAnnouncement looks at a publisher's session, which has none of these.
func (r *run) checkNoAnnouncement(ctx context.Context) error {
	sess, err := r.openStatic(ctx, r.whip())
	if err != nil {
		return err
	}
	for _, urn := range []string{eventsURN, layerURN} {
		links, _, err := sess.extension(urn)
		if err != nil {
			return err
		}
		if len(links) > 0 {
			r.failf("WHIP announces %s", urn)
		}
	}
	_, err = sess.delete(ctx)
	return err
}

// announces tells whether an event is in the announced list. Without a list all may be.
func announces(link linkhdr.Link, event string) bool {
	list := link.Param("events")
	return list == "" || slices.Contains(strings.Split(strings.ReplaceAll(list, " ", ""), ","), event)
}

// subscribe asks for those of the events that are announced.
func (s *session) subscribe(ctx context.Context, events ...string) (wanted []string, stream string, err error) {
	link, target, err := s.need(eventsURN)
	if err != nil {
		return nil, "", err
	}
	for _, event := range events {
		if announces(link, event) {
			wanted = append(wanted, event)
		}
	}
	res, err := s.run.do(ctx, request{method: "POST", url: target, token: s.side.token, contentType: jsonType, body: `["` + strings.Join(wanted, `","`) + `"]`})
	if err != nil {
		return nil, "", err
	}
	if res.status != http.StatusCreated {
		return nil, "", fmt.Errorf("the POST for an event stream was answered %s, want 201", res.summary())
	}
	stream, err = res.location()
	return wanted, stream, err
}

// streaming is a session of nobody, with an event stream that is not read yet.
func (r *run) streaming(ctx context.Context) (sess *session, stream string, err error) {
	if sess, err = r.playing(ctx); err == nil {
		_, stream, err = sess.subscribe(ctx, "active")
	}
	return sess, stream, err
}

// watched is a player that is connected, with an event stream that is read.
func (r *run) watched(ctx context.Context, events ...string) (*peer, *eventSource, []string, error) {
	s, err := r.whep()
	if err != nil {
		return nil, nil, nil, err
	}
	player, err := r.connect(ctx, s, script{})
	if err != nil {
		return nil, nil, nil, err
	}
	wanted, stream, err := player.session.subscribe(ctx, events...)
	if err != nil {
		return nil, nil, nil, err
	}
	source, err := r.listen(ctx, stream)
	return player, source, wanted, err
}

func checkEvents(ctx context.Context, r *run) error {
	player, source, wanted, err := r.watched(ctx, "active", "inactive", "viewercount")
	if err != nil {
		return err
	}
	if t, _, _ := strings.Cut(source.header.Get("Content-Type"), ";"); t != eventStreamType {
		r.failf("the stream has Content-Type %q", source.header.Get("Content-Type"))
	}
	if source.header.Get("Access-Control-Allow-Origin") == "" {
		r.failf("pages of other origins may not read the stream")
	}
	if source.header.Get("Content-Encoding") != "" {
		r.lesserf(Advice, "the stream is compressed, which holds events back")
	}
	if err := r.followPublisher(ctx, source); err != nil {
		return err
	}
	if first := source.heard()[0].event; first != "active" {
		r.failf("the stream begins with %q, want active", first)
	}
	r.judgeMessages(source, wanted...)
	return player.session.alive(ctx, "the publisher's return")
}

// followPublisher ends the publisher and lets another one come.
func (r *run) followPublisher(ctx context.Context, source *eventSource) error {
	const soon = 10 * time.Second
	if err := source.hears(ctx, soon, "active", 0); err != nil {
		return err
	}
	if _, err := r.publisher.session.delete(ctx); err != nil {
		return err
	}
	if err := source.hears(ctx, soon, "inactive", 0); err != nil {
		return err
	}
	again := source.count("active")
	if _, err := r.connect(ctx, r.whip(), script{}); err != nil {
		return err
	}
	return source.hears(ctx, soon, "active", again)
}

func checkUnknownEvent(ctx context.Context, r *run) error {
	sess, err := r.playing(ctx)
	if err != nil {
		return err
	}
	_, target, err := sess.need(eventsURN)
	if err != nil {
		return err
	}
	for _, body := range []string{`["nope"]`, `["active","nope"]`} {
		res, err := r.do(ctx, request{method: "POST", url: target, token: sess.side.token, contentType: jsonType, body: body})
		if err != nil {
			return err
		}
		if res.status != http.StatusBadRequest {
			r.failf("%s: answered %s, want 400", body, res.summary())
		}
		if res.header.Get("Location") != "" {
			r.failf("%s: there is a stream all the same", body)
		}
	}
	return nil
}

func checkIdleStream(ctx context.Context, r *run) error {
	s, err := r.whep()
	if err != nil {
		return err
	}
	player, err := r.connect(ctx, s, script{})
	if err != nil {
		return err
	}
	if _, _, err := player.session.need(eventsURN); err != nil {
		return err
	}
	if _, err := r.publisher.session.delete(ctx); err != nil {
		return err
	}
	if err := pause(ctx, time.Second); err != nil {
		return err
	}
	if res, err := player.session.get(ctx); err != nil || !res.ok() {
		return skipf("the viewer's session ends with the publisher here")
	}
	wanted, stream, err := player.session.subscribe(ctx, "active", "inactive")
	if err != nil {
		return err
	}
	source, err := r.listen(ctx, stream)
	if err != nil {
		return err
	}
	if err := pause(ctx, 2*time.Second); err != nil {
		return err
	}
	if heard := source.heard(); len(heard) > 0 {
		r.failf("the stream of an idle channel begins with %q", heard[0].event)
	}
	r.judgeMessages(source, wanted...)
	return nil
}

func checkDeletedStream(ctx context.Context, r *run) error {
	sess, stream, err := r.streaming(ctx)
	if err != nil {
		return err
	}
	res, err := r.do(ctx, request{method: "DELETE", url: stream, token: sess.side.token})
	if err != nil {
		return err
	}
	if statusIn(res.status, 405, 501) {
		return skipf("streams cannot be deleted here (%d)", res.status)
	}
	if !res.ok() {
		r.failf("DELETE of the stream: %s", res.summary())
	}
	return r.wantNoStream(ctx, stream, "DELETE")
}

// wantNoStream checks that a stream is not found.
func (r *run) wantNoStream(ctx context.Context, stream, after string) error {
	_, err := r.listen(ctx, stream)
	refused, ok := errors.AsType[statusError](err)
	switch {
	case err == nil:
		r.failf("after %s the stream can still be read", after)
	case !ok:
		return err
	case refused.res.status != http.StatusNotFound:
		r.failf("after %s the stream is answered %s, want 404", after, refused.res.summary())
	}
	return nil
}

func checkOrphanedStream(ctx context.Context, r *run) error {
	sess, stream, err := r.streaming(ctx)
	if err != nil {
		return err
	}
	source, err := r.listen(ctx, stream)
	if err != nil {
		return err
	}
	if _, err := sess.delete(ctx); err != nil {
		return err
	}
	if err := eventually(ctx, 5*time.Second, func() (bool, error) { return source.over(), nil }); err != nil {
		r.failf("the stream goes on 5 s after its session's DELETE")
	}
	return r.wantNoStream(ctx, stream, "the end of the session")
}
