package agent

import (
	"net/http"
	"runtime"
	"runtime/metrics"
	"strconv"
	"time"
)

// histograms are cumulative since the process started. Go before 1.22 has only the
// second name of the pauses.
var histograms = []string{
	"/sched/pauses/total/gc:seconds", "/sched/pauses/stopping/gc:seconds", "/sched/latencies:seconds",
}

const oldPauses = "/gc/pauses:seconds"

func histogramSamples() []metrics.Sample {
	samples := newSamples(histograms)
	if len(samples) < len(histograms) {
		samples = append(samples, newSamples([]string{oldPauses})...)
	}
	metrics.Read(samples)
	return samples
}

func (s *server) serveHistograms(w http.ResponseWriter, _ *http.Request) error {
	samples := histogramSamples()
	b := appendField([]byte{'{'}, "now_unix_ns", time.Now().UnixNano())
	b = append(b, `,"histograms":{`...)
	for i, m := range samples {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(b, m.Name)
		b = appendHistogram(append(b, ':'), m.Value.Float64Histogram())
	}
	writeJSON(w, http.StatusOK, append(b, '}', '}'))
	return nil
}

// appendHistogram writes [lower, upper, count] of each bucket that has a count.
func appendHistogram(b []byte, h *metrics.Float64Histogram) []byte {
	b = append(b, '[')
	comma := false
	for i, n := range h.Counts {
		if n == 0 {
			continue
		}
		if comma {
			b = append(b, ',')
		}
		comma = true
		b = appendFloat(append(b, '['), h.Buckets[i])
		b = appendFloat(append(b, ','), h.Buckets[i+1])
		b = strconv.AppendUint(append(b, ','), n, 10)
		b = append(b, ']')
	}
	return append(b, ']')
}

type sizeClass struct {
	Size    uint32 `json:"size"`
	Mallocs uint64 `json:"mallocs"`
	Frees   uint64 `json:"frees"`
}

// sizeClasses stops the world, briefly: runtime.ReadMemStats.
func sizeClasses() any {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	classes := []sizeClass{}
	for _, c := range m.BySize {
		if c.Size > 0 {
			classes = append(classes, sizeClass{Size: c.Size, Mallocs: c.Mallocs, Frees: c.Frees})
		}
	}
	return struct {
		NowUnixNs int64       `json:"now_unix_ns"`
		BySize    []sizeClass `json:"by_size"`
	}{time.Now().UnixNano(), classes}
}
