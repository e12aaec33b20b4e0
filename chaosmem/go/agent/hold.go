package agent

import (
	"log"
	"sync"
	"sync/atomic"
)

// hold is everything of one kind that was taken since the last release. It is let
// go as a whole, and knows when the last of it has really ended.
type hold struct {
	stop    chan struct{} // closed by release; growth and pressure watch it
	pending atomic.Int64  // what has yet to end, with one for the hold itself
	failed  *atomic.Int64 // counts panics of the application's functions
	onEnd   func()        // called once, when all of it has ended
	booked  int64         // against the limits; guarded by the mutex of core

	mu       sync.Mutex
	released bool
	memory   []any    // keeps the agent's own heap reachable
	undo     []func() // lets go at once and cannot block
	slow     []func() // may block: the application's functions, closing connections
}

func newHold(failed *atomic.Int64, onEnd func()) *hold {
	h := &hold{stop: make(chan struct{}), failed: failed, onEnd: onEnd}
	h.pending.Store(1)
	return h
}

func (h *hold) done() {
	if h.pending.Add(-1) == 0 {
		h.onEnd()
	}
}

// run does f on a goroutine that the end of the hold waits for. A panic in f is an
// application's function that failed under pressure: it is told and counted, and
// it must not take the process down with it.
func (h *hold) run(f func()) {
	h.pending.Add(1)
	go func() {
		defer h.done()
		h.guard(f)
	}()
}

func (h *hold) guard(f func()) {
	defer func() {
		if r := recover(); r != nil {
			h.failed.Add(1)
			log.Printf("chaosmem agent: an injection point panicked: %v", r)
		}
	}()
	f()
}

// keep holds memory and remembers how to undo the book-keeping. After a release,
// which can overtake growth, it undoes at once.
func (h *hold) keep(memory any, undo func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.released {
		undo()
		return
	}
	h.memory = append(h.memory, memory)
	h.undo = append(h.undo, undo)
}

// keepSlow is keep for an undo that may block.
func (h *hold) keepSlow(undo func()) {
	h.mu.Lock()
	overtaken := h.released
	if !overtaken {
		h.slow = append(h.slow, undo)
	}
	h.mu.Unlock()
	if overtaken {
		h.guard(undo)
	}
}

// release lets go. It does not wait; onEnd tells when all has ended.
func (h *hold) release() {
	h.mu.Lock()
	undo, slow := h.undo, h.slow
	h.released = true
	h.memory, h.undo, h.slow = nil, nil, nil
	h.mu.Unlock()
	close(h.stop)
	for _, f := range undo {
		f()
	}
	if len(slow) > 0 {
		h.run(func() {
			for _, f := range slow {
				h.guard(f)
			}
		})
	}
	h.done()
}
