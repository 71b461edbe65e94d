package gateway

import (
	"io/fs"
	"path"
	"strconv"
	"strings"
)

// cacheFor is how much is kept for those who join on a machine with so many bytes
// of memory: 512 MiB or a quarter of it, whichever is less. 0 is unknown.
func cacheFor(memory int64) int64 {
	const most = 512 << 20
	if memory == 0 {
		return most
	}
	return min(most, memory/4)
}

// memory is how many bytes of memory a process may use here, 0 if the system does
// not tell: what Linux has, or a control group that it is in allows.
func memory(root fs.FS) int64 {
	least := installed(root)
	for _, file := range groupLimits(root) {
		text, err := fs.ReadFile(root, file)
		if err != nil {
			continue
		}
		limit, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
		if err == nil && limit > 0 && (least == 0 || limit < least) { // "max" is none
			least = limit
		}
	}
	return least
}

// installed reads MemTotal of /proc/meminfo, which is in KiB.
func installed(root fs.FS) int64 {
	text, err := fs.ReadFile(root, "proc/meminfo")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, "MemTotal:"); ok {
			kib, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64) // 0 is unknown
			return kib << 10
		}
	}
	return 0
}

// groupLimits are the files with the limits of the control groups the process is
// in: those of version 2 up to the root, and that of version 1.
func groupLimits(root fs.FS) []string {
	files := []string{"sys/fs/cgroup/memory/memory.limit_in_bytes", "sys/fs/cgroup/memory.max"}
	text, err := fs.ReadFile(root, "proc/self/cgroup")
	if err != nil {
		return files
	}
	for line := range strings.Lines(string(text)) {
		group, ok := strings.CutPrefix(strings.TrimSpace(line), "0::/")
		for ; ok && group != "" && group != "."; group = path.Dir(group) {
			files = append(files, path.Join("sys/fs/cgroup", group, "memory.max"))
		}
	}
	return files
}
