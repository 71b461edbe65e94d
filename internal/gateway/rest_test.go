package gateway_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/headgate/headgate/auth"
	"github.com/headgate/headgate/internal/api"
	"github.com/headgate/headgate/internal/api/apitest"
	"github.com/headgate/headgate/internal/gateway"
	"github.com/headgate/headgate/internal/testkit"
)

// rest is the API of a gateway, as somebody with a token sees it. Every answer is
// compared with the description.
type rest struct {
	t      *testing.T
	url    string
	token  string
	header http.Header
	client *http.Client
}

func restOf(t *testing.T, g *testkit.Gateway) *rest {
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &rest{t: t, url: g.URL() + api.Prefix, client: &http.Client{Transport: apitest.Transport{T: t, Next: transport}}}
}

// as is the API with another token.
func (r *rest) as(token string) *rest {
	c := *r
	c.token = token
	return &c
}

type restAnswer struct {
	t      *testing.T
	what   string
	status int
	header http.Header
	body   []byte
}

func (r *rest) do(method, path, body string) restAnswer {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), 20*time.Second)
	defer cancel()
	target := path
	if strings.HasPrefix(path, "/") {
		target = r.url + path
	}
	req, err := http.NewRequestWithContext(ctx, method, target, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	for name, values := range r.header {
		req.Header[name] = values
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if r.token != "" {
		req.Header.Set("Authorization", "Bearer "+r.token)
	}
	res, err := r.client.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return restAnswer{r.t, method + " " + path, res.StatusCode, res.Header, text}
}

// expect wants a status, and words in the body.
func (a restAnswer) expect(status int, words ...string) restAnswer {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("%s: %d %s, want %d", a.what, a.status, a.body, status)
	}
	for _, word := range words {
		if !bytes.Contains(a.body, []byte(word)) {
			a.t.Errorf("%s: %s lacks %s", a.what, a.body, word)
		}
	}
	return a
}

// member is one of the body's.
func (a restAnswer) member(name string) string {
	a.t.Helper()
	var document map[string]any
	if err := json.Unmarshal(a.body, &document); err != nil {
		a.t.Fatalf("%s: %s: %v", a.what, a.body, err)
	}
	s, _ := document[name].(string)
	return s
}

// restKey is the key of guarded gateways.
var restKey = []byte("0123456789abcdef0123456789abcdef")

// guarded is a gateway that wants tokens and can make them.
func guarded(t *testing.T, change func(*gateway.Config)) (*testkit.Gateway, *rest) {
	t.Helper()
	g := testkit.StartGateway(t, func(c *gateway.Config) {
		c.Auth.Own = bytes.Clone(restKey)
		if change != nil {
			change(c)
		}
	})
	r := restOf(t, g)
	return g, r.as(signed(t, g, auth.Claims{Admin: true, Publish: []string{"*"}, Play: []string{"*"}}))
}

