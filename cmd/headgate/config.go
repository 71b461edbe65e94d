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
	envKey    = "HEADGATE_KEY"    // the gateway's own signing key
	envConfig = "HEADGATE_CONFIG" // the configuration file
)

// reservedEnv are variables with our prefix that no setting belongs to: the two
// above, and those that steer the project's own tests.
func reservedEnv() map[string]bool {
	return map[string]bool{
		envKey: true, envConfig: true,
		"HEADGATE_REQUIRE_CLIENTS": true, "HEADGATE_CLIENTS": true, "HEADGATE_SOAK": true, "HEADGATE_PUSH_TOKEN": true,
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
// sources are reported at once.
func loadConfig(con *console, file string, flags func(*gateway.Config)) (gateway.Config, error) {
	cfg := gateway.DefaultConfig()
	if file == "" {
		file = con.env(envConfig)
	}
	var source *configFile
	var errs []error
	if file != "" {
		text, err := os.ReadFile(file) //nolint:gosec // the operator names the file
		if err != nil {
			return cfg, fmt.Errorf("read the configuration: %w", err)
		}
		if source, err = decodeConfig(file, text, &cfg); err != nil {
			errs = append(errs, err)
		}
	}
	if err := applyEnv(&cfg, con.environ, reservedEnv()); err != nil {
		errs = append(errs, err)
	}
	if key := con.env(envKey); key != "" {
		cfg.Auth.Own = []byte(key)
	}
	if flags != nil {
		flags(&cfg)
	}
	errs = append(errs, source.locate(cfg.Validate()))
	return cfg, errors.Join(errs...)
}

type checkConfigCommand struct {
	File string `arg:"" type:"existingfile" help:"The YAML file to check."`
}

func (c checkConfigCommand) Run(con *console) error {
	if _, err := loadConfig(con, c.File, nil); err != nil {
		return err
	}
	_, err := fmt.Fprintln(con.stdout, c.File, "is fine.")
	return err
}
