package main

import (
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
)

var jwt = regexp.MustCompile(`eyJ[\w-]+\.[\w-]+\.[\w-]+`)

func TestHintsWhereNoTokenIsNeeded(t *testing.T) {
	s := serve(t, &command{terminal: true})
	out := s.stdout.String()
	for _, want := range []string{
		s.HTTP + "/publish/live\n", s.HTTP + "/watch/live\n", s.HTTP + "/whip/live\n",
		"Bearer Token  (leave empty)", "-f whip " + s.HTTP + "/whip/live", "headgate push --whip " + s.HTTP + "/whip/live\n",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("the hints lack %q:\n%s", want, out)
		}
	}
	if strings.Contains(out, "token=") || strings.Contains(out, "headgate token") {
		t.Errorf("the hints speak of tokens:\n%s", out)
	}
}

func TestHintsTellWhenOtherMachinesAreServed(t *testing.T) {
	for listen, want := range map[string]bool{":0": true, "0.0.0.0:0": true, "[::]:0": true, "127.0.0.1:0": false} {
		s := serve(t, &command{terminal: true}, "--open", "--http", listen)
		if got := strings.Contains(s.stdout.String(), "On other machines"); got != want {
			t.Errorf("%s: %v\n%s", listen, got, s.stdout.String())
		}
	}
}

func TestTokensAreShownOnATerminalOnly(t *testing.T) {
	env := []string{"HEADGATE_KEY=" + testKey}
	t.Run("terminal", func(t *testing.T) {
		s := serve(t, &command{env: env, terminal: true})
		tokens := jwt.FindAllString(s.stdout.String(), -1)
		if len(tokens) != 5 { // publish page, watch page, OBS, ffmpeg, push
			t.Fatalf("%d tokens:\n%s", len(tokens), s.stdout.String())
		}
		if status, body := post(t, s.HTTP+"/whip/live", tokens[2]); status != http.StatusCreated {
			t.Errorf("OBS: %d %s", status, body)
		}
		if status, _ := post(t, s.HTTP+"/whip/live", tokens[1]); status != http.StatusForbidden {
			t.Errorf("the link to watch allows publishing: %d", status)
		}
	})
	for name, args := range map[string][]string{"file or pipe": nil, "file or pipe with --hints": {"--hints"}} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, &command{env: env}, args...)
			out := s.stdout.String() + s.stderr.String()
			if jwt.MatchString(out) {
				t.Errorf("a token was shown:\n%s", out)
			}
			wants := strings.Contains(out, "headgate token --publish live --play live") && strings.Contains(out, "see below")
			if wants != (args != nil) {
				t.Errorf("hints:\n%s", out)
			}
		})
	}
}

func TestHintsWhereTokensComeFromElsewhere(t *testing.T) {
	file := write(t, "gateway.yaml", "auth: {tokens: [{token: 0123456789abcdef, play: true, channels: [a]}]}\n")
	s := serve(t, &command{terminal: true}, "--config", file)
	out := s.stdout.String()
	if !strings.Contains(out, "one of auth.tokens") || strings.Contains(out, "0123456789abcdef") || strings.Contains(out, "headgate token") {
		t.Errorf("hints:\n%s", out)
	}
}

func TestHintsUseThePublicAddressAndTheFile(t *testing.T) {
	dir, env := stateDir(t)
	file := write(t, "gateway.yaml", "state_dir: "+dir+"\n")
	s := serve(t, &command{env: []string{env}}, "--config", file, "--http", "0.0.0.0:0", "--public-url", "https://live.example/", "--hints")
	out := s.stdout.String()
	if !strings.Contains(out, "https://live.example/whip/live\n") || strings.Contains(out, s.HTTP) || !strings.Contains(out, "--config "+file) {
		t.Errorf("hints:\n%s", out)
	}
}

func TestHintsTellTheFingerprintOfASelfSignedCertificate(t *testing.T) {
	dir, env := stateDir(t)
	file := write(t, "gateway.yaml", "state_dir: "+dir+"\nhttp: {https: '127.0.0.1:0', tls: {self_signed: true}}\n")
	s := serve(t, &command{env: []string{env}}, "--config", file, "--hints")
	out := s.stdout.String()
	fingerprint := regexp.MustCompile(`(?m)^ +(([0-9A-F]{2}:){31}[0-9A-F]{2})$`).FindStringSubmatch(out)
	if fingerprint == nil || !regexp.MustCompile(`HTTPS +https://127\.0\.0\.1:\d+ has a self-signed`).MatchString(out) {
		t.Fatalf("hints:\n%s", out)
	}
	if !strings.Contains(s.stderr.String(), fingerprint[1]) {
		t.Errorf("the log tells another one:\n%s", s.stderr.String())
	}
}

func TestIsTerminal(t *testing.T) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	file, err := os.Create(write(t, "file", ""))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	for name, f := range map[string]*os.File{"null device": null, "file": file, "pipe": w} {
		if isTerminal(f) {
			t.Errorf("%s is taken for a terminal", name)
		}
	}
	if pty, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0); err == nil {
		defer pty.Close()
		if !isTerminal(pty) {
			t.Error("a terminal is not recognised")
		}
	}
}
