package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/headgate/headgate/internal/gateway"
)

// The variables that are not settings.
const (
	envKey       = "HEADGATE_KEY"        // the gateway's own signing key
	envConfig    = "HEADGATE_CONFIG"     // the configuration file
	envPushToken = "HEADGATE_PUSH_TOKEN" // the token of push
)

// leastKeyBytes is the shortest HS256 key (RFC 7518 section 3.2).
const leastKeyBytes = 32

// reservedEnv are variables with our prefix that no setting belongs to: those
// above, and those that steer the project's own scripts and tests.
func reservedEnv() map[string]bool {
	return map[string]bool{
		envKey: true, envConfig: true, envPushToken: true, envPullToken: true, "HEADGATE_CONFORM_TOKEN": true, "HEADGATE_BENCH_TOKEN": true, envDoctorToken: true, "HEADGATE_DEMO_FLAGS": true,
		"HEADGATE_REQUIRE_CLIENTS": true, "HEADGATE_CLIENTS": true, "HEADGATE_SOAK": true, "HEADGATE_SWITCHES": true,
		"HEADGATE_BINARY": true, "HEADGATE_CHROMIUM": true, "HEADGATE_SCREENSHOTS": true, "HEADGATE_SKIPPED": true,
		"HEADGATE_TEST_INSIDE": true, "HEADGATE_TEST_NETWORK": true,
	}
}

func (con *console) env(name string) string {
	for _, variable := range con.environ {
		if n, value, _ := strings.Cut(variable, "="); n == name {
			return value
		}
	}
	return ""
}

// loadConfig puts the configuration together: defaults, then the file, then the
// environment, then flags, each stronger than the one before. All faults of all
// sources are reported at once, each with where it comes from.
func loadConfig(con *console, file string, flags func(*gateway.Config, sources)) (gateway.Config, error) {
	return loadWithSources(con, file, flags, make(sources))
}

func loadWithSources(con *console, file string, flags func(*gateway.Config, sources), from sources) (gateway.Config, error) {
	cfg := gateway.DefaultConfig()
	var errs []error
	if file == "" {
		file = con.env(envConfig)
	}
	if file != "" {
		text, err := os.ReadFile(file)
		if err != nil {
			return cfg, fmt.Errorf("read the configuration: %w", err)
		}
		errs = append(errs, decodeConfig(file, text, &cfg, from))
	}
	errs = append(errs, applyEnv(&cfg, con.environ, reservedEnv(), from), con.applyKey(&cfg))
	if flags != nil {
		flags(&cfg, from)
	}
	errs = append(errs, from.locate(cfg.Validate()))
	return cfg, errors.Join(errs...)
}

// applyKey takes the gateway's own key from the environment, the only place it
// can be given at: files are copied and flags are seen by other users.
func (con *console) applyKey(cfg *gateway.Config) error {
	key := con.env(envKey)
	if key == "" {
		return nil
	}
	if len(key) < leastKeyBytes {
		return fmt.Errorf("%s must be at least %d bytes, got %d; make one with: openssl rand -base64 32", envKey, leastKeyBytes, len(key))
	}
	cfg.Auth.Own = []byte(key)
	return nil
}

type checkConfigCommand struct {
	File string `arg:"" type:"existingfile" help:"The YAML file to check."`
}

func (c checkConfigCommand) Run(con *console) error {
	from := make(sources)
	cfg, err := loadWithSources(con, c.File, nil, from)
	if err != nil {
		return err
	}
	if missing := from.locate(unreadable(cfg)); missing != nil { // the file may be meant for another machine
		for line := range strings.SplitSeq(missing.Error(), "\n") {
			fmt.Fprintln(con.stderr, "headgate: the gateway would not start here:", line)
		}
	}
	_, err = fmt.Fprintln(con.stdout, c.File, "is fine.")
	return err
}

// unreadable reports the files that the configuration names and that cannot be
// opened.
func unreadable(cfg gateway.Config) error {
	files := [][2]string{{"http.tls.cert", cfg.HTTP.TLS.Cert}, {"http.tls.key", cfg.HTTP.TLS.Key}}
	for i, k := range cfg.Auth.JWT.Keys {
		at := fmt.Sprintf("auth.jwt.keys[%d].", i)
		files = append(files, [2]string{at + "secret_file", k.SecretFile}, [2]string{at + "public_key_file", k.PublicKeyFile})
	}
	var errs []error
	for _, file := range files {
		if file[1] == "" {
			continue
		}
		f, err := os.Open(file[1])
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", file[0], err))
			continue
		}
		_ = f.Close() // only opened
	}
	return errors.Join(errs...)
}
