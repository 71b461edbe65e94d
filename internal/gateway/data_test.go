package gateway_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/headgate/headgate/internal/gateway"
	"github.com/headgate/headgate/internal/testkit"
)

// texts are what came on a chat: sender and text, or the code of an error.
func texts(t *testing.T, got []string) (list []string) {
	t.Helper()
	for _, g := range got {
		var m struct{ Type, From, Text, Code string }
		if err := json.Unmarshal([]byte(g), &m); err != nil {
			t.Fatalf("%q: %v", g, err)
		}
		list = append(list, strings.Join(strings.Fields(m.Type+" "+m.From+" "+m.Text+m.Code), " "))
	}
	return list
}

// Data channels are tested in real time: when a connection ends, the stack waits for
// timers with a lock held, which stops fake time for good.

func playWithData(t *testing.T, g *testkit.Gateway, labels ...string) *testkit.Player {
	t.Helper()
	return testkit.Play(t, testkit.PlayerOptions{Endpoint: g.WHEP("live"), Data: labels})
}

// Chat goes between publishers, players and whoever speaks by REST.
func TestChatOnDataChannels(t *testing.T) {
	g := testkit.StartGateway(t, nil)
	pub := testkit.Publish(t, testkit.PublisherOptions{Endpoint: g.WHIP("live"), Data: []string{"chat", "files"}})
	player := playWithData(t, g, "chat")
	plain := testkit.Play(t, testkit.PlayerOptions{Endpoint: g.WHEP("live")})
	<-pub.Data("files").Closed() // nobody configured it
	player.Data("chat").Say("hello")
	anonymous := "viewer-"
	for who, d := range map[string]*testkit.Data{"publisher": pub.Data("chat"), "player": player.Data("chat")} {
		got := texts(t, d.Wait(5*time.Second, 1))
		if !strings.HasPrefix(got[0], "message "+anonymous) || !strings.HasSuffix(got[0], " hello") || len(got[0]) != len("message viewer-12345678 hello") {
			t.Errorf("the %s heard %q", who, got)
		}
	}
	res, err := http.Post(g.URL()+"/api/v1/channels/live/messages", "application/json", strings.NewReader(`{"participant":"alice","text":"hi all"}`))
	if err != nil {
		t.Fatal(err)
	}
	if _ = res.Body.Close(); res.StatusCode != 201 {
		t.Fatalf("REST: %d", res.StatusCode)
	}
	got := texts(t, player.Data("chat").Wait(5*time.Second, 2))
	if got[1] != "message alice hi all" {
		t.Errorf("the player heard %q", got)
	}
	pub.Data("chat").Say("from the stage")
	got = texts(t, player.Data("chat").Wait(5*time.Second, 3))
	if !strings.HasSuffix(got[2], " from the stage") || strings.Contains(got[2], anonymous) {
		t.Errorf("the player heard %q", got)
	}
	player.Wait(5*time.Second, "picture", moving(20))
	plain.Wait(5*time.Second, "picture without data", moving(20))
}

// A flood is dropped, and the one who makes it is told; a talker that vanishes takes
// nothing with it.
func TestChatFloodOnADataChannel(t *testing.T) {
	g := testkit.StartGateway(t, func(c *gateway.Config) { c.Calls.DataLabels = []string{"files"} })
	pub := testkit.Publish(t, testkit.PublisherOptions{Endpoint: g.WHIP("live"), Data: []string{"chat", "files"}})
	player := playWithData(t, g, "chat", "files")
	pub.Data("files").Say("") // it is open
	player.Data("chat").Say("here")
	pub.Data("chat").Wait(5*time.Second, 1)
	const flood = 200
	for i := range flood {
		pub.Data("chat").Say(fmt.Sprint(i))
	}
	player.Data("files").Say("a file")
	if got := pub.Data("files").Wait(5*time.Second, 1); got[0] != "a file" {
		t.Errorf("relayed %q", got)
	}
	got := texts(t, pub.Data("chat").Wait(5*time.Second, 6))
	if !slices.Contains(got, "error too-many-messages") {
		t.Errorf("the sender heard %q", got)
	}
	if n := len(player.Data("chat").Got()); n > flood/2 {
		t.Errorf("%d of a flood of %d were passed on", n, flood)
	}
	pub.Vanish()
	said := len(player.Data("chat").Got())
	player.Data("chat").Say("alone")
	player.Data("chat").Wait(5*time.Second, said+1)
}

// Slots and a chat fit into one session.
func TestSlotsBesideADataChannel(t *testing.T) {
	g := testkit.StartGateway(t, nil)
	testkit.Publish(t, testkit.PublisherOptions{Endpoint: g.WHIP("live")})
	player := testkit.Play(t, testkit.PlayerOptions{Endpoint: g.WHEP("live"), Slots: 3, Data: []string{"chat"}})
	if answer := player.Session().Answer; strings.Count(answer, "a=msid:slot-") != 6 || strings.Count(answer, "m=application 9 ") != 1 {
		t.Errorf("answered\n%s", answer)
	}
	player.Data("chat").Say("hello")
	player.Data("chat").Wait(5*time.Second, 1)
	player.Wait(5*time.Second, "picture", moving(20))
}