func signed(t *testing.T, g *testkit.Gateway, claims auth.Claims) string {
	t.Helper()
	claims.ID = gateway.NewTokenID()
	token, err := g.SignToken(claims)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func TestChannelsAreProvidedAndTakenAway(t *testing.T) {
	g, admin := guarded(t, nil)
	viewer := admin.as(signed(t, g, auth.Claims{Play: []string{"Room*"}}))
	admin.do("GET", "/channels/Room%201", "").expect(404, "channel-unknown")
	made := admin.do("PUT", "/channels/Room%201", `{"kind":"call","title":"Stand-up","max_members":12,"password":"correct horse"}`)
	made.expect(201, `"has_password":true`)
	if strings.Contains(string(made.body), "horse") || made.header.Get("Location") != admin.url+"/channels/Room%201" {
		t.Errorf("%v %s", made.header, made.body)
	}
	admin.do("PUT", "/channels/Room%201", `{"kind":"call","title":"Stand-down"}`).expect(200, `"has_password":true`, "Stand-down")
	admin.do("GET", "/channels/Room%201", "").expect(200, `"provisioned":true`, `"settings":{"kind":"call"`, `"kind":"call"`)
	if a := viewer.do("GET", "/channels/Room%201", "").expect(200, "Stand-down"); bytes.Contains(a.body, []byte("settings")) {
		t.Errorf("a viewer reads %s", a.body)
	}
	viewer.do("GET", "/channels", "").expect(200, `"name":"Room 1"`)
	admin.as("guessed").do("GET", "/channels", "").expect(401, "bad-token")
	admin.do("PUT", "/channels/Room%201", `{"password":""}`).expect(200, `"has_password":false`)
	admin.do("PUT", "/channels/Room%201", `{"kind":"x","video":["h264"]}`).expect(400, "bad-settings", "kind must", "video must")
	admin.do("DELETE", "/channels/Room%201?keep=true", "").expect(204)
	admin.do("GET", "/channels/Room%201", "").expect(200)
	admin.do("DELETE", "/channels/Room%201", "").expect(204)
	admin.do("DELETE", "/channels/Room%201", "").expect(204)
	admin.do("GET", "/channels/Room%201", "").expect(404)
}

func TestProvidedChannelsSurviveARestart(t *testing.T) {
	dir := t.TempDir()
	first, admin := guarded(t, func(c *gateway.Config) { c.StateDir = dir })
	admin.do("PUT", "/channels/live", `{"kind":"call"}`).expect(201)
	first.Close()
	_, admin = guarded(t, func(c *gateway.Config) { c.StateDir = dir })
	admin.do("GET", "/channels/live", "").expect(200, `"kind":"call"`)
}

func TestABrokenFileOfChannelsIsNotIgnored(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "channels.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := gateway.DefaultConfig()
	cfg.HTTP.HTTP, cfg.Media.Listen, cfg.StateDir = "127.0.0.1:0", "127.0.0.1:0", dir
	if _, err := gateway.New(t.Context(), cfg, gateway.Options{}); err == nil || !strings.Contains(err.Error(), "channels.json") {
		t.Errorf("%v", err)
	}
}

func TestLoginWithThePasswordOfAChannel(t *testing.T) {
	_, admin := guarded(t, nil)
	nobody := admin.as("")
	admin.do("PUT", "/channels/live", `{"password":"correct horse"}`).expect(201)
	wrong := nobody.do("POST", "/login", `{"channel":"live","password":"wrong"}`).expect(401, "wrong-password")
	unknown := nobody.do("POST", "/login", `{"channel":"nobody","password":"correct horse"}`).expect(401)
	if !bytes.Equal(wrong.body, unknown.body) {
		t.Errorf("%s and %s", wrong.body, unknown.body)
	}
	in := nobody.do("POST", "/login", `{"channel":"live","password":"correct horse","name":"Ann","participant":"ann"}`).expect(200, `"participant":"ann"`)
	ann := admin.as(in.member("token"))
	ann.do("POST", "/channels/live/events", `{}`).expect(201, `"participant":"ann"`, `"name":"Ann"`)
	ann.do("POST", "/channels/live/events", `{"participant":"bob"}`).expect(403, "wrong-participant")
	ann.do("POST", "/channels/other/events", `{}`).expect(403, "not-allowed")
	ann.do("DELETE", "/channels/live", "").expect(403)
	nobody.do("POST", "/login", `{"channel":"live","password":"correct horse"}`).expect(200, `"participant":"guest-`)
}

func TestTokensAreMade(t *testing.T) {
	_, admin := guarded(t, func(c *gateway.Config) { c.Auth.JWT.Issuer, c.Auth.JWT.Audience = "us", []string{"headgate"} })
	made := admin.do("POST", "/tokens", `{"participant":"ann","play":["live"],"expires_in":60,"tags":{"role":"host"}}`).expect(201)
	ann := admin.as(made.member("token"))
	ann.do("POST", "/channels/live/events", `{}`).expect(201, `"participant":"ann"`)
	ann.do("POST", "/tokens", `{"play":["live"]}`).expect(403)
	admin.do("POST", "/tokens", `{"play":["a/b"]}`).expect(400, "bad-body")
	admin.do("POST", "/tokens", `{"participant":"a/b","play":["live"]}`).expect(400, "bad-body")
}

func TestNoTokensWithoutAKey(t *testing.T) {
	const secret = "an administrator's own token"
	g := testkit.StartGateway(t, func(c *gateway.Config) {
		c.Auth.Tokens = []auth.TokenConfig{{Token: "admin-0123456789abcdef", Admin: true, Play: true, Channels: []string{"*"}}}
	})
	admin := restOf(t, g).as("admin-0123456789abcdef")
	admin.do("POST", "/tokens", `{"play":["live"]}`).expect(422, "cannot-sign", "HEADGATE_KEY")
	admin.do("PUT", "/channels/live", `{"password":"`+secret+`"}`).expect(201)
	admin.do("POST", "/login", `{"channel":"live","password":"`+secret+`"}`).expect(422, "cannot-sign")
}

// A viewer's token does nothing that administrators do, and none does nothing at all:
// for every operation of the description.
func TestWhoMayDoWhat(t *testing.T) {
	g, admin := guarded(t, nil)
	document, err := apitest.Description()
	if err != nil {
		t.Fatal(err)
	}
	viewer, stranger, nobody := admin.as(signed(t, g, auth.Claims{Play: []string{"live"}, Participant: "vic"})),
		admin.as(signed(t, g, auth.Claims{Play: []string{"other"}, Publish: []string{"other"}})), admin.as("")
	bodies := map[string]string{
		"provisionChannel": `{}`, "pinProgram": `{"participant":"ann"}`, "joinChannel": `{}`, "mutePublication": `{}`, "muteSelf": `{}`, "sendMessage": `{"text":"a"}`,
		"invite": `{"to":"bob"}`, "settleInvitation": `{"state":"accepted"}`, "makeToken": `{"play":["live"]}`, "logIn": `{"channel":"live","password":"x"}`,
	}
	refused := func(a restAnswer, action string, want ...int) {
		t.Helper()
		for _, status := range want {
			if a.status == status {
				return
			}
		}
		t.Errorf("%s wants %s: %d %s", a.what, action, a.status, a.body)
	}
	asked := 0
	for path, item := range document.Paths.Map() {
		address := strings.NewReplacer("{channel}", "live", "{participant}", "ann", "{source}", "main", "{id}", "x1", "{secret}", "x2").Replace(path)
		for method, operation := range item.Operations() {
			body := bodies[operation.OperationID]
			switch action := apitest.Action(operation); action {
			case "admin":
				refused(viewer.do(method, address, body), action, 403)
				refused(stranger.do(method, address, body), action, 403)
				refused(nobody.do(method, address, body), action, 401)
			case "play", "join":
				if strings.Contains(path, "{channel}") { // the list of channels is of those one may play
					refused(stranger.do(method, address, body), action, 403)
				}
				refused(nobody.do(method, address, body), action, 401)
			case "self":
				refused(stranger.do(method, address, body), action, 403, 404)
				refused(nobody.do(method, address, body), action, 401, 404)
			case "secret":
				refused(nobody.do(method, address, body), action, 404)
			}
			asked++
		}
	}
	if asked < 30 {
		t.Errorf("only %d operations", asked)
	}
}

func TestOpennessOnThisMachine(t *testing.T) {
	g := testkit.StartGateway(t, nil)
	r := restOf(t, g)
	r.do("PUT", "/channels/live", `{"password":"x"}`).expect(201)
	r.do("POST", "/login", `{"channel":"live","password":"x"}`).expect(200, `"token":null`, `"expires":null`)
	r.do("POST", "/tokens", `{"play":["live"]}`).expect(422, "cannot-sign")
	forwarded := *r
	forwarded.header = http.Header{"X-Forwarded-For": {"192.0.2.1"}}
	forwarded.do("DELETE", "/channels/live", "").expect(401, "no-token")
	forwarded.do("GET", "/channels/live", "").expect(200)
	r.do("DELETE", "/channels/live", "").expect(204)
}

// Openness for everybody is for media: administration wants a token of ours.
func TestOpennessElsewhere(t *testing.T) {
	dir := t.TempDir()
	change := func(c *gateway.Config) { c.HTTP.HTTP, c.Auth.Open, c.StateDir = ":0", true, dir }
	g := testkit.StartGateway(t, change)
	nobody := restOf(t, g)
	nobody.do("GET", "/channels", "").expect(200)
	nobody.do("POST", "/channels/live/events", `{"participant":"ann"}`).expect(201)
	for _, admin := range [][3]string{{"PUT", "/channels/live", `{}`}, {"DELETE", "/channels/live", ""}, {"GET", "/channels/live/bans", ""}, {"POST", "/tokens", `{"admin":true}`}} {
		nobody.do(admin[0], admin[1], admin[2]).expect(401, "no-token")
	}
	cfg := gateway.DefaultConfig()
	change(&cfg)
	key, madeIn, err := gateway.OwnKey(cfg)
	if err != nil || madeIn != "" {
		t.Fatal(madeIn, err)
	}
	token, err := auth.Sign(key, auth.Claims{ID: "a", Admin: true})
	if err != nil {
		t.Fatal(err)
	}
	nobody.as(token).do("PUT", "/channels/live", `{}`).expect(201)
	nobody.as("guessed").do("DELETE", "/channels/live", "").expect(401)
}

func TestOpennessNeedsNoDisk(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("wants a directory that nobody can make")
	}
	g := testkit.StartGateway(t, func(c *gateway.Config) { c.HTTP.HTTP, c.Auth.Open, c.StateDir = ":0", true, "/proc/none" })
	r := restOf(t, g)
	r.do("GET", "/channels", "").expect(200)
	r.do("DELETE", "/channels/live", "").expect(401)
}

