package metrics

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"runtime/pprof"
	"time"
)

// family describes one metric of client_golang's Go collector: the sum of some of
// runtime/metrics.
type family struct {
	name, kind, help string
	sources          []string
}

const (
	gauge   = "gauge"
	counter = "counter"
)

const classes = "/memory/classes/"

var goFamilies = []family{
	{"go_gc_gogc_percent", gauge, "Heap size target percentage configured by the user, otherwise 100. This value is set by the GOGC environment variable, and the runtime/debug.SetGCPercent function. Sourced from /gc/gogc:percent.", []string{"/gc/gogc:percent"}},
	{"go_gc_gomemlimit_bytes", gauge, "Go runtime memory limit configured by the user, otherwise math.MaxInt64. This value is set by the GOMEMLIMIT environment variable, and the runtime/debug.SetMemoryLimit function. Sourced from /gc/gomemlimit:bytes.", []string{"/gc/gomemlimit:bytes"}},
	{"go_memstats_alloc_bytes", gauge, "Number of bytes allocated in heap and currently in use. Equals to /memory/classes/heap/objects:bytes.", []string{classes + "heap/objects:bytes"}},
	{"go_memstats_alloc_bytes_total", counter, "Total number of bytes allocated in heap until now, even if released already. Equals to /gc/heap/allocs:bytes.", []string{"/gc/heap/allocs:bytes"}},
	{"go_memstats_buck_hash_sys_bytes", gauge, "Number of bytes used by the profiling bucket hash table. Equals to /memory/classes/profiling/buckets:bytes.", []string{classes + "profiling/buckets:bytes"}},
	{"go_memstats_frees_total", counter, "Total number of heap objects frees. Equals to /gc/heap/frees:objects + /gc/heap/tiny/allocs:objects.", []string{"/gc/heap/frees:objects", "/gc/heap/tiny/allocs:objects"}},
	{"go_memstats_gc_sys_bytes", gauge, "Number of bytes used for garbage collection system metadata. Equals to /memory/classes/metadata/other:bytes.", []string{classes + "metadata/other:bytes"}},
	{"go_memstats_heap_alloc_bytes", gauge, "Number of heap bytes allocated and currently in use, same as go_memstats_alloc_bytes. Equals to /memory/classes/heap/objects:bytes.", []string{classes + "heap/objects:bytes"}},
	{"go_memstats_heap_idle_bytes", gauge, "Number of heap bytes waiting to be used. Equals to /memory/classes/heap/released:bytes + /memory/classes/heap/free:bytes.", []string{classes + "heap/released:bytes", classes + "heap/free:bytes"}},
	{"go_memstats_heap_inuse_bytes", gauge, "Number of heap bytes that are in use. Equals to /memory/classes/heap/objects:bytes + /memory/classes/heap/unused:bytes", []string{classes + "heap/objects:bytes", classes + "heap/unused:bytes"}},
	{"go_memstats_heap_objects", gauge, "Number of currently allocated objects. Equals to /gc/heap/objects:objects.", []string{"/gc/heap/objects:objects"}},
	{"go_memstats_heap_released_bytes", gauge, "Number of heap bytes released to OS. Equals to /memory/classes/heap/released:bytes.", []string{classes + "heap/released:bytes"}},
	{"go_memstats_heap_sys_bytes", gauge, "Number of heap bytes obtained from system. Equals to /memory/classes/heap/objects:bytes + /memory/classes/heap/unused:bytes + /memory/classes/heap/released:bytes + /memory/classes/heap/free:bytes.", []string{classes + "heap/objects:bytes", classes + "heap/unused:bytes", classes + "heap/released:bytes", classes + "heap/free:bytes"}},
	{"go_memstats_mallocs_total", counter, "Total number of heap objects allocated, both live and gc-ed. Semantically a counter version for go_memstats_heap_objects gauge. Equals to /gc/heap/allocs:objects + /gc/heap/tiny/allocs:objects.", []string{"/gc/heap/allocs:objects", "/gc/heap/tiny/allocs:objects"}},
	{"go_memstats_mcache_inuse_bytes", gauge, "Number of bytes in use by mcache structures. Equals to /memory/classes/metadata/mcache/inuse:bytes.", []string{classes + "metadata/mcache/inuse:bytes"}},
	{"go_memstats_mcache_sys_bytes", gauge, "Number of bytes used for mcache structures obtained from system. Equals to /memory/classes/metadata/mcache/inuse:bytes + /memory/classes/metadata/mcache/free:bytes.", []string{classes + "metadata/mcache/inuse:bytes", classes + "metadata/mcache/free:bytes"}},
	{"go_memstats_mspan_inuse_bytes", gauge, "Number of bytes in use by mspan structures. Equals to /memory/classes/metadata/mspan/inuse:bytes.", []string{classes + "metadata/mspan/inuse:bytes"}},
	{"go_memstats_mspan_sys_bytes", gauge, "Number of bytes used for mspan structures obtained from system. Equals to /memory/classes/metadata/mspan/inuse:bytes + /memory/classes/metadata/mspan/free:bytes.", []string{classes + "metadata/mspan/inuse:bytes", classes + "metadata/mspan/free:bytes"}},
	{"go_memstats_next_gc_bytes", gauge, "Number of heap bytes when next garbage collection will take place. Equals to /gc/heap/goal:bytes.", []string{"/gc/heap/goal:bytes"}},
	{"go_memstats_other_sys_bytes", gauge, "Number of bytes used for other system allocations. Equals to /memory/classes/other:bytes.", []string{classes + "other:bytes"}},
	{"go_memstats_stack_inuse_bytes", gauge, "Number of bytes obtained from system for stack allocator in non-CGO environments. Equals to /memory/classes/heap/stacks:bytes.", []string{classes + "heap/stacks:bytes"}},
	{"go_memstats_stack_sys_bytes", gauge, "Number of bytes obtained from system for stack allocator. Equals to /memory/classes/heap/stacks:bytes + /memory/classes/os-stacks:bytes.", []string{classes + "heap/stacks:bytes", classes + "os-stacks:bytes"}},
	{"go_memstats_sys_bytes", gauge, "Number of bytes obtained from system. Equals to /memory/classes/total:byte.", []string{classes + "total:bytes"}},
	{"go_sched_gomaxprocs_threads", gauge, "The current runtime.GOMAXPROCS setting, or the number of operating system threads that can execute user-level Go code simultaneously. Sourced from /sched/gomaxprocs:threads.", []string{"/sched/gomaxprocs:threads"}},
}

