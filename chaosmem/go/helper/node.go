//go:build linux

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// node reads what the node says of itself and of processes.
type node struct{ proc string }

// meminfo gives bytes by name; /proc/meminfo has kibibytes.
func (n node) meminfo() map[string]int64 {
	b, _ := os.ReadFile(filepath.Join(n.proc, "meminfo"))
	table := map[string]int64{}
	for _, line := range strings.Split(string(b), "\n") {
		name, rest, _ := strings.Cut(line, ":")
		words := strings.Fields(rest)
		if len(words) > 0 {
			kib, _ := strconv.ParseInt(words[0], 10, 64)
			table[name] = kib << 10
		}
	}
	return table
}

// available is what the node can still give without swapping.
func (n node) available() int64 { return n.meminfo()["MemAvailable"] }

// rss is the resident set of a process, and whether it can be seen.
func (n node) rss(pid int) (int64, bool) {
	b, err := os.ReadFile(filepath.Join(n.proc, strconv.Itoa(pid), "statm"))
	words := bytes.Fields(b)
	if err != nil || len(words) < 2 {
		return 0, false
	}
	pages, err := strconv.ParseInt(string(words[1]), 10, 64)
	return pages * int64(os.Getpagesize()), err == nil
}

// meshName is the program by which Chaos Mesh holds memory in a container's cgroup
// (chaos-mesh, pkg/chaosdaemon/stress_server_linux.go).
const meshName = "memStress"

// isHog tells who holds memory in the cgroup and is none of the service's, by its
// command line: a hog of any helper, "chaosmem-helper\0hog\0", or Chaos Mesh's.
func (n node) isHog(pid int) bool {
	b, err := os.ReadFile(filepath.Join(n.proc, strconv.Itoa(pid), "cmdline"))
	program, _, _ := strings.Cut(string(b), "\x00")
	return err == nil && (bytes.HasPrefix(b, []byte(programName+"\x00"+hogName+"\x00")) ||
		filepath.Base(program) == meshName)
}

// status gives lines of /proc/PID/status: kibibytes as bytes, counts as they are.
func (n node) status(pid int) map[string]int64 {
	b, _ := os.ReadFile(filepath.Join(n.proc, strconv.Itoa(pid), "status"))
	table := map[string]int64{}
	for _, line := range strings.Split(string(b), "\n") {
		name, rest, _ := strings.Cut(line, ":")
		words := strings.Fields(rest)
		if len(words) == 0 {
			continue
		}
		v, err := strconv.ParseInt(words[0], 10, 64)
		if err == nil && len(words) == 2 && words[1] == "kB" {
			v <<= 10
		}
		table[name] = v
	}
	return table
}

func kernel() string {
	var u syscall.Utsname
	if syscall.Uname(&u) != nil {
		return ""
	}
	var text []byte
	for _, c := range u.Release {
		if c == 0 {
			break
		}
		text = append(text, byte(c))
	}
	return string(text)
}