func TestMembersTalk(t *testing.T) {
	g, admin := guarded(t, nil)
	ann := admin.as(signed(t, g, auth.Claims{Participant: "ann", Name: "Ann", Publish: []string{"live"}, Play: []string{"live", "lobby"}}))
	bob := admin.as(signed(t, g, auth.Claims{Participant: "bob", Play: []string{"lobby"}}))
	bob.do("POST", "/channels/lobby/events", `{"name":"Bob"}`).expect(201)
	ann.do("POST", "/channels/live/events", `{"kind":"call"}`).expect(201, `"kind":"call"`)
	admin.do("GET", "/channels/live/participants/ann", "").expect(200, `"name":"Ann"`)
	admin.do("GET", "/channels", "").expect(200, `"name":"live"`, `"name":"lobby"`)
	ann.do("POST", "/channels/live/messages", `{"text":"Hello"}`).expect(201, `"from":"ann"`, `"name":"Ann"`)
	admin.do("POST", "/channels/live/messages", `{"text":"Hello"}`).expect(400, "bad-name", "who you are")

	made := ann.do("POST", "/channels/live/invitations", `{"to":"bob","in":"lobby"}`).expect(201, `"state":"pending"`)
	id := "/invitations/" + made.member("id")
	bob.do("GET", id, "").expect(200)
	ann.do("PATCH", id, `{"state":"accepted"}`).expect(403)
	bob.do("DELETE", id, "").expect(403)
	accepted := bob.do("PATCH", id, `{"state":"accepted"}`).expect(200, `"state":"accepted"`)
	again := bob.do("PATCH", id, `{"state":"accepted"}`).expect(200)
	if accepted.member("token") == "" || accepted.member("token") != again.member("token") {
		t.Errorf("%s, then %s", accepted.body, again.body)
	}
	bob.do("PATCH", id, `{"state":"declined"}`).expect(409, "invitation-settled")
	admin.as(accepted.member("token")).do("POST", "/channels/live/events", `{}`).expect(201, `"participant":"bob"`)
	ann.do("GET", "/invitations/nobodys", "").expect(404)
}

