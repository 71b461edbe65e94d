package call

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/headgate/headgate/internal/names"
	"github.com/headgate/headgate/internal/wholefile"
)

// keptVersion is that of the file's format.
const keptVersion = 1

// kept is the file of the channels that were provisioned over the API.
type kept struct {
	Version  int                    `json:"version"`
	Channels map[string]keptChannel `json:"channels"`
}

// keptChannel is Settings with what is never told.
type keptChannel struct {
	Settings
	PasswordHash string `json:"password_hash,omitempty"`
}

// readChannels reads what writeChannels wrote; without a file, or a path, there are
// none.
func readChannels(path string) (map[string]Settings, error) {
	channels := make(map[string]Settings)
	if path == "" {
		return channels, nil
	}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return channels, nil
	}
	if err != nil {
		return nil, err
	}
	var k kept
	if err := json.Unmarshal(text, &k); err != nil {
		return nil, fmt.Errorf("%s cannot be read; repair it, or remove it to begin with none: %w", path, err)
	}
	if k.Version != keptVersion {
		return nil, fmt.Errorf("%s has version %d, and this gateway knows %d", path, k.Version, keptVersion)
	}
	for name, c := range k.Channels {
		c.Settings.PasswordHash = c.PasswordHash
		if wrong := c.faults(); names.Valid(name) != nil || len(wrong) > 0 {
			return nil, fmt.Errorf("%s: channel %q: %v", path, name, wrong)
		}
		channels[name] = c.Settings
	}
	return channels, nil
}

// writeChannels replaces the file whole or not at all, and returns when it is on the
// disk. Only its owner may read it.
func writeChannels(path string, channels map[string]Settings) error {
	k := kept{Version: keptVersion, Channels: make(map[string]keptChannel, len(channels))}
	for name, s := range channels {
		k.Channels[name] = keptChannel{Settings: s, PasswordHash: s.PasswordHash}
	}
	text, err := json.MarshalIndent(k, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return wholefile.Write(path, append(text, '\n'))
}
