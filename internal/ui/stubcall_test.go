package ui

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"
)

// stubCalls is the side of calls of a stub: one channel's roster, member streams,
// slots and chat, as the contract of the REST interface has them.
type stubCalls struct {
	s *stub

	mu      sync.Mutex
	people  []map[string]any
	pubs    []map[string]any
	members map[string]*stubMember // by secret
	over    map[string]string      // secret: why it ended
	seated  []*stubSeats
	chats   []*webrtc.DataChannel
	next    int
	// feed is the channel whose picture those who only exist on paper send.
	feed string
	// admin lets everybody do everything.
	admin bool
}

// stubMember is one member stream.
type stubMember struct {
	participant string
	news        chan string
}

// stubSeats is a session with slots.
type stubSeats struct {
	session     *stubSession
	id, self    string
	channel     string
	video       []*webrtc.TrackLocalStaticRTP
	audio       []*webrtc.TrackLocalStaticRTP
	casts, pins []string // "participant/source"
}

func newStubCalls(s *stub, e *echo.Echo) *stubCalls {
	k := &stubCalls{s: s, members: map[string]*stubMember{}, over: map[string]string{}, admin: true}
	e.POST("/api/v1/channels/:c/events", k.join)
	e.GET("/api/v1/events/:secret", k.listen)
	e.DELETE("/api/v1/events/:secret", func(c echo.Context) error {
		k.mu.Lock()
		m := k.members[c.Param("secret")]
		k.mu.Unlock()
		k.end(c.Param("secret"), "left")
		if m != nil {
			k.leaves(m.participant, "")
		}
		return c.NoContent(http.StatusOK)
	})
	e.POST("/api/v1/channels/:c/messages", k.say)
	e.POST("/api/v1/channels/:c/invitations", func(c echo.Context) error {
		return c.JSON(http.StatusCreated, map[string]any{"id": "i1", "state": "pending"})
	})
	e.PATCH("/api/v1/invitations/:id", func(c echo.Context) error {
		return c.JSON(http.StatusOK, map[string]any{"id": c.Param("id"), "channel": "elsewhere", "state": "accepted", "token": nil})
	})
	e.GET("/api/v1/channels/:c/bans", func(c echo.Context) error {
		if !k.admin {
			return problem(c, http.StatusForbidden, "not-allowed", "This token does not allow that.")
		}
		return c.JSON(http.StatusOK, map[string]any{"bans": []any{}})
	})
	e.DELETE("/api/v1/channels/:c/participants/:p", func(c echo.Context) error {
		k.leaves(c.Param("p"), "kicked")
		return c.NoContent(http.StatusNoContent)
	})
	e.PUT("/api/v1/channels/:c/publications/:p/:s/mute", func(c echo.Context) error { return c.JSON(http.StatusOK, map[string]any{}) })
	e.PUT("/api/v1/channels/:c/publications/:p/:s/self-mute", k.muteSelf)
	e.DELETE("/api/v1/channels/:c", func(c echo.Context) error {
		k.tell("closed", `{"reason":"disbanded"}`)
		return c.NoContent(http.StatusNoContent)
	})
	e.GET("/session/:id/slots", k.slots)
	e.PATCH("/session/:id/slots", k.slots)
	e.PUT("/session/:id/slots/:n", k.pin)
	e.DELETE("/session/:id/slots/:n", k.pin)
	return k
}

// isCall reports whether a POST to /whep is of a member who wants slots.
func (k *stubCalls) isCall(c echo.Context) bool { return c.QueryParam("participant") != "" }

func (k *stubCalls) join(c echo.Context) error {
	var body struct{ Participant, Name, Kind string }
	if err := json.NewDecoder(c.Request().Body).Decode(&body); err != nil {
		return problem(c, http.StatusBadRequest, "bad-body", err.Error())
	}
	if body.Participant == "" {
		body.Participant = "guest-madeupby"
	}
	k.mu.Lock()
	k.next++
	secret := fmt.Sprintf("secret%d", k.next)
	k.mu.Unlock()
	k.joins(body.Participant, body.Name)
	k.mu.Lock()
	m := &stubMember{participant: body.Participant, news: make(chan string, 512)}
	snapshot := map[string]any{"channel": "team", "kind": "call", "self": body.Participant, "participants": k.people, "publications": k.pubs, "program": map[string]any{}, "speaker": nil}
	m.news <- message("snapshot", inJSON(snapshot))
	k.members[secret] = m
	k.mu.Unlock()
	c.Response().Header().Set("Location", "/api/v1/events/"+secret)
	return c.JSON(http.StatusCreated, map[string]any{"participant": body.Participant, "events": k.s.URL + "/api/v1/events/" + secret, "name": body.Name, "kind": "call"})
}

