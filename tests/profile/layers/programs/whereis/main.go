// Whereis holds a known amount of memory and prints every layer's account of it as one JSON object.
package main

import (
	"encoding/json"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

const objects, size = 40000, 1000 // slots of 1024 bytes: 24 bytes are wasted in each

var kept, holes [][]byte

func hold() {
	for i := 0; i < objects; i++ {
		page := make([]byte, size)
		page[0] = 1
		if i%4 == 0 {
			kept = append(kept, page)
		} else {
			holes = append(holes, page)
		}
	}
	holes = nil // three of four slots of each span become free: waste between
	runtime.GC()
	runtime.GC()
}

func read(name string) string {
	text, err := os.ReadFile("/proc/self/" + name)
	if err != nil {
		panic(err)
	}
	return string(text)
}

func main() {
	hold()
	debug.SetGCPercent(-1)
	values := map[string]uint64{}
	var samples []metrics.Sample
	for _, d := range metrics.All() {
		if d.Kind == metrics.KindUint64 {
			samples = append(samples, metrics.Sample{Name: d.Name})
		}
	}
	// Two readings are never of one moment: a stack that grows between them is a span of 32 KiB. So
	// the metrics are read between two MemStats until both of these have the same stacks.
	var m, after runtime.MemStats
	for {
		runtime.ReadMemStats(&m)
		metrics.Read(samples)
		runtime.ReadMemStats(&after)
		if m.StackInuse == after.StackInuse {
			break
		}
	}
	for _, s := range samples {
		values[s.Name] = s.Value.Uint64()
	}
	exe, _ := os.Executable()
	_ = json.NewEncoder(os.Stdout).Encode(map[string]any{
		"version": runtime.Version(), "exe": exe, "metrics": values, "memstats": m,
		"statm": read("statm"), "smaps": read("smaps"), "smaps_rollup": read("smaps_rollup"),
		"page_bytes": os.Getpagesize(), "kept_bytes": len(kept) * size,
	})
	runtime.KeepAlive(kept)
}
