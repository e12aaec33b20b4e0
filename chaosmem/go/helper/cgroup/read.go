package cgroup

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// Unknown stands where the kernel does not tell a number.
const Unknown = -1

// ErrGone is returned where the container's cgroup has vanished.
var ErrGone = errors.New("the container's cgroup is gone")

// Memory is one reading, in bytes.
type Memory struct {
	Usage        int64 `json:"usage"`
	WorkingSet   int64 `json:"working_set"`
	InactiveFile int64 `json:"inactive_file"`
	ActiveFile   int64 `json:"active_file"`
	Anon         int64 `json:"anon"`
	Cache        int64 `json:"cache"`
	Shmem        int64 `json:"shmem"`
	Kernel       int64 `json:"kernel"`
	Swap         int64 `json:"swap"`
	Limit        int64 `json:"limit"` // 0 is none
}

// Events are counted since the cgroup was made.
type Events struct {
	OOM          int64 `json:"oom"`
	OOMKill      int64 `json:"oom_kill"`
	OOMGroupKill int64 `json:"oom_group_kill"`
	Max          int64 `json:"max"`
	High         int64 `json:"high"`
}

// Pressure is v2's memory.pressure: cumulative microseconds, and percent over 10 s.
type Pressure struct {
	SomeUs    int64   `json:"some_us"`
	FullUs    int64   `json:"full_us"`
	SomeAvg10 float64 `json:"some_avg10"`
	FullAvg10 float64 `json:"full_avg10"`
}

// Settings are what the container was started with. 0 is none, for SwapLimit Unknown.
type Settings struct {
	Limit     int64 `json:"limit"`
	High      int64 `json:"high"`
	SwapLimit int64 `json:"swap_limit"`
	OOMGroup  bool  `json:"oom_group"`
}

// fileNames are the names of one version's files.
type fileNames struct{ usage, limit, swap, kernel, high, swapLimit string }

var names = map[int]fileNames{
	1: {usage: "memory.usage_in_bytes", limit: "memory.limit_in_bytes", kernel: "memory.kmem.usage_in_bytes", swapLimit: "memory.memsw.limit_in_bytes"},
	2: {usage: "memory.current", limit: "memory.max", swap: "memory.swap.current", high: "memory.high", swapLimit: "memory.swap.max"},
}

// statKeys are memory.stat's names for Memory's numbers.
type statKeys struct{ inactiveFile, activeFile, anon, cache, shmem, kernel, swap string }

var keys = map[int]statKeys{
	1: {"total_inactive_file", "total_active_file", "total_rss", "total_cache", "total_shmem", "", "total_swap"},
	2: {"inactive_file", "active_file", "anon", "file", "shmem", "kernel", ""},
}

// ReadMemory reads usage, limit and memory.stat.
func (p Place) ReadMemory() (Memory, error) {
	n, k := names[p.Version], keys[p.Version]
	stat, err := p.read("memory.stat")
	if err != nil {
		return Memory{}, err
	}
	usage, err := p.number(n.usage)
	if err != nil {
		return Memory{}, err
	}
	table := ParseTable(stat)
	m := Memory{
		Usage: usage, InactiveFile: table.get(k.inactiveFile), ActiveFile: table.get(k.activeFile),
		Anon: table.get(k.anon), Cache: table.get(k.cache), Shmem: table.get(k.shmem),
		Kernel: table.get(k.kernel), Swap: table.get(k.swap), Limit: p.optional(n.limit, 0),
	}
	if n.kernel != "" {
		m.Kernel = p.optional(n.kernel, Unknown)
	}
	if n.swap != "" {
		m.Swap = p.optional(n.swap, Unknown)
	}
	m.WorkingSet = WorkingSet(m.Usage, m.InactiveFile)
	return m, nil
}

// WorkingSet is usage less inactive file pages, as kubelet and cAdvisor compute it.
func WorkingSet(usage, inactiveFile int64) int64 {
	return max(0, usage-max(0, inactiveFile))
}

// ReadEvents reads the counts of OOM and of hitting limits.
func (p Place) ReadEvents() (Events, error) {
	if p.Version == 1 {
		control, err := p.read("memory.oom_control")
		if err != nil {
			return Events{}, err
		}
		return Events{Unknown, ParseTable(control).get("oom_kill"), Unknown, p.optional("memory.failcnt", Unknown), Unknown}, nil
	}
	b, err := p.read("memory.events")
	if err != nil {
		return Events{}, err
	}
	t := ParseTable(b)
	return Events{t.get("oom"), t.get("oom_kill"), t.get("oom_group_kill"), t.get("max"), t.get("high")}, nil
}

