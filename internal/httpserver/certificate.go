package httpserver

import (
	"crypto/tls"
	"log/slog"
	"os"
	"sync"
	"time"
)

// recheckEvery is how often, at most, handshakes look whether the files changed.
const recheckEvery = time.Second

// certificate is a certificate from files that is read again when they change.
// While new files do not fit together the old certificate stays in use. It is safe
// for concurrent use.
type certificate struct {
	files TLSConfig
	now   func() time.Time
	log   *slog.Logger

	mu      sync.Mutex
	current *tls.Certificate
	seen    [2]stamp // of the files last read, good or not
	checked time.Time
}

// stamp tells one version of a file from another; zero stands for an unreadable
// one.
type stamp struct {
	modified time.Time
	size     int64
}

func loadCertificate(files TLSConfig, now func() time.Time, log *slog.Logger) (*certificate, error) {
	c := &certificate{files: files, now: now, log: log}
	c.seen, c.checked = c.stamps(), now()
	if err := c.load(); err != nil {
		return nil, err
	}
	return c, nil
}

// get is tls.Config.GetCertificate.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := c.now(); now.Sub(c.checked) >= recheckEvery {
		c.checked = now
		c.refresh()
	}
	return c.current, nil
}

// refresh reads the files if they changed, and tells once how that went.
func (c *certificate) refresh() {
	stamps := c.stamps()
	if stamps == c.seen {
		return
	}
	c.seen = stamps
	if err := c.load(); err != nil {
		c.log.Warn("new TLS certificate cannot be used, the old one stays", "err", err)
		return
	}
	c.log.Info("new TLS certificate in use", "until", c.current.Leaf.NotAfter)
}

func (c *certificate) load() error {
	pair, err := tls.LoadX509KeyPair(c.files.Cert, c.files.Key)
	if err != nil {
		return err
	}
	c.current = &pair
	return nil
}

func (c *certificate) stamps() [2]stamp {
	return [2]stamp{stampOf(c.files.Cert), stampOf(c.files.Key)}
}

func stampOf(file string) stamp {
	info, err := os.Stat(file)
	if err != nil {
		return stamp{}
	}
	return stamp{modified: info.ModTime(), size: info.Size()}
}
