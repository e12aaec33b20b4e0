//go:build linux

package main

import (
	"errors"
	"fmt"
	"time"

	"chaosmem/helper/cgroup"
	"chaosmem/helper/control"
)

const (
	leastReserve   = 1 << 20
	defaultReserve = 2 << 20
	maxRamp        = 24 * time.Hour
	maxPercent     = 1000
)

type memoryRequest struct {
	Run          string   `json:"run"`
	LevelBytes   *int64   `json:"level_bytes"`
	LevelPercent *float64 `json:"level_percent"`
	RampMs       int64    `json:"ramp_ms"`
	OOM          string   `json:"oom"`
	ReserveBytes *int64   `json:"reserve_bytes"`
}

func (q *memoryRequest) check() error {
	switch {
	case (q.LevelBytes == nil) == (q.LevelPercent == nil):
		return badRequest("give one of level_bytes and level_percent")
	case q.LevelBytes != nil && *q.LevelBytes < 1:
		return badRequest("level_bytes is %d: at least 1", *q.LevelBytes)
	case q.LevelPercent != nil && !(*q.LevelPercent > 0 && *q.LevelPercent <= maxPercent):
		return badRequest("level_percent is %g: above 0, at most %d", *q.LevelPercent, maxPercent)
	case q.RampMs < 0 || q.RampMs > maxRamp.Milliseconds():
		return badRequest("ramp_ms is %d: 0 to %d", q.RampMs, maxRamp.Milliseconds())
	case q.OOM != "" && q.OOM != "forbidden" && q.OOM != "expected":
		return badRequest("oom is %q: forbidden or expected", q.OOM)
	case q.ReserveBytes != nil && *q.ReserveBytes < leastReserve:
		return badRequest("reserve_bytes is %d: at least %d", *q.ReserveBytes, leastReserve)
	}
	return checkRun(q.Run)
}

func (q *memoryRequest) expected() bool { return q.OOM == "expected" }

// goal works the request out in bytes of this container.
func (q *memoryRequest) goal(m cgroup.Memory, most int64) control.Goal {
	g := control.Goal{Limit: m.Limit, From: m.WorkingSet, Ramp: time.Duration(q.RampMs) * time.Millisecond, Expected: q.expected()}
	if q.LevelBytes != nil {
		g.Level = *q.LevelBytes
	} else {
		g.Level = int64(float64(m.Limit) * *q.LevelPercent / 100)
	}
	g.Reserve = max(defaultReserve, m.Limit/100)
	if q.ReserveBytes != nil {
		g.Reserve = *q.ReserveBytes
	}
	g.Most = m.Limit
	if g.Expected {
		g.Reserve, g.Most = 0, max(g.Level, 2*m.Limit)
	}
	if most > 0 {
		g.Most = min(g.Most, most)
	}
	return g
}

// admit refuses what would harm somebody else, or cannot be.
func (h *helper) admit(g control.Goal, m cgroup.Memory) error {
	free := h.node.available() - h.cfg.nodeReserve
	need := g.Level - m.WorkingSet
	switch {
	case !g.Expected && g.Level > g.Limit-g.Reserve:
		return refuse("over-limit", "a level of %d leaves less than the reserve of %d below the limit of %d: lower the level or the reserve, or expect the OOM kill (oom: expected)", g.Level, g.Reserve, g.Limit)
	case h.cfg.maxBytes > 0 && need > h.cfg.maxBytes:
		return refuse("over-limit", "a level of %d needs %d more, over --max-bytes %d", g.Level, need, h.cfg.maxBytes)
	case min(need, g.Most) > free:
		return refuse("node-low", "the node can give %d above its reserve of %d, and %d are needed", free, h.cfg.nodeReserve, need)
	}
	return nil
}

// seen reads the container and refuses one that cannot be stressed.
func (h *helper) seen() (cgroup.Memory, error) {
	if h.cfg.observeOnly {
		return cgroup.Memory{}, refuse("observe-only", "this helper only observes: start it without --observe-only")
	}
	m, err := h.place.ReadMemory()
	if err == nil {
		_, a := h.current()
		var pids []int
		if pids, err = h.place.Pids(); err == nil && others(pids, pidOf(a)) == 0 {
			err = cgroup.ErrGone
		}
	}
	switch {
	case errors.Is(err, cgroup.ErrGone):
		return m, refuse("target-gone", "the container has ended: its cgroup %s is gone or empty", h.place.Path)
	case err != nil:
		return m, err
	case m.Limit == 0:
		return m, refuse("no-limit", "the container has no memory limit: a level would be the node's; set resources.limits.memory")
	}
	return m, nil
}

func pidOf(a *arm) int {
	if a == nil {
		return 0
	}
	return a.pid
}

