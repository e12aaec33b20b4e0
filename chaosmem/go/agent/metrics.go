package agent

import (
	"runtime/metrics"
	"strconv"
)

// sampled are the runtime/metrics of a sample, scalars only. Reading them stops
// nothing: the runtime aggregates its per-P statistics.
var sampled = []string{
	"/gc/heap/live:bytes", "/gc/heap/goal:bytes", "/gc/heap/objects:objects",
	"/gc/heap/allocs:bytes", "/gc/heap/frees:bytes",
	"/gc/gogc:percent", "/gc/gomemlimit:bytes",
	"/gc/cycles/total:gc-cycles", "/gc/cycles/forced:gc-cycles", "/gc/cycles/automatic:gc-cycles",
	"/gc/limiter/last-enabled:gc-cycle",
	"/gc/scan/stack:bytes", "/gc/scan/globals:bytes", "/gc/scan/heap:bytes",
	"/memory/classes/heap/objects:bytes", "/memory/classes/heap/unused:bytes",
	"/memory/classes/heap/free:bytes", "/memory/classes/heap/released:bytes",
	"/memory/classes/heap/stacks:bytes", "/memory/classes/os-stacks:bytes",
	"/memory/classes/metadata/mcache/free:bytes", "/memory/classes/metadata/mcache/inuse:bytes",
	"/memory/classes/metadata/mspan/free:bytes", "/memory/classes/metadata/mspan/inuse:bytes",
	"/memory/classes/metadata/other:bytes", "/memory/classes/other:bytes",
	"/memory/classes/profiling/buckets:bytes", "/memory/classes/total:bytes",
	"/cpu/classes/gc/total:cpu-seconds", "/cpu/classes/gc/mark/assist:cpu-seconds",
	"/cpu/classes/gc/mark/dedicated:cpu-seconds", "/cpu/classes/gc/mark/idle:cpu-seconds",
	"/cpu/classes/gc/pause:cpu-seconds", "/cpu/classes/scavenge/total:cpu-seconds",
	"/cpu/classes/user:cpu-seconds", "/cpu/classes/idle:cpu-seconds", "/cpu/classes/total:cpu-seconds",
	"/sched/goroutines:goroutines", "/sched/gomaxprocs:threads",
}

// newSamples makes samples of those names that this Go version has.
func newSamples(names []string) []metrics.Sample {
	all := make([]metrics.Sample, len(names))
	for i, name := range names {
		all[i].Name = name
	}
	metrics.Read(all)
	kept := all[:0]
	for _, s := range all {
		if s.Value.Kind() != metrics.KindBad {
			kept = append(kept, s)
		}
	}
	return kept
}

// appendScalar writes a scalar metric as a JSON number, exactly.
func appendScalar(b []byte, v metrics.Value) []byte {
	if v.Kind() == metrics.KindFloat64 {
		return appendFloat(b, v.Float64())
	}
	return strconv.AppendUint(b, v.Uint64(), 10)
}
