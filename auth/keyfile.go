package auth

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// keyFile is the file's name in the state directory.
const keyFile = "token.key"

// NewKey makes an HMAC key: 43 printable characters with 256 bits of chance.
func NewKey() []byte {
	var b [minKeyBytes]byte
	_, _ = rand.Read(b[:]) // never fails
	return base64.RawURLEncoding.AppendEncode(nil, b[:])
}

// KeyFile names the file in which LoadOrCreateKey keeps the key.
func KeyFile(dir string) string { return filepath.Join(dir, keyFile) }

// LoadOrCreateKey returns the HMAC key kept in dir, making it (and dir) if
// there is none; created tells. The key is printable text of at least 32
// bytes: whoever signs elsewhere uses the text itself as the key. The file is
// readable by its owner only; of several processes that make one at the same
// time, all get the same.
func LoadOrCreateKey(dir string) (key []byte, created bool, err error) {
	path := KeyFile(dir)
	key, err = readKey(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, false, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, false, fmt.Errorf("make the state directory: %w", err)
	}
	key = NewKey()
	err = writeNew(path, append(bytes.Clone(key), '\n'))
	if errors.Is(err, fs.ErrExist) { // another process was faster
		key, err = readKey(path)
		return key, false, err
	}
	if err != nil {
		return nil, false, fmt.Errorf("keep the key: %w", err)
	}
	return key, true, nil
}

func readKey(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o007 != 0 {
		return nil, fmt.Errorf("everybody can read the key; run: chmod 600 %s", path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	key := bytes.TrimSpace(text)
	if _, err := secretKey("", key); err != nil {
		return nil, fmt.Errorf("%s does not hold a key; remove it to get a new one", path)
	}
	return key, nil
}

// writeNew makes path with content at once and whole, or fails with
// fs.ErrExist.
func writeNew(path string, content []byte) error {
	temp, err := os.CreateTemp(filepath.Dir(path), "."+keyFile+"-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(temp.Name()) }()
	_, err = temp.Write(content)
	if err = errors.Join(err, temp.Sync(), temp.Close()); err != nil {
		return err
	}
	if err := os.Link(temp.Name(), path); err == nil || errors.Is(err, fs.ErrExist) {
		return err
	}
	return os.Rename(temp.Name(), path) // no hard links on this file system
}
