// Command scenario runs below a kernel with cgroup v2: it makes containers as a
// kubelet does, with a service in each, starts the real helper beside them, and
// prints what it saw as one JSON line a scenario. The test that started it judges.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"time"
)

type facts map[string]any

var scenarios = []struct {
	name string
	run  func() facts
}{
	{"hold-systemd", func() facts { return hold("systemd") }},
	{"hold-cgroupfs", func() facts { return hold("cgroupfs") }},
	{"yield", yield},
	{"frozen", frozen},
	{"killed", killed},
	{"heartbeat", heartbeat},
	{"expected", expected},
	{"high", high},
	{"namespace-bare", func() facts { return namespace() }},
	{"namespace-admin", func() facts { return namespace(capSysAdmin) }},
	{"namespace-ptrace", func() facts { return namespace(capSysPtrace) }},
	{"namespace-able", func() facts { return namespace(capSysPtrace, capSysAdmin) }},
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == "drop" {
		dropAndExec(os.Args[2:])
	}
	loopbackUp()
	for _, s := range scenarios {
		tell(s.name, s.run)
	}
}

func tell(name string, run func() facts) {
	f := facts{}
	began := time.Now()
	func() {
		defer func() {
			if r := recover(); r != nil {
				f = facts{"panic": fmt.Sprint(r)}
			}
		}()
		f = run()
	}()
	f["scenario"], f["seconds"] = name, time.Since(began).Seconds()
	b, err := json.Marshal(f)
	must(err)
	fmt.Println(string(b))
}

const (
	mib   = 1 << 20
	limit = 128 * mib
)

func hold(driver string) facts {
	c := newContainer(driver)
	defer c.end()
	h := startHelper(c)
	defer h.end()
	f := facts{"info": h.get("/info")}
	before := c.number("memory.current")
	h.lease(60000)
	f["answer"] = h.memory(`"level_percent":80`)
	f["holding"] = h.until("holding")
	worst := 0.0
	for i := 0; i < 40; i++ {
		ws := at(h.get("/sample"), "cgroup", "working_set").(float64)
		worst = max(worst, ws-limit*0.8, limit*0.8-ws)
		time.Sleep(25 * time.Millisecond)
	}
	f["worst"] = worst
	f["service_alone_before"] = before
	f["release"] = h.ask("POST", "/release", `{"run":"r"}`)
	f["back_by"] = c.number("memory.current") - before
	f["pids"] = c.pids()
	return f
}

// yield lets the service grow beyond the level while an OOM kill would take all.
func yield() facts {
	c := newContainer("systemd")
	defer c.end()
	c.write("memory.oom.group", "1")
	h := startHelper(c)
	defer h.end()
	h.lease(60000)
	f := facts{"answer": h.memory(`"level_percent":80`)}
	h.until("holding")
	began := time.Now()
	c.tell(fmt.Sprintf("grow %d %d", 84*mib, 40*mib))
	f["speed"] = 84 / time.Since(began).Seconds()
	f["sample"] = h.until("yielding")
	f["alive"] = c.alive()
	f["events"] = c.read("memory.events")
	return f
}

// frozen stops the hog, which shares the container's CPU, as a share of nothing would.
func frozen() facts {
	c := newContainer("cgroupfs")
	defer c.end()
	h := startHelper(c)
	defer h.end()
	h.lease(60000)
	h.memory(`"level_percent":80`)
	h.until("holding")
	before := c.number("memory.current")
	c.write("cgroup.freeze", "1")
	time.Sleep(200 * time.Millisecond)
	began := time.Now()
	ended := h.ask("DELETE", "/lease", `{"run":"r"}`)
	f := facts{"released": ended, "seconds_to_release": time.Since(began).Seconds(), "let_go": before - c.number("memory.current")}
	c.write("cgroup.freeze", "0")
	return f
}

func killed() facts {
	c := newContainer("systemd")
	defer c.end()
	h := startHelper(c)
	before := c.number("memory.current")
	h.lease(60000)
	h.memory(`"level_percent":80`)
	h.until("holding")
	held := c.number("memory.current") - before
	began := time.Now()
	h.end()
	return facts{"held": held, "back_after": c.backTo(before, began)}
}

func heartbeat() facts {
	c := newContainer("cgroupfs")
	defer c.end()
	h := startHelper(c)
	defer h.end()
	before := c.number("memory.current")
	h.lease(2000)
	began := time.Now()
	h.memory(`"level_percent":80`)
	return facts{"back_after": c.backTo(before, began.Add(2*time.Second)), "held_then": at(h.get("/sample"), "held", "bytes")}
}

// expected goes past the limit where an OOM kill takes the whole container.
func expected() facts {
	c := newContainer("systemd")
	defer c.end()
	c.write("memory.oom.group", "1")
	h := startHelper(c)
	defer h.end()
	h.lease(60000)
	f := facts{"answer": h.memory(`"level_percent":130,"oom":"expected"`)}
	f["sample"] = h.until("oom")
	f["alive"] = c.alive()
	f["events"] = c.read("memory.events")
	return f
}

func high() facts {
	c := newContainer("cgroupfs")
	defer c.end()
	c.write("memory.high", fmt.Sprint(100*mib))
	h := startHelper(c)
	defer h.end()
	h.lease(60000)
	return facts{"answer": h.memory(`"level_percent":85`), "info": h.get("/info")}
}

// namespace puts the helper where a runtime puts a pod that is not privileged: into a
// cgroup namespace of its own, on a mount with nsdelegate, with these capabilities.
func namespace(capabilities ...string) facts {
	remount("nsdelegate")
	c := newContainer("systemd")
	defer c.end()
	h := startConfinedHelper(c, capabilities)
	defer h.end()
	f := facts{"info": h.get("/info")}
	h.lease(60000)
	f["answer"] = h.memory(`"level_percent":80`)
	if at(f["answer"], "error") == nil {
		f["sample"] = h.until("holding")
	}
	return f
}
