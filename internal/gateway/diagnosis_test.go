package gateway_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/headgate/headgate/internal/diagnose"
	"github.com/headgate/headgate/internal/gateway"
	"github.com/headgate/headgate/internal/testkit"
	"github.com/headgate/headgate/internal/testkit/offers"
)

// TestDiagnosis causes what docs/diagnoses.md explains, each for real, and asks the
// gateway for its explanation. The name of a subtest is the code.
func TestDiagnosis(t *testing.T) {
	tests := map[string]func(*testing.T){}
	for _, group := range []map[string]func(*testing.T){refusedDiagnoses, connectDiagnoses, mediaDiagnoses} {
		for code, test := range group {
			tests[code] = test
		}
	}
	for _, code := range diagnose.Codes() {
		test := tests[code]
		if test == nil {
			t.Errorf("nothing causes %s", code)
			continue
		}
		delete(tests, code)
		t.Run(code, test)
	}
	for code := range tests {
		t.Errorf("%s is no diagnosis", code)
	}
}

// scene is a stage whose gateway and clients are at addresses of the test's choice,
// a client that POSTs from one of them, and the gateway's explanations.
type scene struct {
	stage
	local *http.Client // on the gateway's machine
	last  string       // answer of the API
}

const (
	lanAddress    = "192.168.1.10"
	remoteAddress = "198.51.100.7"
)

// inScene plays with a gateway at address and HTTP from remoteAddress, in fake time.
func inScene(address string, change func(*gateway.Config), play func(*scene)) func(*testing.T) {
	return func(t *testing.T) {
		sideBySide(t, func(t *testing.T) {
			s := &scene{stage: stage{t: t, net: testkit.NewInternetAt(t, address, 5*time.Millisecond, 0, 1)}}
			if change == nil {
				change = func(*gateway.Config) {}
			}
			s.g, s.local = s.net.Gateway(change)
			s.http = testkit.From(s.local, remoteAddress)
			play(s)
		})
	}
}

// postOffer POSTs a recorded offer and returns the session's id and address, or what
// the refusal says of them.
func (s *scene) postOffer(path, token, offer string) (id, location string) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, "http://127.0.0.1"+path, strings.NewReader(offer))
	must(s.t, err)
	req.Header.Set("Content-Type", "application/sdp")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := s.http.Do(req)
	must(s.t, err)
	body, err := io.ReadAll(res.Body)
	must(s.t, err)
	id = res.Header.Get("Headgate-Session")
	if res.StatusCode == http.StatusCreated || res.StatusCode == http.StatusNotAcceptable || res.StatusCode == http.StatusUnauthorized {
		return id, res.Header.Get("Location")
	}
	var problem struct{ Session string }
	must(s.t, json.Unmarshal(body, &problem))
	if problem.Session == "" || problem.Session != id {
		s.t.Fatalf("%d without a session: %s", res.StatusCode, body)
	}
	return problem.Session, ""
}

// send does a request on a session.
func (s *scene) send(method, location string) int {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), method, location, nil)
	must(s.t, err)
	res, err := s.http.Do(req)
	must(s.t, err)
	must(s.t, res.Body.Close())
	return res.StatusCode
}

// ask asks for a session's diagnosis with a token.
func (s *scene) ask(id, token string) (status int, state string, d diagnose.Diagnosis) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, "http://127.0.0.1/api/v1/sessions/"+id, nil)
	must(s.t, err)
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := s.http.Do(req)
	must(s.t, err)
	body, err := io.ReadAll(res.Body)
	must(s.t, err)
	s.last = string(body)
	var answer struct {
		State     string
		Diagnosis diagnose.Diagnosis
	}
	must(s.t, json.Unmarshal(body, &answer))
	return res.StatusCode, answer.State, answer.Diagnosis
}

// expect asks for a session's diagnosis, which is to be that of the running test
// and say every one of the words.
func (s *scene) expect(id string, words ...string) { s.t.Helper(); s.expectWith(id, "", words...) }

func (s *scene) expectWith(id, token string, words ...string) {
	s.t.Helper()
	status, state, d := s.ask(id, token)
	want := s.t.Name()[strings.LastIndex(s.t.Name(), "/")+1:]
	if status != http.StatusOK || d.Code != want {
		s.t.Fatalf("%d, %s: %q (%s), want %s\n%s", status, state, d.Code, d.Sentence, want, s.last)
	}
	for _, w := range words {
		if !strings.Contains(d.Sentence+"\n"+d.Remedy, w) {
			s.t.Errorf("%q does not say %q", d.Sentence+" "+d.Remedy, w)
		}
	}
	s.t.Logf("%s %s", d.Sentence, d.Remedy)
}

// only is the id of the newest session that lives and does action.
func (s *scene) idOf(action string) string {
	s.t.Helper()
	for _, info := range s.g.Sessions() {
		if string(info.Action) == action {
			return info.ID
		}
	}
	s.t.Fatalf("nobody does %s", action)
	return ""
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// obs is what OBS offers: no candidates, no TCP.
func obs() string { return offers.Get("obs") }
