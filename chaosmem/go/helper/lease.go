//go:build linux

package main

import (
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
func (h *helper) renew(q *leaseRequest) (leaseAnswer, error) {
	if err := q.check(); err != nil {
		return leaseAnswer{}, err
	}
	h.expire()
	h.mu.Lock()
	defer h.mu.Unlock()
	now := h.clock.Now()
	switch {
	case h.closed:
		return leaseAnswer{}, refuse("target-gone", "this helper is ending")
	case h.lease == nil && q.Run == h.lastExpired:
		return leaseAnswer{}, fail(http.StatusPreconditionFailed, "lease-expired",
			"the lease of run %q has expired and its pressure is gone: a run cannot take it up again", q.Run)
	case h.lease == nil:
		h.lease = &lease{run: q.Run, deadline: h.notAfterOurs(now.Add(q.deadline()))}
	case h.lease.run != q.Run:
		err := fail(http.StatusConflict, "lease-held", "run %q holds the lease: wait for its end", h.lease.run)
		err.Holder = h.lease.run
		return leaseAnswer{}, err
	default:
		h.lease.timer.Stop()
	}
	h.lease.expires = now.Add(q.ttl())
	h.lease.timer = h.clock.AfterFunc(h.lease.end().Sub(now), h.expire)
	return h.lease.answer(), nil
}

func (h *helper) notAfterOurs(t time.Time) time.Time {
	if !h.cfg.deadline.IsZero() && h.cfg.deadline.Before(t) {
		return h.cfg.deadline
	}
	return t
}

// expire is the dead-man: it ends a lease that is past its end. It is called by the
// lease's timer and before anything that needs a live lease.
func (h *helper) expire() {
	h.mu.Lock()
	if h.lease == nil || h.clock.Now().Before(h.lease.end()) {
		h.mu.Unlock()
		return
	}
	h.lastExpired = h.lease.run
	h.acts.expired.Add(1)
	s := h.endLease()
	h.mu.Unlock()
	if s != nil {
		s.halt()
	}
}

type runRequest struct {
	Run string `json:"run"`
}

type dropAnswer struct {
	Released bool       `json:"released"`
	Held     heldAnswer `json:"held"`
}

// drop ends the run's lease. It tells whether there was one; a lease of another run
// stays.
func (h *helper) drop(q *runRequest) (any, error) {
	if err := checkRun(q.Run); err != nil {
		return nil, err
	}
	h.expire()
	h.mu.Lock()
	if h.lease == nil || h.lease.run != q.Run {
		h.mu.Unlock()
		return dropAnswer{false, h.held()}, nil
	}
	s := h.endLease()
	h.mu.Unlock()
	return dropAnswer{true, letGo(s)}, nil
}

// endLease forgets the lease and detaches its stress. The caller holds h.mu and
// halts the stress after unlocking it.
func (h *helper) endLease() *stress {
	h.lease.timer.Stop()
	h.lease = nil
	return h.detach()
}

// live reports whether the run may act now. The caller holds h.mu.
func (h *helper) live(run string) error {
	if err := checkRun(run); err != nil {
		return err
	}
	if h.lease == nil || !h.clock.Now().Before(h.lease.end()) {
		return fail(http.StatusPreconditionFailed, "no-lease", "run %q has no live lease: POST /lease first", run)
	}
	if h.lease.run != run {
		err := fail(http.StatusPreconditionFailed, "no-lease", "run %q has no live lease: run %q holds it", run, h.lease.run)
		err.Holder = h.lease.run
		return err
	}
	return nil
}
