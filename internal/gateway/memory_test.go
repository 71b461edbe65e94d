package gateway

import (
	"os"
	"testing"
	"testing/fstest"
)

func TestMemory(t *testing.T) {
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	meminfo := file("MemFree: 1 kB\nMemTotal:       16384000 kB\nMemAvailable: 5 kB\n")
	for name, c := range map[string]struct {
		files         fstest.MapFS
		memory, cache int64
	}{
		"a machine":            {fstest.MapFS{"proc/meminfo": meminfo}, 16384000 << 10, 512 << 20},
		"unlimited group":      {fstest.MapFS{"proc/meminfo": meminfo, "sys/fs/cgroup/memory.max": file("max\n")}, 16384000 << 10, 512 << 20},
		"a container":          {fstest.MapFS{"proc/meminfo": meminfo, "sys/fs/cgroup/memory.max": file("1073741824\n")}, 1 << 30, 256 << 20},
		"a service":            {fstest.MapFS{"proc/meminfo": meminfo, "proc/self/cgroup": file("0::/system.slice/headgate.service\n"), "sys/fs/cgroup/system.slice/headgate.service/memory.max": file("536870912\n")}, 512 << 20, 128 << 20},
		"a slice around it":    {fstest.MapFS{"proc/meminfo": meminfo, "proc/self/cgroup": file("0::/system.slice/headgate.service\n"), "sys/fs/cgroup/system.slice/memory.max": file("536870912\n")}, 512 << 20, 128 << 20},
		"version 1":            {fstest.MapFS{"proc/meminfo": meminfo, "sys/fs/cgroup/memory/memory.limit_in_bytes": file("1073741824\n")}, 1 << 30, 256 << 20},
		"version 1, unlimited": {fstest.MapFS{"proc/meminfo": meminfo, "sys/fs/cgroup/memory/memory.limit_in_bytes": file("9223372036854771712\n")}, 16384000 << 10, 512 << 20},
		"not Linux":            {fstest.MapFS{}, 0, 512 << 20},
		"nonsense":             {fstest.MapFS{"proc/meminfo": file("MemTotal: lots\n"), "proc/self/cgroup": file("::"), "sys/fs/cgroup/memory.max": file("-4")}, 0, 512 << 20},
	} {
		if got := memory(c.files); got != c.memory || cacheFor(got) != c.cache {
			t.Errorf("%s: %d of memory, %d of cache; want %d and %d", name, got, cacheFor(got), c.memory, c.cache)
		}
	}
	t.Logf("here: %d MiB", memory(os.DirFS("/"))>>20)
}