// ReadPressure reads v2's PSI; nil where the kernel has none.
func (p Place) ReadPressure() *Pressure {
	if p.Version == 1 {
		return nil
	}
	b, err := p.read("memory.pressure")
	if err != nil {
		return nil
	}
	return ParsePressure(b)
}

// ReadSettings reads the limits and what an OOM kill would take.
func (p Place) ReadSettings() (Settings, error) {
	n := names[p.Version]
	if _, err := p.number(n.usage); err != nil {
		return Settings{}, err
	}
	s := Settings{Limit: p.optional(n.limit, 0), SwapLimit: p.optional(n.swapLimit, 0)}
	if s.SwapLimit == 0 && !p.isZero(n.swapLimit) {
		s.SwapLimit = Unknown
	}
	if n.high != "" {
		s.High = p.optional(n.high, 0)
		s.OOMGroup = p.optional("memory.oom.group", 0) == 1
	}
	return s, nil
}

// isZero tells a limit of nothing from no limit.
func (p Place) isZero(file string) bool {
	b, err := p.read(file)
	return err == nil && string(bytes.TrimSpace(b)) == "0"
}

// Pids are the processes of the container's cgroup and of those below it.
func (p Place) Pids() ([]int, error) { return pidsBelow(p.Dir(), 0) }

func pidsBelow(dir string, depth int) ([]int, error) {
	b, err := os.ReadFile(filepath.Join(dir, "cgroup.procs"))
	if err != nil && !errors.Is(err, syscall.EOPNOTSUPP) { // v2's threaded cgroups list no processes
		return nil, gone(err)
	}
	pids := ParsePids(b)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, gone(err)
	}
	for _, e := range entries {
		if e.IsDir() && depth < maxDepth {
			below, err := pidsBelow(filepath.Join(dir, e.Name()), depth+1)
			if err != nil && !errors.Is(err, ErrGone) {
				return nil, err
			}
			pids = append(pids, below...)
		}
	}
	return pids, nil
}

// JoinDir is where a process can be added: the container's cgroup, or, where that
// only has children (a runtime's or an init's own), the first of them with processes.
func (p Place) JoinDir() (string, error) {
	dir := p.Dir()
	for depth := 0; depth < maxDepth; depth++ {
		b, err := os.ReadFile(filepath.Join(dir, "cgroup.procs"))
		if err != nil {
			return "", gone(err)
		}
		next, err := childWithPids(dir)
		if err != nil || len(ParsePids(b)) > 0 || next == "" {
			return dir, err
		}
		dir = next
	}
	return dir, nil
}

func childWithPids(dir string) (string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", gone(err)
	}
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		child := filepath.Join(dir, e.Name())
		if pids, err := pidsBelow(child, 0); err == nil && len(pids) > 0 {
			return child, nil
		}
	}
	return "", nil
}

func (p Place) read(file string) ([]byte, error) {
	b, err := os.ReadFile(filepath.Join(p.Dir(), file))
	return b, gone(err)
}

func (p Place) number(file string) (int64, error) {
	b, err := p.read(file)
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(string(bytes.TrimSpace(b)), 10, 64)
}

// optional reads a number or limit that may be missing, malformed or "max".
func (p Place) optional(file string, otherwise int64) int64 {
	if file == "" {
		return otherwise
	}
	b, err := p.read(file)
	if err != nil {
		return otherwise
	}
	return ParseLimit(b, otherwise)
}

// gone makes the errors of a removed cgroup one.
func gone(err error) error {
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ENODEV) {
		return ErrGone
	}
	return err
}

// OpenUsage opens the one file that a fast look needs.
func (p Place) OpenUsage() (*os.File, error) {
	f, err := os.Open(filepath.Join(p.Dir(), names[p.Version].usage))
	return f, gone(err)
}

// ReadUsage reads it again.
func ReadUsage(f *os.File) (int64, error) {
	var b [32]byte
	n, err := f.ReadAt(b[:], 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return 0, gone(err)
	}
	return strconv.ParseInt(string(bytes.TrimSpace(b[:n])), 10, 64)
}
