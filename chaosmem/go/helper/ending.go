//go:build linux

package main

import (
	"errors"
	"fmt"
	"time"

	"chaosmem/helper/control"
)

// refusal is a hog that could not be started.
type refusal struct{ error }

// failed deals with a hog that did not do what it was told.
func (s *stress) failed(err error) (time.Duration, bool) {
	s.mu.Lock()
	a, stopped := s.arm, s.stopped
	s.mu.Unlock()
	var refused *refusal
	switch {
	case stopped: // what the hog does now is unknown: nobody shall go on with it
		s.mu.Lock()
		s.arm = nil
		s.mu.Unlock()
		s.h.bury(a)
		return 0, true
	case errors.As(err, &refused):
		return s.end(stateRefused, err.Error())
	case errors.Is(err, errSlow):
		return s.restart(a)
	}
	return s.lost(err)
}

// restart kills a hog that did not answer in time: its memory is back at once, and
// the next look decides what a new one shall hold.
func (s *stress) restart(a *arm) (time.Duration, bool) {
	a.kill()
	a.gone(goneTime)
	s.kills++
	s.step = leastStep
	s.mu.Lock()
	s.arm = nil
	s.report.Kills++
	s.mu.Unlock()
	if s.kills >= mostKills {
		return s.end(stateRefused, fmt.Sprintf("%d hogs in a row did not do in time what they were told: is the container throttled?", s.kills))
	}
	return control.FastLook, false
}

// lost finds out why a hog ended by itself. The kernel's counts and the end of a
// container come a little later than the hog's end.
func (s *stress) lost(err error) (time.Duration, bool) {
	for i := 0; i < 10; i++ {
		v, gone := s.eyes.look()
		if gone != nil {
			return s.end(stateGone, "the container's cgroup is gone")
		}
		if state, why := s.over(v); state != "" {
			return s.end(state, why)
		}
		time.Sleep(10 * time.Millisecond)
		s.eyes.lookAgain()
	}
	s.h.acts.failed.Add(1)
	return s.end(stateRefused, "the hog ended without being told to: "+err.Error())
}

// end stops holding. The state, which tells that nothing is held, stays.
func (s *stress) end(state control.State, why string) (time.Duration, bool) {
	s.mu.Lock()
	s.stopped = true
	a := s.arm
	s.mu.Unlock()
	s.h.bury(a)
	if a != nil {
		a.gone(goneTime)
	}
	s.mu.Lock()
	s.report.State, s.report.Why, s.report.Error, s.report.SetPoint = state, why, 0, 0
	s.mu.Unlock()
	return 0, true
}
