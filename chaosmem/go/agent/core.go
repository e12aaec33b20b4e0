package agent

import (
	"sync"
	"sync/atomic"
)

// kind is what can be held, and released apart from the rest.
type kind int

const (
	kindHeap kind = iota
	kindChurn
	kindGoroutines
	kinds
)

var allKinds = []kind{kindHeap, kindChurn, kindGoroutines}

const maxRate = 1 << 40

func checkRate(rate int64) error {
	if rate < 0 || rate > maxRate {
		return badRequest("rate is %d: 0 (at once) to %d a second", rate, int64(maxRate))
	}
	return nil
}

func checkObject(object int64) error {
	if object < minObject || object > maxObject {
		return badRequest("object is %d: %d to %d bytes", object, minObject, maxObject)
	}
	return nil
}

// counters is what the agent holds by its own book-keeping.
type counters struct {
	heapBytes, heapObjects, churned      atomic.Int64
	blocked, sleeping, network, atPoints atomic.Int64
}

// heldAnswer is counters as the protocol tells them.
type heldAnswer struct {
	HeapBytes    int64 `json:"heap_bytes"`
	HeapObjects  int64 `json:"heap_objects"`
	ChurnedBytes int64 `json:"churned_bytes"`
	Goroutines   int64 `json:"goroutines"`
	Blocked      int64 `json:"blocked"`
	Sleeping     int64 `json:"sleeping"`
	Network      int64 `json:"network"`
	AtPoints     int64 `json:"at_points"`
}

func (h *counters) answer() heldAnswer {
	a := heldAnswer{
		HeapBytes: h.heapBytes.Load(), HeapObjects: h.heapObjects.Load(), ChurnedBytes: h.churned.Load(),
		Blocked: h.blocked.Load(), Sleeping: h.sleeping.Load(), Network: h.network.Load(), AtPoints: h.atPoints.Load(),
	}
	a.Goroutines = a.Blocked + a.Sleeping + a.Network + a.AtPoints
	return a
}

// actCounts counts the acts since the process started.
type actCounts struct {
	heap, churn, goroutines, runtime, release, expired, failed atomic.Int64
}

func (a *actCounts) of(k kind) *atomic.Int64 {
	return [...]*atomic.Int64{kindHeap: &a.heap, kindChurn: &a.churn, kindGoroutines: &a.goroutines}[k]
}

// core is the state of the agent of one process. What a sample reads is outside the
// mutex: setting GOGC waits for a running cycle, and a sample must not wait with it.
type core struct {
	clock     clock
	held      counters
	acts      actCounts
	ended     [kinds]atomic.Int64
	cycles    cycleLog
	leaseJSON atomic.Pointer[[]byte] // nil without a lease

	mu          sync.Mutex // guards what follows
	limits      Limits
	lease       *lease
	lastExpired string // the run whose lease expired last
	holds       [kinds]*hold
	taken       [kinds]int64 // promised and not yet ended, against the limits
	sequence    int64        // number of the last act
	tuning      tuning
}

func newCore(c clock) *core {
	core := &core{clock: c, limits: defaultLimits}
	core.cycles.wanted = func() bool { return core.leaseJSON.Load() != nil }
	return core
}

// limit sets the limits that are given.
func (c *core) limit(l Limits) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if l.HeapBytes > 0 {
		c.limits.HeapBytes = l.HeapBytes
	}
	if l.Goroutines > 0 {
		c.limits.Goroutines = l.Goroutines
	}
}

// take books amount of a kind for a run and has grow fill the hold in the background.
// It returns the number of the act, and refuses without a lease and over the limits.
func (c *core) take(k kind, run string, amount int64, grow func(*hold)) (int64, error) {
	c.expire()
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.live(run); err != nil {
		return 0, err
	}
	if err := c.within(k, amount); err != nil {
		return 0, err
	}
	if c.holds[k] == nil {
		c.holds[k] = c.newHold(k)
	}
	h := c.holds[k]
	c.taken[k] += amount
	h.booked += amount
	h.run(func() { grow(h) })
	return c.count(c.acts.of(k)), nil
}

// count counts an act and returns its number. The caller holds c.mu.
func (c *core) count(kind *atomic.Int64) int64 {
	kind.Add(1)
	c.sequence++
	return c.sequence
}

func (c *core) newHold(k kind) *hold {
	var h *hold
	h = newHold(&c.acts.failed, func() {
		c.ended[k].Store(c.clock.Now().UnixNano())
		c.mu.Lock()
		defer c.mu.Unlock()
		c.taken[k] -= h.booked
	})
	return h
}

func (c *core) within(k kind, amount int64) error {
	limit, what := c.limits.HeapBytes, "bytes of heap"
	if k == kindGoroutines {
		limit, what = c.limits.Goroutines, "goroutines"
	}
	if amount > limit-c.taken[k] {
		return overLimit("%d %s more than the %d taken: this process allows %d", amount, what, c.taken[k], limit)
	}
	return nil
}

// detach takes the holds of some kinds out of the state. The caller holds c.mu, and
// releases them after unlocking it, because ending a million goroutines takes time.
func (c *core) detach(which ...kind) []*hold {
	var holds []*hold
	for _, k := range which {
		if c.holds[k] != nil {
			holds = append(holds, c.holds[k])
			c.holds[k] = nil
		}
	}
	return holds
}

func releaseAll(holds []*hold) {
	for _, h := range holds {
		h.release()
	}
}

// tune changes runtime settings live.
func (c *core) tune(q *runtimeRequest) (*runtimeAnswer, error) {
	if err := q.check(); err != nil {
		return nil, err
	}
	c.expire()
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.live(q.Run); err != nil {
		return nil, err
	}
	a := &runtimeAnswer{UnixNs: c.clock.Now().UnixNano()}
	a.Before, a.After = c.tuning.apply(q)
	a.Original = *c.tuning.original
	a.Act = c.count(&c.acts.runtime)
	return a, nil
}
