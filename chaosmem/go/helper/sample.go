//go:build linux

package main

import (
	"os"
	"runtime"
	"time"

	"chaosmem/helper/cgroup"
)

const protocolVersion = "1"

var started = time.Now()

type targetAnswer struct {
	Pids int   `json:"pids"`
	RSS  int64 `json:"rss"`
}

type hogAnswer struct {
	PID         int   `json:"pid"`
	RSS         int64 `json:"rss"`
	Swap        int64 `json:"swap"`
	Threads     int64 `json:"threads"`
	OOMScoreAdj int   `json:"oom_score_adj"`
	Started     int64 `json:"started"`
}

type endedAnswer struct {
	MemoryUnixNs int64 `json:"memory_unix_ns"`
}

type actsAnswer struct {
	Memory  int64 `json:"memory"`
	Release int64 `json:"release"`
	Expired int64 `json:"expired"`
	Failed  int64 `json:"failed"`
}

type sampleAnswer struct {
	NowUnixNs int64            `json:"now_unix_ns"`
	Cgroup    *cgroup.Memory   `json:"cgroup"`
	Events    *cgroup.Events   `json:"events"`
	Target    targetAnswer     `json:"target"`
	Hog       *hogAnswer       `json:"hog"`
	PSI       *cgroup.Pressure `json:"psi"`
	Stress    report           `json:"stress"`
	Held      heldAnswer       `json:"held"`
	Ended     endedAnswer      `json:"ended"`
	Acts      actsAnswer       `json:"acts"`
	Lease     *leaseAnswer     `json:"lease"`
}

func (h *helper) sample() any {
	h.expire()
	a := &sampleAnswer{NowUnixNs: h.clock.Now().UnixNano(), Stress: report{State: stateOff}}
	s, hog := h.current()
	if s != nil {
		a.Stress, _ = s.told()
	}
	h.addCgroup(a, pidOf(hog))
	if hog != nil {
		a.Held.Bytes = hog.held.Load()
		a.Hog = h.describe(hog)
	}
	a.Ended.MemoryUnixNs = h.ended.Load()
	a.Acts = actsAnswer{h.acts.memory.Load(), h.acts.release.Load(), h.acts.expired.Load(), h.acts.failed.Load()}
	h.mu.Lock()
	if h.lease != nil {
		l := h.lease.answer()
		a.Lease = &l
	}
	h.mu.Unlock()
	return a
}

func (h *helper) addCgroup(a *sampleAnswer, hog int) {
	m, err := h.place.ReadMemory()
	if err == nil {
		a.Cgroup = &m
	}
	if e, err := h.place.ReadEvents(); err == nil {
		a.Events = &e
	}
	a.PSI = h.place.ReadPressure()
	pids, errPids := h.place.Pids()
	a.Target = h.target(pids, hog)
	if (err != nil || errPids != nil || a.Target.Pids == 0) && a.Stress.State != stateOOM {
		a.Stress.State = stateGone
	}
}

// target sums the service's resident sets. Another helper's hog is no part of it.
func (h *helper) target(pids []int, hog int) (t targetAnswer) {
	for _, pid := range pids {
		if pid == 0 { // of another PID namespace
			return targetAnswer{others(pids, hog), cgroup.Unknown}
		}
		if pid == hog || h.node.isHog(pid) {
			continue
		}
		t.Pids++
		if rss, ok := h.node.rss(pid); ok {
			t.RSS += rss
		}
	}
	return t
}

func (h *helper) describe(a *arm) *hogAnswer {
	s := node{"/proc"}.status(a.pid) // its pid is of our own PID namespace
	return &hogAnswer{a.pid, s["VmRSS"], s["VmSwap"], s["Threads"], a.adj, h.hogs.Load()}
}

type nodeAnswer struct {
	MemTotal     int64 `json:"mem_total"`
	MemAvailable int64 `json:"mem_available"`
	SwapTotal    int64 `json:"swap_total"`
	CPUs         int   `json:"cpus"`
}

type cgroupAnswer struct {
	Version int    `json:"version"`
	Driver  string `json:"driver"`
	Runtime string `json:"runtime"`
	Path    string `json:"path"`
	cgroup.Settings
}

type stressAnswer struct {
	Possible bool   `json:"possible"`
	Why      string `json:"why"`
}

type limitsAnswer struct {
	MaxBytes    int64 `json:"max_bytes"`
	NodeReserve int64 `json:"node_reserve"`
}

type infoAnswer struct {
	Helper         string       `json:"helper"`
	Go             string       `json:"go"`
	PID            int          `json:"pid"`
	StartUnixNs    int64        `json:"start_unix_ns"`
	NowUnixNs      int64        `json:"now_unix_ns"`
	DeadlineUnixNs int64        `json:"deadline_unix_ns"`
	Kernel         string       `json:"kernel"`
	ObserveOnly    bool         `json:"observe_only"`
	Cgroup         cgroupAnswer `json:"cgroup"`
	Node           nodeAnswer   `json:"node"`
	Stress         stressAnswer `json:"stress"`
	Limits         limitsAnswer `json:"limits"`
}

func (h *helper) info() any {
	a := &infoAnswer{
		Helper: protocolVersion, Go: runtime.Version(), PID: os.Getpid(),
		StartUnixNs: started.UnixNano(), NowUnixNs: h.clock.Now().UnixNano(),
		Kernel: kernel(), ObserveOnly: h.cfg.observeOnly,
		Limits: limitsAnswer{h.cfg.maxBytes, h.cfg.nodeReserve},
	}
	if !h.cfg.deadline.IsZero() {
		a.DeadlineUnixNs = h.cfg.deadline.UnixNano()
	}
	set, _ := h.place.ReadSettings()
	a.Cgroup = cgroupAnswer{h.place.Version, h.place.Driver, h.place.Runtime, h.place.Path, set}
	mem := h.node.meminfo()
	a.Node = nodeAnswer{mem["MemTotal"], mem["MemAvailable"], mem["SwapTotal"], runtime.NumCPU()}
	a.Stress.Why = h.obstacle()
	a.Stress.Possible = a.Stress.Why == ""
	return a
}
