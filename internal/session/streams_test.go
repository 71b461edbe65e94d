package session

import (
	"testing"
	"time"

	"github.com/headgate/headgate/auth"
	"github.com/headgate/headgate/internal/signaling"
	"github.com/headgate/headgate/router"
)

func waitingViewers(_ *Config, _ *auth.Config, r *router.Config) { r.Idle = router.WaitIdle }

func (b *bench) play(token string) signaling.Created {
	b.t.Helper()
	created, err := b.Play(b.t.Context(), offerOf("chrome-play", token))
	must(b.t, err)
	return created
}

func (b *bench) subscribe(created signaling.Created) string {
	b.t.Helper()
	secret, err := b.Subscribe(b.t.Context(), created.Secret, request(""), everything)
	must(b.t, err)
	return secret
}

func TestStreamsBelongToASession(t *testing.T) {
	b := newBench(t, func(c *Config, a *auth.Config, r *router.Config) { withTokens(c, a, r); waitingViewers(c, a, r) })
	created := b.play(playToken)
	for token, code := range map[string]string{"": "no-token", otherToken: "not-allowed", pubToken: "not-allowed", playToken: ""} {
		_, err := b.Subscribe(t.Context(), created.Secret, request(token), everything)
		expect(t, err, code)
		expect(t, b.LookAtExtensions(t.Context(), created.Secret, request(token)), code)
		expect(t, b.SelectLayer(t.Context(), created.Secret, signaling.LayerChoice{Request: request(token), Media: -1}), code)
	}
	_, err := b.Subscribe(t.Context(), "nobody", request(playToken), everything)
	expect(t, err, "session-unknown")
}

func TestPublishersHaveNoExtensions(t *testing.T) {
	b := newBench(t, nil)
	created := b.publish("")
	_, err := b.Subscribe(t.Context(), created.Secret, request(""), everything)
	expect(t, err, "not-found")
	expect(t, b.LookAtExtensions(t.Context(), created.Secret, request("")), "not-found")
	expect(t, b.SelectLayer(t.Context(), created.Secret, signaling.LayerChoice{Request: request(""), Media: -1}), "not-found")
}

func TestStreamsDieWithTheirSessionT111(t *testing.T) {
	b := newBench(t, waitingViewers)
	created := b.play("")
	stream := b.subscribe(created)
	if stream == created.Secret || len(stream) < 26 {
		t.Errorf("V-04 the secret of the stream is %q", stream)
	}
	listening, err := b.Listen(t.Context(), stream, "")
	must(t, err)
	must(t, b.LookAtStream(t.Context(), stream))
	must(t, b.End(t.Context(), created.Secret, request("")))
	hears(t, listening.Events, "end")
	listening.Close()
	_, err = b.Listen(t.Context(), stream, "")
	expect(t, err, "stream-unknown")
	expect(t, b.LookAtStream(t.Context(), stream), "stream-unknown")
	_, err = b.Subscribe(t.Context(), created.Secret, request(""), everything)
	expect(t, err, "deleted")
}

func TestStreamsEndByThemselves(t *testing.T) {
	b := newBench(t, func(c *Config, a *auth.Config, r *router.Config) {
		waitingViewers(c, a, r)
		c.HandshakeTimeout = time.Hour
	})
	created := b.play("")
	deleted, forgotten, read := b.subscribe(created), b.subscribe(created), b.subscribe(created)
	must(t, b.Unsubscribe(t.Context(), deleted))
	expect(t, b.Unsubscribe(t.Context(), deleted), "stream-unknown")
	listening, err := b.Listen(t.Context(), read, "")
	must(t, err)
	b.pass(streamUnread)
	expect(t, b.LookAtStream(t.Context(), deleted), "stream-unknown")
	expect(t, b.LookAtStream(t.Context(), forgotten), "stream-unknown")
	expect(t, b.LookAtStream(t.Context(), read), "")
	listening.Close()
	b.pass(streamUnread - time.Second)
	expect(t, b.LookAtStream(t.Context(), read), "")
	b.pass(time.Second)
	expect(t, b.LookAtStream(t.Context(), read), "stream-unknown")
	if n := len(b.streams.bySecret); n != 0 {
		t.Errorf("%d streams are left", n)
	}
}

func TestTheGatewayGoesAndSaysReconnect(t *testing.T) {
	b := newBench(t, waitingViewers)
	listening, err := b.Listen(t.Context(), b.subscribe(b.play("")), "")
	must(t, err)
	must(t, b.Close(t.Context()))
	hears(t, listening.Events, "reconnect", "end")
	listening.Close()
}

func TestSelectionsBeforeTheConnection(t *testing.T) {
	b := newBench(t, waitingViewers)
	created := b.play("")
	choose := func(media int, rid string) error {
		return b.SelectLayer(t.Context(), created.Secret, signaling.LayerChoice{Request: request(""), Media: media, RID: rid, Spatial: -1})
	}
	lines := map[router.Kind]int{}
	sess, _ := b.find(created.Secret)
	v := sess.media.(*viewing)
	for i, kind := range v.kinds {
		lines[kind] = v.media[i]
	}
	expect(t, choose(-1, "low"), "")
	expect(t, choose(lines[router.Video], "high"), "")
	expect(t, choose(lines[router.Audio], "low"), "layer-unknown")
	expect(t, choose(7, "low"), "layer-unknown")
}
