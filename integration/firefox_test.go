package integration

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"
)

// firefoxPreferences give it test pictures and beeps for camera and microphone, let pages play with sound, and keep it away from the network.
const firefoxPreferences = `
user_pref("media.navigator.streams.fake", true);
user_pref("media.navigator.permission.disabled", true);
user_pref("media.autoplay.default", 0);
user_pref("media.peerconnection.ice.loopback", true);
user_pref("media.gmp-manager.updateEnabled", false);
user_pref("app.normandy.enabled", false);
user_pref("app.update.disabledForTesting", true);
user_pref("browser.safebrowsing.update.enabled", false);
user_pref("browser.shell.checkDefaultBrowser", false);
user_pref("browser.startup.page", 0);
user_pref("browser.aboutwelcome.enabled", false);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("dom.timeout.enable_budget_timer_throttling", false);
user_pref("extensions.update.enabled", false);
user_pref("network.captive-portal-service.enabled", false);
user_pref("network.connectivity-service.enabled", false);
user_pref("services.settings.server", "data:,");
user_pref("toolkit.telemetry.enabled", false);
`

// firefoxOrigin is what the driver says it is; Firefox lets in only what its command line allows.
const firefoxOrigin = "http://localhost"

// firefoxBrowser is one headless Firefox, driven by the WebDriver BiDi protocol that is part of it.
type firefoxBrowser struct {
	cmd     *exec.Cmd
	output  *transcript
	profile string
	done    chan struct{}
	bidi    *bidi
}

func startFirefox(path string) (browser, error) {
	profile, err := os.MkdirTemp("", "headgate-firefox-")
	if err != nil {
		return nil, err
	}
	b := &firefoxBrowser{profile: profile, output: &transcript{}, done: make(chan struct{})}
	if err := b.launch(path); err != nil {
		_ = os.RemoveAll(profile)
		return nil, err
	}
	if err := b.connect(); err != nil {
		b.stop()
		return nil, fmt.Errorf("%w; it printed: %s", err, b.output.tail(2000))
	}
	return b, nil
}

func (b *firefoxBrowser) launch(path string) error {
	if err := os.WriteFile(filepath.Join(b.profile, "user.js"), []byte(firefoxPreferences), 0o600); err != nil {
		return err
	}
	b.cmd = exec.Command(path, "--headless", "--no-remote", "--profile", b.profile, "--remote-debugging-port", "0", "--remote-allow-origins", firefoxOrigin, "about:blank")
	b.cmd.Env = append(os.Environ(), "HOME="+b.profile, "MOZ_CRASHREPORTER_DISABLE=1")
	b.cmd.Stdout, b.cmd.Stderr = b.output, b.output
	b.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := b.cmd.Start(); err != nil {
		return err
	}
	go func() {
		_ = b.cmd.Wait()
		close(b.done)
	}()
	return nil
}

var firefoxListening = regexp.MustCompile(`WebDriver BiDi listening on (ws://\S+)`)

func (b *firefoxBrowser) connect() error {
	address, err := b.address(patience)
	if err != nil {
		return err
	}
	if b.bidi, err = dialBiDi(address+"/session", firefoxOrigin); err != nil {
		return err
	}
	return b.bidi.call("session.new", object{"capabilities": object{}}, nil)
}

// address waits for Firefox to say where it listens.
func (b *firefoxBrowser) address(timeout time.Duration) (string, error) {
	late := time.After(timeout)
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for {
		if match := firefoxListening.FindStringSubmatch(b.output.String()); match != nil {
			return match[1], nil
		}
		select {
		case <-tick.C:
		case <-b.done:
			return "", errors.New("it ended at once")
		case <-late:
			return "", fmt.Errorf("not ready within %v", timeout)
		}
	}
}

func (b *firefoxBrowser) alive() bool {
	select {
	case <-b.done:
		return false
	case <-b.bidi.done:
		return false
	default:
		return true
	}
}

func (b *firefoxBrowser) stop() {
	if b.bidi != nil {
		b.bidi.close()
	}
	_ = syscall.Kill(-b.cmd.Process.Pid, syscall.SIGKILL)
	<-b.done
	_ = os.RemoveAll(b.profile)
}

// firefoxTab is one page in a user context (a container) of its own.
type firefoxTab struct {
	bidi    *bidi
	user    string
	context string
}

func (b *firefoxBrowser) newTab(preload ...string) (tab, error) {
	t := &firefoxTab{bidi: b.bidi}
	var user struct{ UserContext string }
	if err := b.bidi.call("browser.createUserContext", object{}, &user); err != nil {
		return nil, err
	}
	t.user = user.UserContext
	var created struct{ Context string }
	if err := b.bidi.call("browsingContext.create", object{"type": "tab", "userContext": t.user}, &created); err != nil {
		return nil, err
	}
	t.context = created.Context
	for _, script := range preload {
		function := "() => {" + script + "\n}"
		if err := b.bidi.call("script.addPreloadScript", object{"functionDeclaration": function, "contexts": []string{t.context}}, nil); err != nil {
			return nil, err
		}
	}
	return t, nil
}

func (t *firefoxTab) navigate(url string) error {
	return t.bidi.call("browsingContext.navigate", object{"context": t.context, "url": url, "wait": "interactive"}, nil)
}

func (t *firefoxTab) evaluate(expression string) (string, error) {
	var answer struct {
		Type             string
		Result           struct{ Value json.RawMessage }
		ExceptionDetails struct{ Text string }
	}
	err := t.bidi.call("script.evaluate", object{"expression": asJSON(expression), "target": object{"context": t.context}, "awaitPromise": true, "userActivation": true}, &answer)
	if err != nil {
		return "", err
	}
	if answer.Type != "success" {
		return "", errors.New(strings.TrimSpace(answer.ExceptionDetails.Text))
	}
	var text string
	err = json.Unmarshal(answer.Result.Value, &text)
	return text, err
}

func (t *firefoxTab) close() {
	_ = t.bidi.call("browsingContext.close", object{"context": t.context}, nil)
	_ = t.bidi.call("browser.removeUserContext", object{"userContext": t.user}, nil)
}