// muteSelf tells everybody what somebody says is off.
func (k *stubCalls) muteSelf(c echo.Context) error {
	var off map[string]bool
	if err := json.NewDecoder(c.Request().Body).Decode(&off); err != nil {
		return problem(c, http.StatusBadRequest, "bad-body", err.Error())
	}
	k.tell("muted", inJSON(map[string]any{"participant": c.Param("p"), "source": c.Param("s"), "audio": false, "video": false, "self_muted": off, "by": "self"}))
	return c.JSON(http.StatusOK, off)
}

func inJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func (k *stubCalls) listen(c echo.Context) error {
	secret := c.Param("secret")
	k.mu.Lock()
	m, why := k.members[secret], k.over[secret]
	k.mu.Unlock()
	if m == nil {
		if why == "" {
			why = "events-unknown"
		}
		return problem(c, http.StatusNotFound, why, "This stream is over: "+why+".")
	}
	w := c.Response()
	w.Header().Set("Content-Type", "text/event-stream")
	w.WriteHeader(http.StatusOK)
	w.Flush()
	for n := 1; ; n++ {
		select {
		case news, on := <-m.news:
			if !on {
				return nil
			}
			if _, err := fmt.Fprintf(w, "id: %d\n%s", n, news); err != nil {
				return nil
			}
			w.Flush()
		case <-c.Request().Context().Done():
			return nil
		}
	}
}

// tell tells all members; data is JSON.
func (k *stubCalls) tell(event, data string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, m := range k.members {
		m.news <- message(event, data)
	}
}

// to tells one participant.
func (k *stubCalls) to(participant, event, data string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, m := range k.members {
		if m.participant == participant {
			m.news <- message(event, data)
		}
	}
}

// cut breaks all streams off, as a restarted gateway does.
func (k *stubCalls) cut(why string) {
	k.mu.Lock()
	secrets := []string{}
	for secret := range k.members {
		secrets = append(secrets, secret)
	}
	k.mu.Unlock()
	for _, secret := range secrets {
		k.end(secret, why)
	}
}

func (k *stubCalls) end(secret, why string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if m := k.members[secret]; m != nil {
		close(m.news)
		delete(k.members, secret)
		k.over[secret] = why
	}
}

// joins puts somebody on the roster.
func (k *stubCalls) joins(participant, name string) {
	one := map[string]any{"participant": participant, "name": name, "joined": time.Now().Format(time.RFC3339), "speaking": false, "sources": []string{}, "tags": map[string]string{}}
	k.mu.Lock()
	k.people = slices.DeleteFunc(k.people, func(p map[string]any) bool { return p["participant"] == participant })
	k.people = append(k.people, one)
	k.mu.Unlock()
	k.tell("joined", inJSON(one))
}

// sends makes somebody on the roster send sound and picture, on paper or really.
func (k *stubCalls) sends(participant, source, video string) {
	p := map[string]any{"participant": participant, "source": source, "state": "live", "audio": "opus", "muted": map[string]bool{"audio": false, "video": false}}
	if video != "" {
		p["video"], p["width"], p["height"] = video, 640, 360
	}
	k.mu.Lock()
	k.pubs = slices.DeleteFunc(k.pubs, func(old map[string]any) bool { return old["participant"] == participant && old["source"] == source })
	k.pubs = append(k.pubs, p)
	k.mu.Unlock()
	k.tell("published", inJSON(p))
	k.fill()
}

// leaves takes somebody off.
func (k *stubCalls) leaves(participant, reason string) {
	k.mu.Lock()
	k.people = slices.DeleteFunc(k.people, func(p map[string]any) bool { return p["participant"] == participant })
	k.pubs = slices.DeleteFunc(k.pubs, func(p map[string]any) bool { return p["participant"] == participant })
	k.mu.Unlock()
	k.to(participant, "kicked", `{"reason":"`+reason+`"}`)
	k.tell("left", inJSON(map[string]any{"participant": participant, "reason": reason}))
	k.fill()
}

