package inventory

import (
	"context"
	"time"
)

// Pool is a set of workers that run jobs.
type Pool struct {
	jobs  chan func()
	leaks bool
	drain time.Duration
}

// PoolDefects are known faults that a Pool can be made with.
type PoolDefects struct {
	Leaks bool          // stopped workers stay
	Drain time.Duration // stopped workers stay so long
}

// NewPool starts a pool of so many permanent workers.
func NewPool(workers int, defects PoolDefects) *Pool {
	p := &Pool{jobs: make(chan func()), leaks: defects.Leaks, drain: defects.Drain}
	for range workers {
		go p.work(nil)
	}
	return p
}

// Do runs a job on a worker and waits for its end or the context's.
func (p *Pool) Do(ctx context.Context, job func()) error {
	done := make(chan struct{})
	select {
	case p.jobs <- func() { defer close(done); job() }:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Start adds n workers, which stop ends. It is the demo's goroutine injection point.
//
//go:noinline
func (p *Pool) Start(n int) (stop func()) {
	quit := make(chan struct{})
	for range n {
		go p.work(quit)
	}
	return func() {
		if !p.leaks {
			close(quit)
		}
	}
}

// work runs jobs until quit is closed. With a drain, it has something to finish first.
func (p *Pool) work(quit <-chan struct{}) {
	for {
		select {
		case job := <-p.jobs:
			job()
		case <-quit:
			time.Sleep(p.drain)
			return
		}
	}
}