// WriteGo writes the families of client_golang's Go collector. All of runtime/metrics
// comes from one read, so that the families agree with each other.
func WriteGo(w *Writer) {
	values := readMetrics()
	for _, f := range goFamilies {
		sum := 0.0
		for _, source := range f.sources {
			sum += values[source]
		}
		w.Single(f.name, f.kind, f.help, sum)
	}
	writePauses(w)
	w.Single("go_goroutines", gauge, "Number of goroutines that currently exist.", float64(runtime.NumGoroutine()))
	w.Family("go_info", gauge, "Information about the Go environment.")
	w.Sample("", 1, "version", runtime.Version())
	w.Single("go_threads", gauge, "Number of OS threads created.", float64(pprof.Lookup("threadcreate").Count()))
}

func readMetrics() map[string]float64 {
	var samples []metrics.Sample
	values := map[string]float64{}
	for _, f := range goFamilies {
		for _, source := range f.sources {
			if _, ok := values[source]; !ok {
				values[source] = 0
				samples = append(samples, metrics.Sample{Name: source})
			}
		}
	}
	metrics.Read(samples)
	for _, s := range samples {
		if s.Value.Kind() == metrics.KindUint64 {
			values[s.Name] = float64(s.Value.Uint64())
		}
	}
	return values
}

// writePauses writes the stop-the-world pauses of the last 256 cycles.
func writePauses(w *Writer) {
	stats := debug.GCStats{PauseQuantiles: make([]time.Duration, 5)}
	debug.ReadGCStats(&stats)
	w.Family("go_gc_duration_seconds", "summary", "A summary of the wall-time pause (stop-the-world) duration in garbage collection cycles.")
	for i, quantile := range []string{"0", "0.25", "0.5", "0.75", "1"} {
		w.Sample("", stats.PauseQuantiles[i].Seconds(), "quantile", quantile)
	}
	w.Sample("_sum", stats.PauseTotal.Seconds())
	w.Sample("_count", float64(stats.NumGC))
	w.Single("go_memstats_last_gc_time_seconds", gauge, "Number of seconds since 1970 of last garbage collection.", seconds(stats.LastGC))
}

// seconds is the Unix time; the zero time, before the first cycle, is 0.
func seconds(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixNano()) / 1e9
}
