package agent

import (
	"runtime"
	"runtime/metrics"
	"strconv"
	"sync"
	"time"
)

const (
	keptCycles = 512
	// cycleIdle is how long the log stays armed without a sample or a lease.
	cycleIdle = time.Minute
)

// cycleMetrics are read after each cycle, in this order.
var cycleMetrics = []string{
	"/gc/cycles/total:gc-cycles", "/gc/heap/live:bytes", "/gc/heap/goal:bytes",
	"/gc/scan/stack:bytes", "/gc/scan/globals:bytes", "/gc/gogc:percent", "/gc/gomemlimit:bytes",
	"/gc/limiter/last-enabled:gc-cycle", "/gc/cycles/forced:gc-cycles",
	"/memory/classes/total:bytes", "/memory/classes/heap/released:bytes",
	"/memory/classes/heap/free:bytes", "/memory/classes/heap/objects:bytes",
}

// cycleFields are the protocol's names of cycleMetrics.
var cycleFields = []string{
	"n", "live", "goal", "stack", "globals", "gogc", "limit", "limiter", "forced_total",
	"total", "released", "heap_free", "heap_objects",
}

const (
	cycleN    = 0
	cycleGOGC = 5
)

// cycle is what the runtime said just after one GC cycle.
type cycle struct {
	unixNs int64
	values [13]int64
}

func (c *cycle) n() int64 { return c.values[cycleN] }

// cycleLog keeps the newest cycles. A finaliser that re-arms itself runs once after
// each cycle, which costs nothing between cycles and no goroutine of its own.
type cycleLog struct {
	wanted func() bool // whether to stay armed although nobody samples

	mu      sync.Mutex
	armed   bool
	asked   time.Time // when a sample was last asked for
	ring    []cycle   // allocated when first armed
	next    int       // where the next one goes
	full    bool
	dropped int64 // how many were overwritten
	lastOut int64 // the newest of them
	samples []metrics.Sample
	check   []metrics.Sample
}

// sentinel is collected at each cycle. It holds a pointer because the runtime packs
// tiny pointer-free objects together and would not finalise them in time.
type sentinel struct{ log *cycleLog }

// want arms the log, for at least another minute.
func (l *cycleLog) want() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked = time.Now()
	if l.armed {
		return
	}
	if l.ring == nil {
		l.ring = make([]cycle, keptCycles)
		l.samples = namedSamples(cycleMetrics)
		l.check = namedSamples(cycleMetrics[:1])
	}
	l.armed = true
	runtime.SetFinalizer(&sentinel{log: l}, (*sentinel).collected)
}

func namedSamples(names []string) []metrics.Sample {
	samples := make([]metrics.Sample, len(names))
	for i, name := range names {
		samples[i].Name = name
	}
	return samples
}

// collected runs on the runtime's finaliser goroutine after a cycle.
func (s *sentinel) collected() {
	if s.log.record() {
		runtime.SetFinalizer(s, (*sentinel).collected)
	}
}

// record notes the cycle that has just ended, and reports whether to stay armed.
func (l *cycleLog) record() bool {
	wanted := l.wanted()
	l.mu.Lock()
	defer l.mu.Unlock()
	if c := l.read(); l.newest() < c.n() {
		l.push(c)
	}
	l.armed = wanted || time.Since(l.asked) < cycleIdle
	return l.armed
}

// read reads until no cycle ended meanwhile, so that a record never mixes two. One
// that cannot be had whole is given up after a few tries, as cycle 0.
func (l *cycleLog) read() cycle {
	for range 4 {
		metrics.Read(l.samples)
		c := cycle{unixNs: time.Now().UnixNano()}
		for i := range l.samples {
			c.values[i] = int64(l.samples[i].Value.Uint64())
		}
		c.values[cycleGOGC] = gogcOf(uint64(c.values[cycleGOGC]))
		metrics.Read(l.check)
		if int64(l.check[0].Value.Uint64()) == c.n() {
			return c
		}
	}
	return cycle{}
}

func (l *cycleLog) newest() int64 {
	if l.next == 0 && !l.full {
		return 0
	}
	return l.ring[(l.next+keptCycles-1)%keptCycles].n()
}

func (l *cycleLog) push(c cycle) {
	if l.full {
		l.dropped++
		l.lastOut = l.ring[l.next].n()
	}
	l.ring[l.next] = c
	l.next = (l.next + 1) % keptCycles
	l.full = l.full || l.next == 0
}

// lost bounds how many records above since were overwritten.
func (l *cycleLog) lost(since int64) int64 {
	return max(0, min(l.dropped, l.lastOut-since))
}

// appendJSON writes the records above since, oldest first, and how many are lost.
func (l *cycleLog) appendJSON(b []byte, since int64) []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	b = append(b, `"cycles":[`...)
	first, count := 0, l.next
	if l.full {
		first, count = l.next, keptCycles
	}
	comma := false
	for i := range count {
		c := &l.ring[(first+i)%keptCycles]
		if c.n() <= since {
			continue
		}
		if comma {
			b = append(b, ',')
		}
		comma = true
		b = c.appendJSON(b)
	}
	b = append(b, `],"cycles_lost":`...)
	return strconv.AppendInt(b, l.lost(since), 10)
}

func (c *cycle) appendJSON(b []byte) []byte {
	b = append(b, `{"unix_ns":`...)
	b = strconv.AppendInt(b, c.unixNs, 10)
	for i, name := range cycleFields {
		b = append(b, `,"`...)
		b = append(b, name...)
		b = append(b, `":`...)
		b = strconv.AppendInt(b, c.values[i], 10)
	}
	return append(b, '}')
}