// unpublishes takes one source away.
func (k *stubCalls) unpublishes(participant, source string) {
	k.mu.Lock()
	k.pubs = slices.DeleteFunc(k.pubs, func(p map[string]any) bool { return p["participant"] == participant && p["source"] == source })
	k.mu.Unlock()
	k.tell("unpublished", inJSON(map[string]any{"participant": participant, "source": source}))
	k.fill()
}

func (k *stubCalls) publishes(c echo.Context, session *stubSession) {
	names := namesOf(c.Request().URL.EscapedPath()[len("/whip/"):])
	if len(names) < 2 {
		return
	}
	source := "main"
	if len(names) > 2 {
		source = names[2]
	}
	video := ""
	if strings.Contains(session.offer, "m=video") {
		video = "VP8"
	}
	session.onGone = func() { k.unpublishes(names[1], source) }
	k.sends(names[1], source, video)
}

func namesOf(path string) []string {
	var names []string
	for segment := range strings.SplitSeq(path, "/") {
		name, _ := url.PathUnescape(segment)
		names = append(names, name)
	}
	return names
}

// seats makes a session with slots.
func (k *stubCalls) seats(c echo.Context, session *stubSession) error {
	n := strings.Count(session.offer, "m=video")
	seats := &stubSeats{session: session, id: "public" + session.path[len("/session/"):], self: c.QueryParam("participant"), channel: namesOf(c.Request().URL.EscapedPath()[len("/whep/"):])[0],
		casts: make([]string, n), pins: make([]string, n)}
	for i := range n {
		video, err := webrtc.NewTrackLocalStaticRTP(k.s.media.codec, "video", fmt.Sprintf("slot-%d", i))
		if err != nil {
			return err
		}
		audio, err := webrtc.NewTrackLocalStaticRTP(opus, "audio", fmt.Sprintf("slot-%d", i))
		if err != nil {
			return err
		}
		for _, track := range []*webrtc.TrackLocalStaticRTP{audio, video} {
			sender, err := session.pc.AddTrack(track)
			if err != nil {
				return err
			}
			session.work.Go(func() { k.answerRTCP(seats, i, sender) })
		}
		seats.video, seats.audio = append(seats.video, video), append(seats.audio, audio)
	}
	session.pc.OnDataChannel(k.chat)
	h := c.Response().Header()
	h.Set("Headgate-Session", seats.id)
	h.Add("Link", fmt.Sprintf(`<%s/slots>; rel="https://headgate.dev/rel/slots"`, session.path))
	k.mu.Lock()
	k.seated = append(k.seated, seats)
	k.mu.Unlock()
	session.onGone = func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		k.seated = slices.DeleteFunc(k.seated, func(other *stubSeats) bool { return other == seats })
		for i := range seats.casts {
			k.feedSlot(seats, i, "")
		}
	}
	k.fill()
	return nil
}

// answerRTCP asks who is in a slot for a key frame when its viewer wants one.
func (k *stubCalls) answerRTCP(seats *stubSeats, slot int, sender *webrtc.RTPSender) {
	for {
		packets, _, err := sender.ReadRTCP()
		if err != nil {
			return
		}
		for _, p := range packets {
			if _, ok := p.(*rtcp.PictureLossIndication); ok {
				k.mu.Lock()
				cast := seats.casts[slot]
				k.mu.Unlock()
				if cast != "" {
					k.channelOf(seats.channel, cast).refresh()
				}
			}
		}
	}
}

func (k *stubCalls) channelOf(channel, cast string) *stubChannel {
	name := channel + "/" + strings.TrimSuffix(cast, "/main")
	if ch := k.s.channel(name); ch.live() || k.feed == "" {
		return ch
	}
	return k.s.channel(k.feed)
}

// feedSlot forwards a cast into a slot; "" nothing. With the lock held.
func (k *stubCalls) feedSlot(seats *stubSeats, slot int, cast string) {
	if old := seats.casts[slot]; old != "" {
		ch := k.channelOf(seats.channel, old)
		ch.video.feed(seats.video[slot], false)
		ch.audio.feed(seats.audio[slot], false)
	}
	seats.casts[slot] = cast
	if cast == "" {
		return
	}
	ch := k.channelOf(seats.channel, cast)
	ch.video.feed(seats.video[slot], true)
	ch.audio.feed(seats.audio[slot], true)
	ch.refresh()
}

