//go:build linux

package main

import (
	"os"
	"time"

	"chaosmem/helper/cgroup"
	"chaosmem/helper/control"
)

// view is one look at the container.
type view struct {
	workingSet int64
	kills      int64
	pids       int // of the service
	starved    bool
}

// eyes look at the container as often as the loop asks. Usage is one small file and
// is read each time; the rest once in control.SlowLook, and at once when usage moved,
// because page cache moves usage too and is no growth of the service.
type eyes struct {
	h           *helper
	file        *os.File // of usage, kept open: it is read up to 1,000 times a second
	killsBefore int64
	hog         func() int // pid, 0 for none
	last        view
	usage       int64
	inactive    int64
	looked      time.Time
	node        time.Time
}

func newEyes(h *helper, hog func() int) (*eyes, error) {
	events, err := h.place.ReadEvents()
	if err != nil {
		return nil, err
	}
	file, err := h.place.OpenUsage()
	return &eyes{h: h, hog: hog, file: file, killsBefore: events.OOMKill}, err
}

func (e *eyes) close() { _ = e.file.Close() }

// moved is more than the noise of the usage counter, and worth reading memory.stat.
const moved = 512 << 10

func (e *eyes) look() (view, error) {
	usage, err := cgroup.ReadUsage(e.file)
	if err != nil {
		return view{}, err
	}
	change := usage - e.usage
	if time.Since(e.looked) >= control.SlowLook || change > moved || change < -moved {
		return e.full()
	}
	e.last.workingSet = cgroup.WorkingSet(usage, e.inactive)
	return e.last, nil
}

// lookAgain makes the next look a full one.
func (e *eyes) lookAgain() { e.looked = time.Time{} }

func (e *eyes) full() (view, error) {
	m, err := e.h.place.ReadMemory()
	if err != nil {
		return view{}, err
	}
	events, err := e.h.place.ReadEvents()
	if err != nil {
		return view{}, err
	}
	pids, err := e.h.place.Pids()
	if err != nil {
		return view{}, err
	}
	e.usage, e.inactive, e.looked = m.Usage, m.InactiveFile, time.Now()
	e.last.workingSet, e.last.kills = m.WorkingSet, events.OOMKill
	e.last.pids = e.service(pids)
	if time.Since(e.node) > nodeLook {
		e.node = time.Now()
		e.last.starved = e.h.node.available() < e.h.cfg.nodeReserve
	}
	return e.last, nil
}

// service counts its processes. Another helper's hog is none; looking for one is left
// out where there are many, since then some are the service's.
func (e *eyes) service(pids []int) int {
	hog := e.hog()
	n := others(pids, hog)
	if n > 2 {
		return n
	}
	for _, pid := range pids {
		if pid != hog && e.h.node.isHog(pid) {
			n--
		}
	}
	return n
}

func others(pids []int, hog int) (n int) {
	for _, pid := range pids {
		if pid != hog {
			n++
		}
	}
	return n
}