// Nobody gives away more than they have.
func TestInvitationsDoNotRaiseAnybody(t *testing.T) {
	g, admin := guarded(t, nil)
	end := time.Now().Add(time.Minute).Truncate(time.Second)
	ann := admin.as(signed(t, g, auth.Claims{Participant: "ann", Play: []string{"live"}, Expires: end}))
	bob := admin.as(signed(t, g, auth.Claims{Participant: "bob", Play: []string{"live"}}))
	bob.do("POST", "/channels/live/events", `{}`).expect(201)
	made := ann.do("POST", "/channels/live/invitations", `{"to":"bob"}`).expect(201)
	token := bob.do("PATCH", "/invitations/"+made.member("id"), `{"state":"accepted"}`).expect(200).member("token")
	authority, err := auth.New(auth.Config{Own: restKey, Exp: auth.ExpSession}, nil)
	if err != nil {
		t.Fatal(err)
	}
	cred := auth.Credential{Token: token}
	if _, err := authority.Authorize(t.Context(), cred, auth.Publish, auth.Place{Channel: "live"}); err == nil {
		t.Error("who may only play invited a publisher")
	}
	grant, err := authority.Authorize(t.Context(), cred, auth.Play, auth.Place{Channel: "live"})
	if err != nil || grant.Expires.After(end.Add(2*time.Minute)) {
		t.Errorf("until %v, %v", grant.Expires, err)
	}
}

