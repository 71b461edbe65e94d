package ui

import "testing"

const stutters = `{"session":"s-1","diagnosis":{"code":"h264-b-frames","sentence":"The <b>picture</b> has B-frames: browsers will stutter, or show it late.","remedy":"Set bframes=0 (OBS: Max B-frames 0; ffmpeg: -bf 0)."}}`

const unreachable = `{"session":"s-1","diagnosis":{"code":"only-container-address","sentence":"The player was offered only 172.17.0.2, an address inside a network of Docker that nobody outside this machine can reach.","remedy":"Set --public-ip to the machine's own address and forward UDP and TCP port 8190 to the container, or use the host's network."}}`

func TestThePublishPageSaysWhatIsWrong(t *testing.T) {
	s := newStub(t, Config{})
	s.diagnosis = stutters
	tb := newTab(t, look{})
	tb.open(s.URL + "/publish/studio#token=abc")
	tb.click("#go")
	tb.state("live")
	tb.wait(`!document.querySelector("#advice").hidden && document.querySelector("#advice .sentence").textContent.startsWith("The <b>picture</b> has B-frames")`)
	tb.wait(`document.querySelector("#advice .remedy").textContent.includes("bframes=0")`)
	if got := s.header("GET", "/api/v1/sessions/s-1", "Authorization"); got != "Bearer abc" {
		t.Errorf("asked with %q", got)
	}
	tb.click("#go")
	tb.wait(`document.querySelector("#advice").hidden`)
}

func TestTheWatchPageSaysWhatIsWrong(t *testing.T) {
	s := newStub(t, Config{})
	s.diagnosis = unreachable
	s.answer("POST /whep/closed", canned{status: 403, code: "not-allowed", detail: "This token does not open this channel."})
	tb := newTab(t, look{})
	tb.open(s.URL + "/watch/closed")
	tb.state("error")
	tb.wait(`!document.querySelector("#advice").hidden && document.querySelector("#advice .remedy").textContent.includes("--public-ip")`)
}

func TestAPageWithoutAdviceSaysNothing(t *testing.T) {
	s := newStub(t, Config{})
	s.live("live")
	tb := newTab(t, look{})
	tb.open(s.URL + "/watch/live")
	tb.state("live")
	tb.wait(`document.querySelector("#advice").hidden && document.querySelector("#advice-live").hidden`)
	if got := s.header("GET", "/api/v1/sessions/s-1", "Accept"); got != "" {
		t.Error("asked for a session it knows no id of")
	}
}

// header is that of the newest request of its kind; "" if there was none.
func (s *stub) header(method, path, name string) (value string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, h := range s.heard {
		if h.method == method && h.path == path {
			value = h.header.Get(name)
		}
	}
	return value
}
