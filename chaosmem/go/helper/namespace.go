//go:build linux

package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

const firstNamespace = "/proc/1/ns/cgroup"

// foreignNamespace is the cgroup namespace that the hog must enter to join, "" where
// it need not: on v1, and where ours is that of process 1 already.
func (h *helper) foreignNamespace() string {
	if h.place.Version == 1 || !delegated(h.place.Root) {
		return ""
	}
	own, err := os.Readlink("/proc/self/ns/cgroup")
	first, err1 := os.Readlink(firstNamespace)
	if err == nil && err1 == nil && own == first {
		return ""
	}
	if err1 != nil && !confined() {
		return "" // process 1 may not be looked at, but nothing shows a namespace of our own
	}
	return firstNamespace
}

// delegated tells whether the mount makes cgroup namespaces a boundary for moves.
func delegated(root string) bool {
	b, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return true
	}
	for _, line := range strings.Split(string(b), "\n") {
		left, right, ok := strings.Cut(line, " - cgroup2 ")
		words := strings.Fields(left)
		if ok && len(words) > 4 && words[4] == root {
			return strings.Contains(right, "nsdelegate")
		}
	}
	return true
}

// confined tells whether this process sits in a cgroup namespace of its own: there
// its own path reads as the root.
func confined() bool {
	b, err := os.ReadFile("/proc/self/cgroup")
	return err == nil && strings.Contains("\n"+string(b), "\n0::/\n")
}

// obstacle says why an act cannot work, "" where nothing shows.
func (h *helper) obstacle() string {
	if h.cfg.observeOnly {
		return "started with --observe-only"
	}
	dir, err := h.place.JoinDir()
	if err != nil {
		return "the container's cgroup is gone"
	}
	f, err := os.OpenFile(filepath.Join(dir, "cgroup.procs"), os.O_WRONLY, 0)
	if err != nil {
		return "cannot write the container's cgroup.procs: " + err.Error() + joinHint(errnoOf(err))
	}
	_ = f.Close()
	if ns := h.foreignNamespace(); ns != "" {
		return namespaceObstacle(ns)
	}
	return ""
}

func errnoOf(err error) error {
	if p, ok := err.(*os.PathError); ok {
		return p.Err
	}
	return err
}

const capSysAdmin = 21

func namespaceObstacle(ns string) string {
	f, err := os.Open(ns)
	if err != nil {
		return "the container lies beyond this process's cgroup namespace, and " + ns + " cannot be opened (" + err.Error() + "): it takes hostPID, CAP_SYS_PTRACE and AppArmor Unconfined"
	}
	_ = f.Close()
	if !capable(capSysAdmin) {
		return "the container lies beyond this process's cgroup namespace: entering the node's takes CAP_SYS_ADMIN"
	}
	return ""
}

// capable reads the effective capabilities.
func capable(capability uint) bool {
	b, _ := os.ReadFile("/proc/self/status")
	_, after, _ := strings.Cut(string(b), "CapEff:")
	line, _, _ := strings.Cut(after, "\n")
	mask, err := strconv.ParseUint(strings.TrimSpace(line), 16, 64)
	return err == nil && mask&(1<<capability) != 0
}
