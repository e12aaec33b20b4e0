//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"chaosmem/helper/cgroup"
)

// The hog is this program again, as a child with no environment and two pipes. It
// joins the target's cgroup before it touches memory, says "ready ADJ", and then
// answers each line "BYTES" by holding that much and saying how much it holds.
// It ends when its stdin does, or is silent for hogSilence.

const (
	programName = "chaosmem-helper"
	hogName     = "hog"
	hogSilence  = 3 * time.Second
	chunkSize   = 1 << 20
	adjSpare    = 1000  // the first to be killed
	adjPrevail  = -1000 // the last
)

// hogArgs: the directory to join, the process whose cgroup namespace is to be
// entered ("" for none), and the wanted oom_score_adj.
func hogArgs(dir, namespace string, adj int) []string {
	return []string{hogName, dir, namespace, strconv.Itoa(adj)}
}

// hog is the child's main.
func hog(args []string) int {
	runtime.LockOSThread() // a namespace is a thread's
	watchdog := time.AfterFunc(hogSilence, func() { _ = syscall.Kill(os.Getpid(), syscall.SIGKILL) })
	adj, err := prepare(args)
	if err != nil {
		say("error " + strings.ReplaceAll(err.Error(), "\n", " ") + "\n")
		return 1
	}
	say("ready " + strconv.Itoa(adj) + "\n")
	s := &store{page: os.Getpagesize()}
	var line [64]byte
	for {
		n := readLine(line[:])
		watchdog.Reset(hogSilence)
		want, err := strconv.ParseInt(string(line[:n]), 10, 64)
		if err != nil {
			return 0 // the end of stdin
		}
		if err := s.hold(want); err != nil {
			say("error " + err.Error() + "\n")
			return 1
		}
		say(strconv.FormatInt(s.held, 10) + "\n")
	}
}

func prepare(args []string) (adj int, err error) {
	if len(args) != 3 {
		return 0, errors.New("the hog is started by the helper, not by hand")
	}
	wanted, _ := strconv.Atoi(args[2])
	adj = scoreAdj(wanted)
	if args[1] != "" {
		if err := enterCgroupNamespace(args[1]); err != nil {
			return 0, err
		}
	}
	return adj, join(args[0])
}

// scoreAdj sets what the kernel allows: raising is free, lowering takes a capability.
func scoreAdj(wanted int) int {
	const file = "/proc/self/oom_score_adj"
	_ = os.WriteFile(file, []byte(strconv.Itoa(wanted)), 0)
	b, _ := os.ReadFile(file)
	is, _ := strconv.Atoi(strings.TrimSpace(string(b)))
	return is
}

func enterCgroupNamespace(file string) error {
	ns, err := os.Open(file)
	if err != nil {
		return fmt.Errorf("cannot open %s: %w: it takes hostPID, CAP_SYS_PTRACE and AppArmor Unconfined", file, err)
	}
	defer ns.Close()
	if _, _, errno := syscall.RawSyscall(sysSetns, ns.Fd(), cloneNewCgroup, 0); errno != 0 {
		return fmt.Errorf("cannot enter the node's cgroup namespace: %w: it takes CAP_SYS_ADMIN", errno)
	}
	return nil
}

// join moves this process into the cgroup, and looks whether it is there.
func join(dir string) error {
	file := filepath.Join(dir, "cgroup.procs")
	if err := os.WriteFile(file, []byte("0"), 0); err != nil {
		return fmt.Errorf("cannot join %s: %w%s", dir, err, joinHint(err))
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	for _, pid := range cgroup.ParsePids(b) {
		if pid == os.Getpid() {
			return nil
		}
	}
	return fmt.Errorf("joined %s and is not in it", dir)
}

func joinHint(err error) string {
	switch {
	case errors.Is(err, syscall.ENOENT):
		return ": the cgroup is gone, or lies beyond this pod's cgroup namespace (v2: CAP_SYS_ADMIN and CAP_SYS_PTRACE)"
	case errors.Is(err, syscall.EROFS), errors.Is(err, syscall.EACCES), errors.Is(err, syscall.EPERM):
		return ": it takes uid 0 and a hostPath that is not read-only"
	}
	return ""
}

// store is the held memory: whole chunks, the last one partly touched.
type store struct {
	page   int
	chunks [][]byte
	held   int64
}

func (s *store) hold(want int64) error {
	want = max(0, want) / int64(s.page) * int64(s.page)
	for s.held < want {
		if err := s.grow(want - s.held); err != nil {
			return err
		}
	}
	for s.held > want {
		if err := s.shrink(s.held - want); err != nil {
			return err
		}
	}
	return nil
}

// grow touches pages of the last chunk, or adds one.
func (s *store) grow(by int64) error {
	used := int(s.held % chunkSize)
	if used == 0 && s.held/chunkSize == int64(len(s.chunks)) {
		chunk, err := syscall.Mmap(-1, 0, chunkSize, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_PRIVATE|syscall.MAP_ANON)
		if err != nil {
			return fmt.Errorf("mmap: %w", err)
		}
		// a huge page would be charged whole at its first touch
		_ = syscall.Madvise(chunk, madvNoHugePage)
		s.chunks = append(s.chunks, chunk)
	}
	chunk := s.chunks[len(s.chunks)-1]
	end := min(int64(used)+by, chunkSize)
	for at := int64(used); at < end; at += int64(s.page) {
		chunk[at] = 1
	}
	s.held += end - int64(used)
	return nil
}

// shrink gives pages of the last chunk back; a chunk without pages is unmapped.
func (s *store) shrink(by int64) error {
	last := len(s.chunks) - 1
	used := s.held - int64(last)*chunkSize
	keep := max(0, used-by)
	s.held -= used - keep
	if keep > 0 {
		return syscall.Madvise(s.chunks[last][keep:used], syscall.MADV_DONTNEED)
	}
	chunk := s.chunks[last]
	s.chunks = s.chunks[:last]
	return syscall.Munmap(chunk)
}

func say(text string) { _, _ = syscall.Write(1, []byte(text)) }

// readLine reads a line without its end; 0 bytes at the end of stdin.
func readLine(into []byte) int {
	for n := 0; n < len(into); n++ {
		got, err := syscall.Read(0, into[n:n+1])
		if errors.Is(err, syscall.EINTR) {
			n--
			continue
		}
		if got <= 0 || err != nil {
			return 0
		}
		if into[n] == '\n' {
			return n
		}
	}
	return 0
}
