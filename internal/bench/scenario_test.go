package bench

import (
	"strings"
	"testing"
	"time"
)

// local is a scenario that is valid as it stands.
func local() Scenario {
	s := DefaultScenario()
	s.Name = "test"
	s.Endpoints("http://127.0.0.1:1/")
	return s
}

func TestEndpointsAreThoseOfHeadgateUnlessGiven(t *testing.T) {
	s := local()
	if s.WHIP != "http://127.0.0.1:1/whip/{channel}" || s.WHEP != "http://127.0.0.1:1/whep/{channel}" {
		t.Errorf("%s, %s", s.WHIP, s.WHEP)
	}
	s = Scenario{WHIP: "http://other/{channel}/whip"}
	s.Endpoints("http://127.0.0.1:1")
	if s.WHIP != "http://other/{channel}/whip" || s.WHEP != "http://127.0.0.1:1/whep/{channel}" {
		t.Errorf("%s, %s", s.WHIP, s.WHEP)
	}
}

func TestViewersAreSpreadOverChannels(t *testing.T) {
	s := local()
	s.Channels = 3
	var all []string
	for i := range 4 {
		all = append(all, fill(s.WHEP, s.channel(i)))
	}
	if got := strings.Join(all, " "); got != "http://127.0.0.1:1/whep/bench-0 http://127.0.0.1:1/whep/bench-1 http://127.0.0.1:1/whep/bench-2 http://127.0.0.1:1/whep/bench-0" {
		t.Error(got)
	}
}

func TestValidateNamesFlags(t *testing.T) {
	if err := local().Validate(); err != nil {
		t.Fatalf("the default is refused: %v", err)
	}
	for want, change := range map[string]func(*Scenario){
		"--whip must be an address":    func(s *Scenario) { s.WHIP = "localhost:8080" },
		"--whep must be an address":    func(s *Scenario) { s.WHEP = "" },
		"--whip: parse":                func(s *Scenario) { s.WHIP = "http://a b/" },
		"--channels must be":           func(s *Scenario) { s.Channels = 0 },
		"--channels 2 wants {channel}": func(s *Scenario) { s.Channels, s.WHIP = 2, "http://x/whip" },
		"--viewers must name":          func(s *Scenario) { s.Viewers = nil },
		"--viewers must be 1":          func(s *Scenario) { s.Viewers = []int{1, 0} },
		"--duration":                   func(s *Scenario) { s.Duration = time.Millisecond },
		"--warmup":                     func(s *Scenario) { s.Warmup = -1 },
		"--join-parallel":              func(s *Scenario) { s.JoinParallel = 0 },
		"--loss":                       func(s *Scenario) { s.Loss = 1 },
		"--find-max wants a --limit":   func(s *Scenario) { s.FindMax = true },
		"bitrate":                      func(s *Scenario) { s.Source.BitsPerSecond = 1 },
	} {
		s := local()
		change(&s)
		if err := s.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not said: %v", want, err)
		}
	}
	s := local()
	s.Channels, s.WHIP, s.PublishToken = 2, "http://x/api/whip", "{channel}"
	if err := s.Validate(); err != nil {
		t.Errorf("the channel stands in the token: %v", err)
	}
}

func TestBitRates(t *testing.T) {
	for text, want := range map[string]BitRate{"2.5M": 2_500_000, "800k": 800_000, "64000": 64000} {
		var got BitRate
		if err := got.UnmarshalText([]byte(text)); err != nil || got != want {
			t.Errorf("%s: %d, %v", text, got, err)
		}
		if back := new(BitRate); back.UnmarshalText([]byte(got.String())) != nil || *back != got {
			t.Errorf("%s is written %s", text, got)
		}
	}
	for _, text := range []string{"", "M", "-1M", "2.5 M", "NaN", "9999M", "0"} {
		if err := new(BitRate).UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
}

func TestShares(t *testing.T) {
	var s Share
	if err := s.UnmarshalText([]byte("2.5%")); err != nil || s != 0.025 {
		t.Errorf("%v, %v", s, err)
	}
	if b, _ := s.MarshalText(); string(b) != "2.5%" {
		t.Errorf("written %s", b)
	}
	for _, text := range []string{"", "1", "%", "-1%", "101%", "NaN%"} {
		if err := s.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
}

func TestLimits(t *testing.T) {
	var l Limits
	if err := l.UnmarshalText([]byte("p99=100ms, loss=0.1%,cores=0.9")); err != nil {
		t.Fatal(err)
	}
	if b, _ := l.MarshalText(); string(b) != "p99=100ms,loss=0.1%,cores=0.9" {
		t.Errorf("written %s", b)
	}
	good := Point{Delivery: Delivery{Packets: 1, DelaySamples: 1, DelayP99: 100, LossPercent: 0.1}}
	if broken := l.broken(&good); len(broken) != 0 {
		t.Errorf("good, but %v", broken)
	}
	if got := strings.Join(l.broken(&Point{}), "; "); got != "nothing arrived" {
		t.Error(got)
	}
	if got := strings.Join(l.broken(&Point{Delivery: Delivery{Packets: 1}}), "; "); got != "p99 is not known: no frame was sampled" {
		t.Error(got)
	}
	bad := Point{Delivery: Delivery{Packets: 1, DelaySamples: 1, DelayP99: 100.5, LossPercent: 0.2}, Server: &Server{Cores: 0.95}}
	if got := strings.Join(l.broken(&bad), "; "); got != "p99 is 100.5ms, more than 100ms; loss is 0.2%, more than 0.1%; cores is 0.95, more than 0.9" {
		t.Error(got)
	}
	for _, text := range []string{"", "p99", "p99=100", "p99=-1ms", "loss=0.1", "p97=1ms", "p99=1ms,,", "cores=x"} {
		if err := new(Limits).UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
}