// fill fills the slots of all sessions stably and tells them.
func (k *stubCalls) fill() {
	k.mu.Lock()
	all := slices.Clone(k.seated)
	told := map[string]string{}
	for _, seats := range all {
		var wanted []string
		for _, p := range k.pubs {
			if cast := fmt.Sprintf("%s/%s", p["participant"], p["source"]); p["participant"] != seats.self {
				wanted = append(wanted, cast)
			}
		}
		for i, cast := range seats.casts {
			if seats.pins[i] != "" && seats.pins[i] != cast {
				k.feedSlot(seats, i, seats.pins[i])
			} else if cast != "" && !slices.Contains(wanted, cast) {
				k.feedSlot(seats, i, "")
			}
		}
		for _, cast := range wanted {
			if free := slices.Index(seats.casts, ""); free >= 0 && !slices.Contains(seats.casts, cast) {
				k.feedSlot(seats, free, cast)
			}
		}
		told[seats.self] = inJSON(map[string]any{"session": seats.id, "slots": seats.list()})
	}
	k.mu.Unlock()
	for self, data := range told {
		k.to(self, "slots", data)
	}
}

func (b *stubSeats) list() []map[string]any {
	var list []map[string]any
	for i, cast := range b.casts {
		if cast == "" {
			list = append(list, map[string]any{"slot": i, "participant": nil})
			continue
		}
		at := strings.LastIndex(cast, "/")
		list = append(list, map[string]any{"slot": i, "participant": cast[:at], "source": cast[at+1:], "pinned": b.pins[i] != ""})
	}
	return list
}

func (k *stubCalls) of(c echo.Context) *stubSeats {
	for _, seats := range k.seated {
		if seats.session.path == "/session/"+c.Param("id") {
			return seats
		}
	}
	return nil
}

func (k *stubCalls) slots(c echo.Context) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	seats := k.of(c)
	if seats == nil {
		return problem(c, http.StatusNotFound, "session-gone", "There is no such session.")
	}
	return c.JSON(http.StatusOK, map[string]any{"slots": seats.list()})
}

func (k *stubCalls) pin(c echo.Context) error {
	n, err := strconv.Atoi(c.Param("n"))
	if err != nil {
		return err
	}
	var body struct{ Participant, Source string }
	if c.Request().Method == http.MethodPut {
		if err := json.NewDecoder(c.Request().Body).Decode(&body); err != nil {
			return err
		}
	}
	k.mu.Lock()
	if seats := k.of(c); seats != nil && n < len(seats.pins) {
		seats.pins[n] = ""
		if body.Participant != "" {
			seats.pins[n] = body.Participant + "/" + body.Source
		}
	}
	k.mu.Unlock()
	k.fill()
	return c.JSON(http.StatusOK, map[string]any{})
}

func (k *stubCalls) gone(session *stubSession) {
	if session.onGone != nil {
		session.onGone()
	}
}

func (k *stubCalls) say(c echo.Context) error {
	var body struct{ Text, To string }
	if err := json.NewDecoder(c.Request().Body).Decode(&body); err != nil {
		return err
	}
	m := k.says("rest", body.Text)
	return c.JSON(http.StatusCreated, m)
}

// says makes somebody say something.
func (k *stubCalls) says(from, text string) map[string]any {
	k.mu.Lock()
	k.next++
	m := map[string]any{"id": fmt.Sprintf("m%d", k.next), "from": from, "name": "", "text": text, "at": time.Now().Format(time.RFC3339)}
	for _, p := range k.people {
		if p["participant"] == from {
			m["name"] = p["name"]
		}
	}
	chats := slices.Clone(k.chats)
	k.mu.Unlock()
	k.tell("message", inJSON(m))
	m["type"] = "message"
	for _, chat := range chats {
		_ = chat.SendText(inJSON(m))
	}
	return m
}

func (k *stubCalls) chat(channel *webrtc.DataChannel) {
	k.mu.Lock()
	k.chats = append(k.chats, channel)
	k.mu.Unlock()
	channel.OnMessage(func(m webrtc.DataChannelMessage) { k.says("by-data-channel", string(m.Data)) })
}