// Design 5: a token that admits one login admits one member too, with all its pages,
// sessions and sources.
func TestATokenForOneLoginIsForOneMember(t *testing.T) {
	g, _ := guarded(t, nil)
	once := restOf(t, g).as(signed(t, g, auth.Claims{ID: "1", Once: true, Play: []string{"live"}, Publish: []string{"live"}, Expires: time.Now().Add(time.Hour)}))
	ann := once.do("POST", "/channels/live/events", `{"participant":"ann"}`).expect(201).member("events")
	once.do("POST", "/channels/live/events", `{"participant":"ann"}`).expect(201)
	once.do("POST", "/channels/live/events", `{"participant":"bob"}`).expect(403, "token-replayed")
	once.do("DELETE", ann, "").expect(200)
	once.do("POST", "/channels/live/events", `{"participant":"bob"}`).expect(403, "token-replayed")
}

// Everything that lets somebody in stays out of the log, and of what refusals say.
func TestNoSecretsOfTheAPIAreLogged(t *testing.T) {
	log := &lines{}
	g := testkit.StartGateway(t, func(c *gateway.Config) { c.Auth.Own = restKey }, func(o *gateway.Options) {
		o.Log = slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	admin := restOf(t, g).as(signed(t, g, auth.Claims{Admin: true, Publish: []string{"*"}, Play: []string{"*"}}))
	admin.do("PUT", "/channels/live", `{"password":"correct horse"}`).expect(201)
	in := admin.as("").do("POST", "/login", `{"channel":"live","password":"correct horse"}`).expect(200)
	admin.as("").do("POST", "/login", `{"channel":"live","password":"battery staple"}`).expect(401)
	stream := admin.do("POST", "/channels/live/events", `{"participant":"ann"}`).expect(201).member("events")
	secret := stream[strings.LastIndex(stream, "/")+1:]
	admin.do("DELETE", stream, "").expect(200)
	gone := admin.do("GET", stream, "").expect(404, `"code":"left"`)
	made := admin.do("POST", "/tokens", `{"play":["live"]}`).expect(201)
	_, text := log.all(t)
	for name, hidden := range map[string]string{
		"password": "correct horse", "wrong password": "battery staple", "stream": secret, "token of a login": in.member("token"),
		"token": made.member("token"), "administrator's token": admin.token,
	} {
		if hidden == "" || strings.Contains(text, hidden) || bytes.Contains(gone.body, []byte(hidden)) {
			t.Errorf("the %s %q is shown:\n%s\n%s", name, hidden, text, gone.body)
		}
	}
	if !strings.Contains(text, `"/api/v1/events/:secret"`) {
		t.Error("requests for streams are not logged at all")
	}
}
