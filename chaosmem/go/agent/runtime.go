package agent

import (
	"math"
	"runtime/debug"
	"runtime/metrics"
)

const (
	gogcOff        = -1
	maxGOGC        = 1_000_000
	minMemoryLimit = 1 << 20 // a smaller GOMEMLIMIT is a wrong unit, not an experiment
)

// settings are the runtime's live settings. GOGC -1 is off, GOMEMLIMIT
// math.MaxInt64 is none, as in package runtime/debug.
type settings struct {
	GOGC       int64 `json:"gogc"`
	GOMEMLIMIT int64 `json:"gomemlimit"`
}

// readSettings reads without setting, which debug.SetGCPercent cannot.
func readSettings() settings {
	sample := []metrics.Sample{{Name: "/gc/gogc:percent"}}
	metrics.Read(sample)
	return settings{GOGC: gogcOf(sample[0].Value.Uint64()), GOMEMLIMIT: debug.SetMemoryLimit(-1)}
}

// gogcOf undoes the runtime's conversion of -1 to uint64.
func gogcOf(percent uint64) int64 {
	if percent > math.MaxInt32 {
		return gogcOff
	}
	return int64(percent)
}

type runtimeRequest struct {
	Run        string `json:"run"`
	GOGC       *int64 `json:"gogc"`
	GOMEMLIMIT *int64 `json:"gomemlimit"`
}

func (q *runtimeRequest) check() error {
	if q.GOGC == nil && q.GOMEMLIMIT == nil {
		return badRequest("neither gogc nor gomemlimit: give at least one")
	}
	if q.GOGC != nil && (*q.GOGC < gogcOff || *q.GOGC > maxGOGC) {
		return badRequest("gogc is %d: -1 is off, else 0 to %d percent", *q.GOGC, maxGOGC)
	}
	if q.GOMEMLIMIT != nil && *q.GOMEMLIMIT < minMemoryLimit {
		return badRequest("gomemlimit is %d: at least %d bytes (%d is none)", *q.GOMEMLIMIT, minMemoryLimit, int64(math.MaxInt64))
	}
	return nil
}

type runtimeAnswer struct {
	Act      int64    `json:"act"`
	UnixNs   int64    `json:"unix_ns"`
	Before   settings `json:"before"`
	After    settings `json:"after"`
	Original settings `json:"original"`
}

// tuning remembers what to put back, for each setting apart from the other so that
// one which was never touched is never overwritten.
type tuning struct {
	original           *settings
	gogc, memoryLimits bool
}

func (t *tuning) apply(q *runtimeRequest) (before, after settings) {
	before = readSettings()
	if t.original == nil {
		original := before
		t.original = &original
	}
	if q.GOGC != nil {
		t.gogc = true
		debug.SetGCPercent(int(*q.GOGC))
	}
	if q.GOMEMLIMIT != nil {
		t.memoryLimits = true
		debug.SetMemoryLimit(*q.GOMEMLIMIT)
	}
	return before, readSettings()
}

// restore puts back what was changed.
func (t *tuning) restore() {
	if t.original == nil {
		return
	}
	if t.gogc {
		debug.SetGCPercent(int(t.original.GOGC))
	}
	if t.memoryLimits {
		debug.SetMemoryLimit(t.original.GOMEMLIMIT)
	}
	*t = tuning{}
}
