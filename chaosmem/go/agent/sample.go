package agent

import (
	"math"
	"net/http"
	"runtime"
	"runtime/metrics"
	"strconv"
	"strings"
	"sync"
)

// sampler is what one sample needs, kept from one to the next.
type sampler struct {
	samples []metrics.Sample
	keys    []string // the names as JSON keys
	buf     []byte
}

var samplers = sync.Pool{New: func() any {
	s := &sampler{samples: newSamples(sampled), buf: make([]byte, 0, 8192)}
	for _, m := range s.samples {
		s.keys = append(s.keys, strconv.Quote(m.Name)+":")
	}
	return s
}}

// serveSample writes the JSON by hand: it is asked for many times a second, and must
// not be seen in the target's CPU or allocations.
func (s *server) serveSample(w http.ResponseWriter, r *http.Request) error {
	since, err := cyclesSince(r.URL.RawQuery)
	if err != nil {
		return err
	}
	s.core.cycles.want()
	p := samplers.Get().(*sampler)
	defer samplers.Put(p)
	p.buf = s.core.appendSample(p.buf[:0], p, since)
	writeJSON(w, http.StatusOK, p.buf)
	return nil
}

func cyclesSince(query string) (int64, error) {
	if query == "" {
		return 0, nil
	}
	value, ok := strings.CutPrefix(query, "cycles_since=")
	n, err := strconv.ParseInt(value, 10, 64)
	if !ok || err != nil || n < 0 {
		return 0, badRequest("query %q: only cycles_since=N, with N at least 0", query)
	}
	return n, nil
}

func (c *core) appendSample(b []byte, p *sampler, since int64) []byte {
	metrics.Read(p.samples)
	b = appendField(append(b, '{'), "now_unix_ns", c.clock.Now().UnixNano())
	b = appendField(append(b, ','), "goroutines", int64(runtime.NumGoroutine()))
	b = append(b, `,"metrics":{`...)
	for i := range p.samples {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, p.keys[i]...)
		b = appendScalar(b, p.samples[i].Value)
	}
	b = append(b, `},`...)
	b = c.cycles.appendJSON(b, since)
	b = append(b, `,"held":`...)
	b = c.held.answer().appendJSON(b)
	b = appendField(append(b, `,"ended":{`...), "goroutines_unix_ns", c.ended[kindGoroutines].Load())
	b = appendField(append(b, ','), "heap_unix_ns", c.ended[kindHeap].Load())
	b = c.acts.appendJSON(append(b, `},"acts":`...))
	b = append(b, `,"lease":`...)
	if lease := c.leaseJSON.Load(); lease != nil {
		return append(append(b, *lease...), '}')
	}
	return append(b, `null}`...)
}

func (a *actCounts) appendJSON(b []byte) []byte {
	b = appendField(append(b, '{'), "heap", a.heap.Load())
	b = appendField(append(b, ','), "churn", a.churn.Load())
	b = appendField(append(b, ','), "goroutines", a.goroutines.Load())
	b = appendField(append(b, ','), "runtime", a.runtime.Load())
	b = appendField(append(b, ','), "release", a.release.Load())
	b = appendField(append(b, ','), "expired", a.expired.Load())
	b = appendField(append(b, ','), "failed", a.failed.Load())
	return append(b, '}')
}

func (h heldAnswer) appendJSON(b []byte) []byte {
	b = appendField(append(b, '{'), "heap_bytes", h.HeapBytes)
	b = appendField(append(b, ','), "heap_objects", h.HeapObjects)
	b = appendField(append(b, ','), "churned_bytes", h.ChurnedBytes)
	b = appendField(append(b, ','), "goroutines", h.Goroutines)
	b = appendField(append(b, ','), "blocked", h.Blocked)
	b = appendField(append(b, ','), "sleeping", h.Sleeping)
	b = appendField(append(b, ','), "network", h.Network)
	b = appendField(append(b, ','), "at_points", h.AtPoints)
	return append(b, '}')
}

// appendField writes a key, which needs no escaping, and a number.
func appendField(b []byte, key string, value int64) []byte {
	b = append(b, '"')
	b = append(b, key...)
	b = append(b, '"', ':')
	return strconv.AppendInt(b, value, 10)
}

// appendFloat writes a number that JSON can carry, or null.
func appendFloat(b []byte, f float64) []byte {
	if math.IsInf(f, 0) || math.IsNaN(f) {
		return append(b, `null`...)
	}
	return strconv.AppendFloat(b, f, 'g', -1, 64)
}