type memoryAnswer struct {
	Act        int64      `json:"act"`
	UnixNs     int64      `json:"unix_ns"`
	Held       heldAnswer `json:"held"`
	Level      int64      `json:"level"`
	Limit      int64      `json:"limit"`
	WorkingSet int64      `json:"working_set"`
	Reserve    int64      `json:"reserve"`
	Warnings   []string   `json:"warnings"`
}

// memory begins a stress, or goes on from the present one to another level.
func (h *helper) memory(q *memoryRequest) (any, error) {
	if err := q.check(); err != nil {
		return nil, err
	}
	h.acting.Lock()
	defer h.acting.Unlock()
	if err := h.mayAct(q.Run); err != nil {
		return nil, err
	}
	m, err := h.seen()
	if err != nil {
		return nil, err
	}
	g := q.goal(m, h.cfg.maxBytes)
	if err := h.admit(g, m); err != nil {
		return nil, err
	}
	s, err := h.prepare(g)
	if err != nil {
		return nil, err
	}
	if err := h.attach(q.Run, s); err != nil {
		return nil, err
	}
	h.acts.memory.Add(1)
	return memoryAnswer{h.acts.all.Add(1), time.Now().UnixNano(), heldAnswer{s.held()},
		g.Level, g.Limit, m.WorkingSet, g.Reserve, h.warnings(g)}, nil
}

func (h *helper) mayAct(run string) error {
	h.expire()
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.live(run)
}

// prepare makes a stress with a hog that has joined: the present one's where it fits.
func (h *helper) prepare(g control.Goal) (*stress, error) {
	s := &stress{h: h, goal: g, law: control.New(g), step: 1 << 20, stop: make(chan struct{}), done: make(chan struct{})}
	s.report = report{State: control.Ramping, Level: g.Level, SetPoint: g.From, Reserve: g.Reserve, OOM: pick(g.Expected, "expected", "forbidden")}
	var err error
	if s.args, err = h.joining(g.Expected); err != nil {
		return nil, err
	}
	if s.eyes, err = newEyes(h, func() int { _, a := s.told(); return pidOf(a) }); err != nil {
		return nil, err
	}
	if s.arm = h.takeOver(g.Expected); s.arm != nil {
		return s, nil
	}
	if s.arm, err = h.newArm(s.args); err != nil {
		s.eyes.close()
		return nil, refuse("cannot-join", "%v", err)
	}
	return s, nil
}

// takeOver ends the present stress and returns its hog, unless it is of the other kind.
func (h *helper) takeOver(expected bool) *arm {
	h.mu.Lock()
	old := h.detach()
	h.mu.Unlock()
	if old == nil {
		return nil
	}
	if old.goal.Expected == expected {
		return old.handOver()
	}
	letGo(old)
	return nil
}

// attach starts the loop, unless the lease has ended meanwhile.
func (h *helper) attach(run string, s *stress) error {
	h.mu.Lock()
	err := h.live(run)
	if err == nil {
		s.begun = time.Now()
		h.stress = s
		go s.run()
	}
	h.mu.Unlock()
	if err != nil {
		s.halt()
		s.eyes.close()
	}
	return err
}

// joining says how a hog gets in.
func (h *helper) joining(expected bool) ([]string, error) {
	dir, err := h.place.JoinDir()
	if err != nil {
		return nil, refuse("target-gone", "the container's cgroup is gone")
	}
	adj := adjSpare
	if expected {
		adj = adjPrevail
	}
	return hogArgs(dir, h.foreignNamespace(), adj), nil
}

func (h *helper) warnings(g control.Goal) []string {
	list := []string{}
	set, err := h.place.ReadSettings()
	if err != nil {
		return list
	}
	if set.High > 0 && g.Level > set.High {
		list = append(list, fmt.Sprintf("the level is above memory.high (%d): the kernel slows the service down there", set.High))
	}
	if set.OOMGroup {
		list = append(list, "memory.oom.group is set: an OOM kill takes the whole container, not only the hog")
	}
	if set.SwapLimit != 0 && h.node.meminfo()["SwapTotal"] > 0 {
		list = append(list, "the container may swap: what is swapped out is not in the working set")
	}
	return list
}

func pick[T any](first bool, a, b T) T {
	if first {
		return a
	}
	return b
}

type releaseAnswer struct {
	Act            int64      `json:"act"`
	ReleasedUnixNs int64      `json:"released_unix_ns"`
	Held           heldAnswer `json:"held"`
}

// release ends the hog. The instant in the answer is before any of it.
func (h *helper) release(q *runRequest) (any, error) {
	h.acting.Lock()
	defer h.acting.Unlock()
	if err := h.mayAct(q.Run); err != nil {
		return nil, err
	}
	h.acts.release.Add(1)
	a := releaseAnswer{Act: h.acts.all.Add(1), ReleasedUnixNs: time.Now().UnixNano()}
	h.mu.Lock()
	s := h.detach()
	h.mu.Unlock()
	a.Held = letGo(s)
	return a, nil
}
