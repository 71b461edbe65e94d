package call

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/headgate/headgate/internal/names"
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
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	temp, err := os.CreateTemp(dir, "."+filepath.Base(path)+"-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(temp.Name()) }() // gone already when all went well
	_, err = temp.Write(append(text, '\n'))
	if err = errors.Join(err, temp.Sync(), temp.Close()); err != nil {
		return err
	}
	if err := os.Rename(temp.Name(), path); err != nil {
		return err
	}
	return syncDir(dir)
}

// syncDir makes a rename last. Where directories cannot be synced nothing is lost by
// that but the promise.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	_ = d.Sync()
	return d.Close()
}
