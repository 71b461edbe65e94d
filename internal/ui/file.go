package ui

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"io/fs"
	"net/http"
	"path"
	"time"
)

//go:embed assets pages
var embedded embed.FS

// types are the media types of all that is embedded; the machine's own table
// must not decide.
var types = map[string]string{
	".css":  "text/css; charset=utf-8",
	".html": "text/html; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".svg":  "image/svg+xml",
}

// file is an embedded file, ready to be served.
type file struct {
	name        string
	body        []byte
	contentType string
	// etag is strong, with its quotes: a hash of the body.
	etag string
}

// load reads one embedded file.
func load(name string) (file, error) {
	body, err := embedded.ReadFile(name)
	if err != nil {
		return file{}, err
	}
	sum := sha256.Sum256(body)
	return file{
		name:        name,
		body:        body,
		contentType: types[path.Ext(name)],
		etag:        `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`,
	}, nil
}

// loadDir reads the embedded files of a directory, by base name.
func loadDir(dir string) (map[string]file, error) {
	entries, err := fs.ReadDir(embedded, dir)
	if err != nil {
		return nil, err
	}
	files := make(map[string]file, len(entries))
	for _, entry := range entries {
		f, err := load(path.Join(dir, entry.Name()))
		if err != nil {
			return nil, err
		}
		files[entry.Name()] = f
	}
	return files, nil
}

// serve answers GET and HEAD, conditional ones and ranges included.
func (f file) serve(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", f.contentType)
	w.Header().Set("ETag", f.etag)
	http.ServeContent(w, r, f.name, time.Time{}, bytes.NewReader(f.body))
}
