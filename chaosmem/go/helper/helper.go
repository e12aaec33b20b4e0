//go:build linux

package main

import (
	"sync"
	"sync/atomic"
	"time"

	"chaosmem/helper/cgroup"
)

// goneTime is how long an answer waits for the hog's end: 10 GB take about a second.
const goneTime = 2 * time.Second

type config struct {
	cgroupRoot, podUID, containerID string
	observeOnly                     bool
	nodeReserve, maxBytes           int64
	deadline                        time.Time // zero: none
}

// helper is the process's one state.
type helper struct {
	cfg   config
	clock clock
	place cgroup.Place
	node  node
	spawn *spawner

	acting sync.Mutex // one act at a time; never held for a heartbeat

	mu          sync.Mutex
	lease       *lease
	lastExpired string
	closed      bool // the process is about to end
	stress      *stress
	hogs        atomic.Int64
	ended       atomic.Int64 // when the last hog's memory was back
	acts        struct{ all, memory, release, expired, failed atomic.Int64 }
}

func (h *helper) newArm(args []string) (*arm, error) {
	a, err := startArm(h.spawn, args)
	if err != nil {
		return nil, err
	}
	h.hogs.Add(1)
	go func() {
		<-a.ended
		h.ended.Store(time.Now().UnixNano())
	}()
	return a, nil
}

// bury ends a hog; nil is none.
func (h *helper) bury(a *arm) {
	if a != nil {
		a.kill()
	}
}

// detach takes the stress away from the lease. The caller holds h.mu.
func (h *helper) detach() *stress {
	s := h.stress
	h.stress = nil
	return s
}

// current is the stress and its hog; nil where there is none.
func (h *helper) current() (*stress, *arm) {
	h.mu.Lock()
	s := h.stress
	h.mu.Unlock()
	if s == nil {
		return nil, nil
	}
	_, a := s.told()
	if a != nil && a.gone(0) {
		a = nil
	}
	return s, a
}

// letGo ends a stress and waits for its hog; what is still held then.
func letGo(s *stress) heldAnswer {
	if s == nil {
		return heldAnswer{}
	}
	a := s.halt()
	if a == nil || a.gone(goneTime) {
		return heldAnswer{}
	}
	return heldAnswer{a.held.Load()}
}

type heldAnswer struct {
	Bytes int64 `json:"bytes"`
}

func (h *helper) held() heldAnswer {
	if _, a := h.current(); a != nil {
		return heldAnswer{a.held.Load()}
	}
	return heldAnswer{}
}
