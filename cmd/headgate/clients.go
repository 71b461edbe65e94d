package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"
	"sync"
)

// bearer is how the tools that speak to a server take their token.
type bearer struct {
	Token     string `placeholder:"TOKEN" help:"Bearer token; other users of the machine can see it: better --token-file or HEADGATE_PUSH_TOKEN, HEADGATE_PULL_TOKEN."`
	TokenFile string `type:"existingfile" placeholder:"FILE" help:"File with the bearer token."`
}

// Validate refuses two tokens.
func (b *bearer) Validate() error {
	if b.Token != "" && b.TokenFile != "" {
		return errors.New("give --token or --token-file, not both")
	}
	return nil
}

// token returns the token of the flags, else that of the environment.
func (b *bearer) token(con *console, variable string) (string, error) {
	if b.TokenFile == "" {
		return cmp.Or(b.Token, con.env(variable)), nil
	}
	content, err := os.ReadFile(b.TokenFile)
	if err != nil {
		return "", err
	}
	token := strings.TrimSpace(string(content))
	if token == "" || strings.ContainsAny(token, " \t\r\n") {
		return "", fmt.Errorf("%s does not hold one token", b.TokenFile)
	}
	return token, nil
}

// validEndpoint refuses what can be no endpoint.
func validEndpoint(flag, address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return fmt.Errorf("%s wants an address that begins with http:// or https://, not %q", flag, address)
	}
	return nil
}

// statusLine is a line of a terminal that is written again and again. It is safe
// for concurrent use.
type statusLine struct {
	mu      sync.Mutex
	out     io.Writer
	enabled bool
	shown   bool
}

// eraseLine goes to the beginning of the line and empties it (ECMA-48 EL).
const eraseLine = "\r\x1b[K"

func (l *statusLine) show(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.enabled {
		l.shown = true
		_, _ = fmt.Fprint(l.out, eraseLine, text)
	}
}

// say writes a line that stays.
func (l *statusLine) say(text string) {
	l.clear()
	l.mu.Lock()
	defer l.mu.Unlock()
	_, _ = fmt.Fprintln(l.out, "headgate:", text)
}

// clear empties the line, for something else to be written.
func (l *statusLine) clear() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.shown {
		_, _ = fmt.Fprint(l.out, eraseLine)
		l.shown = false
	}
}

// bitRate is a number of bits a second as people read it.
func bitRate(bitsPerSecond float64) string {
	if bitsPerSecond < 1e6 {
		return fmt.Sprintf("%.0f kbit/s", bitsPerSecond/1e3)
	}
	return fmt.Sprintf("%.2f Mbit/s", bitsPerSecond/1e6)
}
