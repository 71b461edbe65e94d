package gateway_test

import (
	"encoding/json"
	"fmt"
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

func (s *stage) playWithData(labels ...string) *testkit.Player {
	s.t.Helper()
	return testkit.Play(s.t, testkit.PlayerOptions{
		Endpoint: "http://127.0.0.1/whep/live", HTTP: s.http, Net: s.net.Client(), Data: labels,
	})
}

// Chat goes between publishers, players and whoever speaks by REST.
func TestChatOnDataChannels(t *testing.T) {
	inFakeTime(t, nil, func(s *stage) {
		pub := s.publish(testkit.PublisherOptions{Data: []string{"chat", "files"}})
		player := s.playWithData("chat")
		plain := s.play()
		<-pub.Data("files").Closed() // nobody configured it
		player.Data("chat").Say("hello")
		anonymous := "viewer-"
		for who, d := range map[string]*testkit.Data{"publisher": pub.Data("chat"), "player": player.Data("chat")} {
			got := texts(s.t, d.Wait(2*time.Second, 1))
			if !strings.HasPrefix(got[0], "message "+anonymous) || !strings.HasSuffix(got[0], " hello") || len(got[0]) != len("message viewer-12345678 hello") {
				s.t.Errorf("the %s heard %q", who, got)
			}
		}
		if res := s.ask("POST", "http://127.0.0.1/api/v1/channels/live/messages", `{"participant":"alice","text":"hi all"}`); res.StatusCode != 201 {
			s.t.Fatalf("REST: %d", res.StatusCode)
		}
		got := texts(s.t, player.Data("chat").Wait(2*time.Second, 2))
		if got[1] != "message alice hi all" {
			s.t.Errorf("the player heard %q", got)
		}
		pub.Data("chat").Say("from the stage")
		got = texts(s.t, player.Data("chat").Wait(2*time.Second, 3))
		if !strings.HasSuffix(got[2], " from the stage") || strings.Contains(got[2], anonymous) {
			s.t.Errorf("the player heard %q", got)
		}
		player.Wait(2*time.Second, "picture", moving(20))
		plain.Wait(2*time.Second, "picture without data", moving(20))
	})
}

// A flood is dropped, and the one who makes it is told; a talker that vanishes takes
// nothing with it.
func TestChatFloodOnADataChannel(t *testing.T) {
	inFakeTime(t, func(c *gateway.Config) { c.Calls.DataLabels = []string{"files"} }, func(s *stage) {
		pub := s.publish(testkit.PublisherOptions{Data: []string{"chat", "files"}})
		player := s.playWithData("chat", "files")
		player.Data("chat").Say("here")
		pub.Data("chat").Wait(2*time.Second, 1)
		for i := range 50 {
			pub.Data("chat").Say(fmt.Sprint(i))
		}
		got := texts(s.t, pub.Data("chat").Wait(2*time.Second, 7))
		if !slices.Contains(got, "error too-many-messages") {
			s.t.Errorf("the sender heard %q", got)
		}
		<-time.After(900 * time.Millisecond)
		if n := len(player.Data("chat").Got()); n != 6 {
			s.t.Errorf("the other heard %d", n)
		}
		if n := len(pub.Data("chat").Got()); n != 7 {
			s.t.Errorf("the sender heard %d", n)
		}
		<-time.After(time.Second)
		player.Data("files").Say("a file")
		if got := pub.Data("files").Wait(2*time.Second, 1); got[0] != "a file" {
			s.t.Errorf("relayed %q", got)
		}
		pub.Vanish()
		player.Data("chat").Say("alone")
		player.Data("chat").Wait(2*time.Second, 7)
	})
}
