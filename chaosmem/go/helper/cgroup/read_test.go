package cgroup

import (
	"errors"
	"path/filepath"
	"reflect"
	"testing"
)

func placeWith(t *testing.T, version int, files map[string]string) Place {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		write(t, filepath.Join(root, "c", name), text)
	}
	return Place{Version: version, Root: root, Path: "/c"}
}

func TestMemoryOfV1IsReadFromTheHierarchysTotals(t *testing.T) {
	p := placeWith(t, 1, map[string]string{
		"memory.usage_in_bytes": "1000\n", "memory.limit_in_bytes": "9223372036854771712\n", "memory.kmem.usage_in_bytes": "50\n",
		"memory.stat": "cache 1\nrss 2\ninactive_file 3\nhierarchical_memory_limit 9\ntotal_cache 400\ntotal_rss 500\ntotal_shmem 5\ntotal_inactive_file 300\ntotal_active_file 100\ntotal_swap 7\n",
	})
	m, err := p.ReadMemory()
	want := Memory{Usage: 1000, WorkingSet: 700, InactiveFile: 300, ActiveFile: 100, Anon: 500, Cache: 400, Shmem: 5, Kernel: 50, Swap: 7, Limit: 0}
	if err != nil || m != want {
		t.Errorf("%+v, %v", m, err)
	}
}

func TestMemoryOfV2(t *testing.T) {
	p := placeWith(t, 2, map[string]string{
		"memory.current": "1000\n", "memory.max": "2048\n", "memory.swap.current": "6\n",
		"memory.stat": "anon 500\nfile 400\nkernel 60\nshmem 5\ninactive_file 300\nactive_file 100\n",
	})
	m, err := p.ReadMemory()
	want := Memory{Usage: 1000, WorkingSet: 700, InactiveFile: 300, ActiveFile: 100, Anon: 500, Cache: 400, Shmem: 5, Kernel: 60, Swap: 6, Limit: 2048}
	if err != nil || m != want {
		t.Errorf("%+v, %v", m, err)
	}
}

func TestWhatTheKernelDoesNotTellIsMinusOne(t *testing.T) {
	p := placeWith(t, 2, map[string]string{"memory.current": "5\n", "memory.max": "max\n", "memory.stat": "anon 5\n"})
	m, err := p.ReadMemory()
	want := Memory{Usage: 5, WorkingSet: 5, InactiveFile: -1, ActiveFile: -1, Anon: 5, Cache: -1, Shmem: -1, Kernel: -1, Swap: -1}
	if err != nil || m != want {
		t.Errorf("%+v, %v", m, err)
	}
	if p.ReadPressure() != nil {
		t.Error("a pressure without its file")
	}
}

func TestAWorkingSetIsNeverBelowNothing(t *testing.T) {
	if got := WorkingSet(100, 200); got != 0 {
		t.Errorf("%d", got)
	}
}

func TestEvents(t *testing.T) {
	v1 := placeWith(t, 1, map[string]string{"memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n", "memory.failcnt": "9\n"})
	if e, err := v1.ReadEvents(); err != nil || e != (Events{-1, 3, -1, 9, -1}) {
		t.Errorf("v1: %+v, %v", e, err)
	}
	v2 := placeWith(t, 2, map[string]string{"memory.events": "low 0\nhigh 4\nmax 5\noom 2\noom_kill 1\noom_group_kill 1\n"})
	if e, err := v2.ReadEvents(); err != nil || e != (Events{2, 1, 1, 5, 4}) {
		t.Errorf("v2: %+v, %v", e, err)
	}
}

func TestSettings(t *testing.T) {
	for _, c := range []struct {
		version int
		files   map[string]string
		want    Settings
	}{
		{2, map[string]string{"memory.current": "1", "memory.max": "100", "memory.high": "max", "memory.swap.max": "0", "memory.oom.group": "1"}, Settings{100, 0, 0, true}},
		{2, map[string]string{"memory.current": "1", "memory.max": "max", "memory.high": "90", "memory.swap.max": "max"}, Settings{0, 90, -1, false}},
		{1, map[string]string{"memory.usage_in_bytes": "1", "memory.limit_in_bytes": "100"}, Settings{100, 0, -1, false}},
	} {
		if s, err := placeWith(t, c.version, c.files).ReadSettings(); err != nil || s != c.want {
			t.Errorf("%v: %+v, %v", c.files, s, err)
		}
	}
}

func TestPressure(t *testing.T) {
	got := ParsePressure([]byte("some avg10=1.50 avg60=0.1 avg300=0.0 total=1234\nfull avg10=0.25 avg60=0.0 avg300=0.0 total=99\n"))
	if got == nil || *got != (Pressure{1234, 99, 1.5, 0.25}) {
		t.Errorf("%+v", got)
	}
}

func TestAVanishedCgroupIsGone(t *testing.T) {
	for version := 1; version <= 2; version++ {
		p := Place{Version: version, Root: t.TempDir(), Path: "/c"}
		_, memory := p.ReadMemory()
		_, events := p.ReadEvents()
		_, pids := p.Pids()
		_, settings := p.ReadSettings()
		_, join := p.JoinDir()
		for i, err := range []error{memory, events, pids, settings, join} {
			if !errors.Is(err, ErrGone) {
				t.Errorf("v%d, %d: %v", version, i, err)
			}
		}
	}
}

func TestProcessesAreThoseOfTheWholeContainer(t *testing.T) {
	p := placeWith(t, 2, map[string]string{"cgroup.procs": "", "init/cgroup.procs": "11\n12\n", "empty/cgroup.procs": ""})
	pids, err := p.Pids()
	if err != nil || !reflect.DeepEqual(pids, []int{11, 12}) {
		t.Errorf("%v, %v", pids, err)
	}
	if dir, err := p.JoinDir(); err != nil || filepath.Base(dir) != "init" {
		t.Errorf("joins %s, %v: v2 takes no process beside children", dir, err)
	}
}

func TestAContainerWithProcessesOfItsOwnIsJoinedItself(t *testing.T) {
	p := placeWith(t, 1, map[string]string{"cgroup.procs": "10\n", "child/cgroup.procs": "11\n"})
	if dir, err := p.JoinDir(); err != nil || dir != p.Dir() {
		t.Errorf("joins %s, %v", dir, err)
	}
}

func TestUsageIsReadAgainAndAgainFromOneOpenFile(t *testing.T) {
	p := placeWith(t, 2, map[string]string{"memory.current": "1000\n"})
	f, err := p.OpenUsage()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, text := range []string{"1000\n", "23456789\n", "7\n"} {
		write(t, filepath.Join(p.Dir(), "memory.current"), text)
		want := ParseLimit([]byte(text), -1)
		if got, err := ReadUsage(f); err != nil || got != want {
			t.Errorf("%d, %v, want %d", got, err, want)
		}
	}
}
