// Package wholefile writes files that are there with all their content or not at all.
package wholefile

import (
	"errors"
	"os"
	"path/filepath"
)

// Write replaces the file at path, or makes it, in a folder that exists. Only its
// owner may read it. It returns when the content is on the disk; after an error the
// file is as it was.
func Write(path string, content []byte) error {
	dir := filepath.Dir(path)
	temp, err := os.CreateTemp(dir, "."+filepath.Base(path)+"-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(temp.Name()) }() // gone already when all went well
	_, err = temp.Write(content)
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
