package ui

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// Config says how far the pages may reach beyond their own origin. The zero
// value is the strictest and works.
type Config struct {
	// FrameAncestors are the sources that may show /watch in a frame, as in a
	// Content-Security-Policy: "'self'", "*", "https://example.com" or
	// "https://*.example.com". Empty: nobody. The other pages can never be
	// framed.
	FrameAncestors []string
	// ConnectSources are origins the pages may send requests to besides their
	// own: the public URL where it differs from the address the pages are
	// opened with, and nodes that a POST is redirected to.
	ConnectSources []string
}

// Validate reports every bad source at once, named as in the configuration
// file.
func (c Config) Validate() error {
	var errs []error
	for _, s := range c.FrameAncestors {
		if s != "'self'" && s != "*" && !isOrigin(s) {
			errs = append(errs, fmt.Errorf("ui.frame_ancestors: %q is none of 'self', * and an origin like https://example.com", s))
		}
	}
	for _, s := range c.ConnectSources {
		if !isOrigin(s) {
			errs = append(errs, fmt.Errorf("ui.connect_sources: %q is not an origin like https://example.com", s))
		}
	}
	return errors.Join(errs...)
}

// isOrigin accepts scheme, host and port and nothing else; a source with a
// semicolon or a space would end the directive it stands in.
func isOrigin(source string) bool {
	u, err := url.Parse(source)
	if err != nil || u.Host == "" || u.User != nil || strings.ContainsAny(source, " \t;,'\"") {
		return false
	}
	return (u.Scheme == "http" || u.Scheme == "https") && source == u.Scheme+"://"+u.Host
}

// frameAncestors and connectSources leave bad sources out: a mistake makes the
// policy stricter, never wider.
func (c Config) frameAncestors() string {
	good := slices.DeleteFunc(slices.Clone(c.FrameAncestors), func(s string) bool {
		return Config{FrameAncestors: []string{s}}.Validate() != nil
	})
	if len(good) == 0 {
		return "'none'"
	}
	return strings.Join(good, " ")
}

func (c Config) connectSources() string {
	good := slices.DeleteFunc(slices.Clone(c.ConnectSources), func(s string) bool { return !isOrigin(s) })
	return strings.Join(append([]string{"'self'"}, good...), " ")
}
