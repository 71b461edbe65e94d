package doctor

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"time"
)

// state looks at the directory of the gateway's own key, where it needs one.
func state(s Setup, now time.Time) []Finding {
	if s.KeyFile == "" {
		return []Finding{ok("state-not-needed", "This configuration keeps nothing on disk: access is configured, or not limited.")}
	}
	dir := filepath.Dir(s.KeyFile)
	findings := []Finding{writable(dir)}
	info, err := os.Stat(s.KeyFile)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		findings = append(findings, note("key-absent", "Nothing: it is made at the first start, or by headgate token. Run that as the same user, with the same configuration.", "There is no key in %s yet.", dir))
	case err != nil:
		findings = append(findings, fault("key-unreadable", "Let the user that runs the gateway read it, and nobody else.", "The key cannot be read: %v.", err))
	case runtime.GOOS != "windows" && info.Mode().Perm()&0o007 != 0:
		findings = append(findings, fault("key-exposed", "chmod 600 "+s.KeyFile+"; if others had access to this machine, remove the file to get a new key, which ends all tokens.", "Everybody on this machine can read the key; the gateway refuses it."))
	default:
		findings = append(findings, ok("key-present", "The key is in %s since %s (%s).", s.KeyFile, info.ModTime().UTC().Format(time.DateOnly), age(now.Sub(info.ModTime()))))
	}
	return findings
}

func age(d time.Duration) string { return plural(max(int(d/(24*time.Hour)), 0), "day") }

// writable tries, in the nearest directory there is.
func writable(dir string) Finding {
	there := dir
	for {
		if _, err := os.Stat(there); err == nil || filepath.Dir(there) == there {
			break
		}
		there = filepath.Dir(there)
	}
	f, err := os.CreateTemp(there, ".headgate-doctor-*")
	if err != nil {
		return fault("state-unwritable", "Let the user that runs the gateway write there, or set state_dir to another directory. In a container, mount a volume.", "The state directory %s cannot be written: %v.", dir, err)
	}
	_ = f.Close() // nothing was written
	_ = os.Remove(f.Name())
	return ok("state-writable", "The state directory %s can be written.", dir)
}
