package metrics

import (
	"os"
	"runtime"
	runtimemetrics "runtime/metrics"
	"time"

	"github.com/headgate/headgate/internal/bench/procstat"
)

// process tells about the process. What a system does not tell is left out.
func (p *page) process(started time.Time) {
	p.gauge("start_time_seconds", "When the gateway started, in Unix time.").is(float64(started.UnixMilli()) / 1000)
	p.gauge("goroutines", "Goroutines there are.").is(float64(runtime.NumGoroutine()))
	p.runtime()
	if used, err := procstat.CPU(os.Getpid()); err == nil {
		p.counter("cpu_seconds_total", "Processor time, user and system.").is(used.Seconds())
	}
	if m, err := procstat.MemoryOf(os.Getpid()); err == nil {
		p.gauge("memory_resident_bytes", "Memory of the process as the system counts it (RSS).").is(float64(m.RSS))
	}
	if open, most, err := descriptors(); err == nil {
		p.gauge("file_descriptors", "Open file descriptors.").is(float64(open))
		p.gauge("file_descriptors_limit", "How many there may be (RLIMIT_NOFILE).").is(float64(most))
	}
}

// runtime tells about Go's memory.
func (p *page) runtime() {
	samples := []runtimemetrics.Sample{
		{Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/memory/classes/total:bytes"},
		{Name: "/gc/cycles/total:gc-cycles"},
	}
	runtimemetrics.Read(samples)
	p.gauge("memory_heap_bytes", "Memory of live objects, and of dead ones not collected yet.").count(samples[0].Value.Uint64())
	p.gauge("memory_runtime_bytes", "Memory that Go's runtime has mapped.").count(samples[1].Value.Uint64())
	p.counter("gc_cycles_total", "Garbage collections.").count(samples[2].Value.Uint64())
}
