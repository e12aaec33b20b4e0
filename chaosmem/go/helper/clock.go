package main

import "time"

// clock is what the lease knows of time, so that its dead-man can be tested
// without waiting.
type clock interface {
	Now() time.Time
	AfterFunc(d time.Duration, f func()) stopper
}

type stopper interface{ Stop() bool }

// systemClock reads the monotonic clock, which a step of the wall clock does not move.
type systemClock struct{}

func (systemClock) Now() time.Time { return time.Now() }

func (systemClock) AfterFunc(d time.Duration, f func()) stopper { return time.AfterFunc(d, f) }
