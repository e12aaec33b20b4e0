//go:build linux

package main

import (
	"fmt"
	"sync"
	"time"

	"chaosmem/helper/control"
)

// What the stress is doing, beside the law's own states.
const (
	stateOff     control.State = "off"
	stateGone    control.State = "gone"
	stateOOM     control.State = "oom"
	stateRefused control.State = "refused"
)

const (
	keepalive = 500 * time.Millisecond // a third of what the hog bears is plenty
	nodeLook  = 500 * time.Millisecond
	leastStep = 256 << 10
	mostStep  = 8 << 20
	slowStep  = 20 * time.Millisecond // a step that takes longer makes the next one smaller
	quickStep = 5 * time.Millisecond
	mostKills = 10 // hogs in a row that had to be killed, before the stress gives up
)

// report is the stress as the protocol tells it.
type report struct {
	State      control.State `json:"state"`
	Why        string        `json:"why"`
	Level      int64         `json:"level"`
	SetPoint   int64         `json:"setpoint"`
	Error      int64         `json:"error"`
	Reserve    int64         `json:"reserve"`
	OOM        string        `json:"oom"`
	Yields     int64         `json:"yields"`
	Kills      int64         `json:"kills"`
	Looks      int64         `json:"looks"`
	WorstError int64         `json:"worst_error"`
}

// stress holds one container's working set at one level.
type stress struct {
	h     *helper
	goal  control.Goal
	args  []string
	eyes  *eyes
	law   *control.Law
	begun time.Time
	stop  chan struct{}
	done  chan struct{}

	mu      sync.Mutex
	arm     *arm
	stopped bool
	reached bool // the level, once
	report  report

	step  int64 // the most that one step may grow
	kills int   // in a row
	said  time.Time
}

func (s *stress) now() time.Duration { return time.Since(s.begun) }

func (s *stress) told() (report, *arm) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.report, s.arm
}

// run is the loop; it ends when it is told to, or when there is nothing to hold on to.
func (s *stress) run() {
	defer close(s.done)
	defer s.eyes.close()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-s.stop:
			return
		case <-timer.C:
		}
		next, ended := s.once()
		if ended {
			return
		}
		timer.Reset(next)
	}
}

// once looks, decides and acts.
func (s *stress) once() (next time.Duration, ended bool) {
	began := time.Now()
	v, err := s.eyes.look()
	if err != nil {
		return s.end(stateGone, "the container's cgroup is gone")
	}
	if state, why := s.over(v); state != "" {
		return s.end(state, why)
	}
	held := s.held()
	d := s.law.Step(control.Look{At: s.now(), WorkingSet: v.workingSet, Held: held, Starved: v.starved})
	s.note(d)
	if err := s.act(d, held); err != nil {
		return s.failed(err)
	}
	return max(control.FastLook, d.Next-time.Since(began)), false
}

// over tells whether what was seen ends the stress.
func (s *stress) over(v view) (control.State, string) {
	if v.kills > s.eyes.killsBefore {
		return stateOOM, s.whoDied(v.kills - s.eyes.killsBefore)
	}
	if v.pids == 0 {
		return stateGone, "no process is left in the container"
	}
	return "", ""
}

// whoDied counts. Whether the service is among them is told by the sample's target.
func (s *stress) whoDied(kills int64) string {
	who := "the hog not among them"
	if _, a := s.told(); a != nil && a.gone(50*time.Millisecond) {
		who = "the hog among them"
	}
	return fmt.Sprintf("the kernel killed %d processes of the container for want of memory, %s", kills, who)
}

func (s *stress) held() int64 {
	if _, a := s.told(); a != nil {
		return a.held.Load()
	}
	return 0
}

func (s *stress) note(d control.Decision) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := &s.report
	if d.State == control.Yielding && r.State != control.Yielding {
		r.Yields++
	}
	r.State, r.SetPoint, r.Error = d.State, d.SetPoint, d.Error
	r.Looks++
	s.reached = s.reached || d.State == control.Holding
	if s.reached {
		r.WorstError = max(r.WorstError, d.Error, -d.Error)
	}
}

// act tells the hog, when there is something to tell or it would think us dead.
func (s *stress) act(d control.Decision, held int64) error {
	want := min(d.Hold, held+s.step)
	if want == held && time.Since(s.said) < keepalive {
		return nil
	}
	a, err := s.theArm(want)
	if err != nil || a == nil {
		return err
	}
	began := time.Now()
	err = a.hold(want, patience(want < held, d.Spare))
	s.said = time.Now()
	took := s.said.Sub(began)
	switch {
	case want < held:
	case took > slowStep:
		s.step = max(leastStep, s.step/2)
	case took < quickStep && want-held >= s.step/2:
		s.step = min(mostStep, s.step*2)
	}
	if err == nil {
		s.kills = 0
	}
	return err
}

// theArm starts a hog where one is needed and there is none.
func (s *stress) theArm(want int64) (*arm, error) {
	if _, a := s.told(); a != nil || want == 0 {
		return a, nil
	}
	a, err := s.h.newArm(s.args)
	if err != nil {
		return nil, &refusal{err}
	}
	if !s.adopt(a) {
		a.kill()
		return nil, nil
	}
	return a, nil
}

// adopt takes a hog, unless the stress was stopped meanwhile.
func (s *stress) adopt(a *arm) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.stopped {
		s.arm = a
	}
	return !s.stopped
}

// halt stops the loop and ends the hog. It does not wait for the loop, which may be
// waiting for the hog.
func (s *stress) halt() *arm {
	s.mu.Lock()
	already := s.stopped
	s.stopped = true
	a := s.arm
	s.mu.Unlock()
	if !already {
		close(s.stop)
	}
	s.h.bury(a)
	return a
}

// handOver stops the loop and gives its hog to whoever goes on, nil where there is none.
func (s *stress) handOver() *arm {
	s.mu.Lock()
	already := s.stopped
	s.stopped = true
	s.mu.Unlock()
	if already {
		return nil
	}
	close(s.stop)
	<-s.done
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.arm
	s.arm = nil
	return a
}
