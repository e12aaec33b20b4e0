package agent

import (
	"encoding/json"
	"net/http"
	"time"
)

const (
	minTTL      = 200 * time.Millisecond
	maxTTL      = time.Minute
	maxDeadline = 24 * time.Hour
	maxRunName  = 200
)

// lease is one run's right to act. It ends by itself.
type lease struct {
	run      string
	expires  time.Time // moved on by each heartbeat
	deadline time.Time // never moved
	timer    stopper
}

// end is when the lease ends unless it is renewed.
func (l *lease) end() time.Time {
	if l.expires.Before(l.deadline) {
		return l.expires
	}
	return l.deadline
}

type leaseRequest struct {
	Run        string `json:"run"`
	TTLMs      int64  `json:"ttl_ms"`
	DeadlineMs int64  `json:"deadline_ms"`
}

func (q *leaseRequest) ttl() time.Duration { return time.Duration(q.TTLMs) * time.Millisecond }
func (q *leaseRequest) deadline() time.Duration {
	return time.Duration(q.DeadlineMs) * time.Millisecond
}

func (q *leaseRequest) check() error {
	if err := checkRun(q.Run); err != nil {
		return err
	}
	if q.TTLMs < minTTL.Milliseconds() || q.TTLMs > maxTTL.Milliseconds() {
		return badRequest("ttl_ms is %d: %d to %d", q.TTLMs, minTTL.Milliseconds(), maxTTL.Milliseconds())
	}
	if q.DeadlineMs < 1 || q.DeadlineMs > maxDeadline.Milliseconds() {
		return badRequest("deadline_ms is %d: 1 to %d", q.DeadlineMs, maxDeadline.Milliseconds())
	}
	return nil
}

func checkRun(run string) error {
	if run == "" || len(run) > maxRunName {
		return badRequest("run has %d characters: 1 to %d that name the run", len(run), maxRunName)
	}
	return nil
}

// leaseAnswer is a lease as the protocol tells it.
type leaseAnswer struct {
	Run            string `json:"run"`
	ExpiresUnixNs  int64  `json:"expires_unix_ns"`
	DeadlineUnixNs int64  `json:"deadline_unix_ns"`
}

func (l *lease) answer() leaseAnswer {
	return leaseAnswer{Run: l.run, ExpiresUnixNs: l.expires.UnixNano(), DeadlineUnixNs: l.deadline.UnixNano()}
}

// renew begins a lease or moves its expiry on.
func (c *core) renew(q *leaseRequest) (leaseAnswer, error) {
	if err := q.check(); err != nil {
		return leaseAnswer{}, err
	}
	c.expire()
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.clock.Now()
	switch {
	case c.lease == nil && q.Run == c.lastExpired:
		return leaseAnswer{}, fail(http.StatusPreconditionFailed, "lease-expired",
			"the lease of run %q has expired and its pressure is gone: a run cannot take it up again", q.Run)
	case c.lease == nil:
		c.lease = &lease{run: q.Run, deadline: now.Add(q.deadline())}
		c.cycles.want()
	case c.lease.run != q.Run:
		err := fail(http.StatusConflict, "lease-held", "run %q holds the lease: wait for its end", c.lease.run)
		err.Holder = c.lease.run
		return leaseAnswer{}, err
	default:
		c.lease.timer.Stop()
	}
	c.lease.expires = now.Add(q.ttl())
	c.lease.timer = c.clock.AfterFunc(c.lease.end().Sub(now), c.expire)
	answer := c.lease.answer()
	if b, err := json.Marshal(answer); err == nil {
		c.leaseJSON.Store(&b)
	}
	return answer, nil
}

// expire is the dead-man: it ends a lease that is past its end. It is called by the
// lease's timer and before anything that needs a live lease.
func (c *core) expire() {
	c.mu.Lock()
	if c.lease == nil || c.clock.Now().Before(c.lease.end()) {
		c.mu.Unlock()
		return
	}
	c.lastExpired = c.lease.run
	c.acts.expired.Add(1)
	holds := c.endLease()
	c.mu.Unlock()
	releaseAll(holds)
}

type runRequest struct {
	Run string `json:"run"`
}

// drop ends the run's lease. It reports whether there was one; a lease of another
// run stays.
func (c *core) drop(q *runRequest) (bool, error) {
	if err := checkRun(q.Run); err != nil {
		return false, err
	}
	c.expire()
	c.mu.Lock()
	if c.lease == nil || c.lease.run != q.Run {
		c.mu.Unlock()
		return false, nil
	}
	holds := c.endLease()
	c.mu.Unlock()
	releaseAll(holds)
	return true, nil
}

// endLease forgets the lease, puts the runtime back and detaches what is held. The
// caller holds c.mu and releases the holds after unlocking it.
func (c *core) endLease() []*hold {
	c.lease.timer.Stop()
	c.lease = nil
	c.leaseJSON.Store(nil)
	c.tuning.restore()
	return c.detach(allKinds...)
}

// live reports whether the run may act now. The caller holds c.mu.
func (c *core) live(run string) error {
	if err := checkRun(run); err != nil {
		return err
	}
	if c.lease == nil || !c.clock.Now().Before(c.lease.end()) {
		return fail(http.StatusPreconditionFailed, "no-lease", "run %q has no live lease: POST /lease first", run)
	}
	if c.lease.run != run {
		err := fail(http.StatusPreconditionFailed, "no-lease", "run %q has no live lease: run %q holds it", run, c.lease.run)
		err.Holder = c.lease.run
		return err
	}
	return nil
}
