package agent

import (
	"sync/atomic"
	"time"
)

const (
	sleepPeriod = 50 * time.Millisecond
	// sleepWakeups bounds the wake-ups a second of one surge of sleepers. 50 ms is
	// kept up to 5,000 of them; 100,000 at 50 ms would take whole CPUs.
	sleepWakeups = 100_000
	maxSleeping  = 100_000
	maxNetwork   = 40_000 // both ends of a pair are used; ephemeral ports are about 28,000
)

type goroutinesRequest struct {
	Run   string `json:"run"`
	Count int64  `json:"count"`
	Rate  int64  `json:"rate"`
	State string `json:"state"`
	Point string `json:"point"`
}

func (q *goroutinesRequest) check() error {
	if q.Count < 1 {
		return badRequest("count is %d: give the number of goroutines, at least 1", q.Count)
	}
	if err := checkRate(q.Rate); err != nil {
		return err
	}
	if q.Point != "" {
		if q.State != "" {
			return badRequest("state is %q with point %q: the application's point decides the state, leave it out", q.State, q.Point)
		}
		return nil
	}
	return q.checkState()
}

func (q *goroutinesRequest) checkState() error {
	switch {
	case q.State == "blocked":
	case q.State == "sleeping":
		if q.Count > maxSleeping {
			return overLimit("%d sleeping goroutines: at most %d, their wake-ups would take whole CPUs; use blocked", q.Count, maxSleeping)
		}
	case q.State == "network":
		if q.Count > maxNetwork {
			return overLimit("%d network goroutines: at most %d in one act, a listener has no more ephemeral ports", q.Count, maxNetwork)
		}
		return checkDescriptors(q.Count)
	default:
		return badRequest("state is %q: one of blocked, sleeping, network", q.State)
	}
	return nil
}

func (c *core) surge(q *goroutinesRequest) (int64, error) {
	if err := q.check(); err != nil {
		return 0, err
	}
	grow, err := c.surgeBy(q)
	if err != nil {
		return 0, err
	}
	return c.take(kindGoroutines, q.Run, q.Count, grow)
}

// surgeBy is how the goroutines asked for are started.
func (c *core) surgeBy(q *goroutinesRequest) (func(*hold), error) {
	if q.Point != "" {
		start, err := points.start(q.Point)
		return func(h *hold) { c.startPoint(h, q, start) }, err
	}
	switch q.State {
	case "sleeping":
		period := max(sleepPeriod, time.Duration(q.Count)*time.Second/sleepWakeups)
		return func(h *hold) {
			c.spawn(h, q, &c.held.sleeping, func() { sleepingGoroutine(h.stop, period) })
		}, nil
	case "network":
		return func(h *hold) { c.surgeNetwork(h, q) }, nil
	default:
		return func(h *hold) {
			c.spawn(h, q, &c.held.blocked, func() { blockedGoroutine(h.stop) })
		}, nil
	}
}

func (q *goroutinesRequest) pacer(tick time.Duration, batch int64) pacer {
	return pacer{total: q.Count, rate: q.Rate, quantum: 1, batch: batch, tick: tick}
}

func (c *core) spawn(h *hold, q *goroutinesRequest, count *atomic.Int64, body func()) {
	q.pacer(ownTick, 1000).run(h.stop, func(n int64) bool {
		for ; n > 0; n-- {
			h.spawn(count, body)
		}
		return true
	})
}

// spawn starts one goroutine of the surge, counted until it really returns.
func (h *hold) spawn(count *atomic.Int64, body func()) {
	h.pending.Add(1)
	count.Add(1)
	go func() {
		body()
		count.Add(-1)
		h.done()
	}()
}

func (c *core) startPoint(h *hold, q *goroutinesRequest, start StartFunc) {
	q.pacer(pointTick, q.Count).run(h.stop, func(n int64) bool {
		stop := start(int(n))
		c.held.atPoints.Add(n)
		h.keepSlow(func() {
			defer c.held.atPoints.Add(-n)
			if stop != nil {
				stop()
			}
		})
		return true
	})
}

//go:noinline
func blockedGoroutine(stop <-chan struct{}) { <-stop }

//go:noinline
func sleepingGoroutine(stop <-chan struct{}, period time.Duration) {
	for {
		select {
		case <-stop:
			return
		default:
			time.Sleep(period)
		}
	}
}
