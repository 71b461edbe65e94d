package api

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/headgate/headgate/auth"
	"github.com/headgate/headgate/internal/diagnose"
)

func TestChannels(t *testing.T) {
	live := Channel{Name: "live", Kind: "broadcast", Viewers: 3, Participants: 1, Publications: []Publication{
		{Participant: "main", Source: "main", State: "live", Video: "H264", Audio: "opus", Width: 1280, Height: 720},
	}}
	for name, tc := range map[string]struct {
		backend backend
		status  int
		body    string
	}{
		"nobody on air": {backend{}, 200, `{"channels":[]}` + "\n"},
		"one on air": {
			backend{channels: []Channel{live}}, 200,
			`{"channels":[{"name":"live","kind":"broadcast","provisioned":false,"publications":[{"participant":"main","source":"main","state":"live","video":"H264","audio":"opus",` +
				`"width":1280,"height":720,"whep":"https://live.example/whep/live/main/main","muted":{"audio":false,"video":false},"self_muted":{"audio":false,"video":false}}],"participants":1,"viewers":3}]}` + "\n",
		},
		"simulcast": {
			backend{channels: []Channel{{Name: "live", Kind: "call", Publications: []Publication{{
				Participant: "ann b", Source: "main", State: "live", LiveSince: noon, Muted: Muted{Audio: true},
				Width: 640, Height: 360, Layers: []Layer{{RID: "q", Width: 320, Height: 180, Bits: 150_000}, {RID: "h", Width: 640, Height: 360}},
			}}}}}, 200,
			`{"channels":[{"name":"live","kind":"call","provisioned":false,"publications":[{"participant":"ann b","source":"main","state":"live","width":640,"height":360,"layers":[` +
				`{"rid":"q","width":320,"height":180,"bits_per_second":150000},{"rid":"h","width":640,"height":360,"bits_per_second":0}],` +
				`"whep":"https://live.example/whep/live/ann%20b/main","muted":{"audio":true,"video":false},"self_muted":{"audio":false,"video":false},"live_since":"2026-03-01T12:00:00Z"}],"participants":0,"viewers":0}]}` + "\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			rec := get(t, &tc.backend, "/api/v1/channels")
			if rec.Code != tc.status || rec.Body.String() != tc.body {
				t.Errorf("%d %s, want %d %s", rec.Code, rec.Body, tc.status, tc.body)
			}
			if got := rec.Header().Get("Cache-Control"); got != "no-store" {
				t.Errorf("Cache-Control %q", got)
			}
		})
	}
}

func TestChannelsWithoutATokenAreRefused(t *testing.T) {
	if rec := get(t, &backend{err: auth.ErrNoToken}, "/api/v1/channels"); rec.Code != http.StatusUnauthorized {
		t.Errorf("status %d, want 401", rec.Code)
	}
}

func TestTheTokenReachesTheBackend(t *testing.T) {
	b := &backend{}
	get(t, b, "/api/v1/channels", "Authorization", "Bearer secret-token")
	if b.by.Credential.Token != "secret-token" {
		t.Errorf("credential %+v", b.by)
	}
}

func TestSettings(t *testing.T) {
	rec := get(t, &backend{}, "/api/v1/settings")
	want := `{"version":"v1","open":false,"whip":"https://live.example/whip/","whep":"https://live.example/whep/"}` + "\n"
	if rec.Code != 200 || rec.Body.String() != want {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
}

func TestOtherOriginsAreNotInvited(t *testing.T) {
	rec := get(t, &backend{}, "/api/v1/settings", "Origin", "https://evil.example")
	if got := rec.Header().Get("Access-Control-Allow-Origin"); got != "" {
		t.Errorf("Access-Control-Allow-Origin %q", got)
	}
}

func TestSession(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	b := &backend{session: Session{
		ID: "s1", Action: "publish", Channel: "live", State: "ended", Reached: "answer", Started: at, Ended: at.Add(time.Minute), Reason: "ice-failed",
		Diagnosis: &diagnose.Diagnosis{Code: "udp-blocked", Sentence: "No UDP came.", Remedy: "Open the port."},
		Timeline:  []Fact{{At: at, What: "request", Detail: "publish from 192.0.2.1"}},
	}}
	rec := get(t, b, "/api/v1/sessions/s1", "Authorization", "Bearer t")
	want := `{"session":"s1","action":"publish","channel":"live","state":"ended","reached":"answer","started":"2026-03-01T12:00:00Z","ended":"2026-03-01T12:01:00Z",` +
		`"reason":"ice-failed","diagnosis":{"code":"udp-blocked","sentence":"No UDP came.","remedy":"Open the port."},` +
		`"timeline":[{"at":"2026-03-01T12:00:00Z","what":"request","detail":"publish from 192.0.2.1"}],"facts":{"publish":false,`
	if rec.Code != 200 || !strings.HasPrefix(rec.Body.String(), want) {
		t.Errorf("%d %s\nwant %s", rec.Code, rec.Body, want)
	}
	if b.asked[0] != "session s1" || b.by.Credential.Token != "t" || b.by.From.Addr().String() != "192.0.2.1" {
		t.Errorf("asked for %q with %+v", b.asked, b.by)
	}
}
