//go:build linux

package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	joinTime = 2 * time.Second
	// ackTime is how long the hog may take for one step; 8 MiB take about 5 ms.
	ackTime = 100 * time.Millisecond
	// yieldTime is the same for giving memory back, leastYield when it is urgent: 10 MiB
	// take about 1 ms.
	yieldTime  = 30 * time.Millisecond
	leastYield = 2 * time.Millisecond
)

var errSlow = errors.New("the hog does not answer in time")

// spawner starts children on one thread that lives as long as the process: the
// kernel sends PR_SET_PDEATHSIG when the *thread* that forked ends.
type spawner struct{ requests chan func() }

func newSpawner() *spawner { return &spawner{make(chan func())} }

// serve runs on the main goroutine, which init has locked to the main thread.
func (s *spawner) serve(done <-chan struct{}) {
	for {
		select {
		case f := <-s.requests:
			f()
		case <-done:
			return
		}
	}
}

func (s *spawner) start(c *exec.Cmd) (err error) {
	ended := make(chan struct{})
	s.requests <- func() { err = c.Start(); close(ended) }
	<-ended
	return err
}

func init() { runtime.LockOSThread() }

// arm is the parent's end of one hog.
type arm struct {
	cmd   *exec.Cmd
	pid   int
	mu    sync.Mutex // of pidfd
	pidfd int
	adj   int
	in    *os.File
	lines chan string
	ended chan struct{}
	held  atomic.Int64
}

// startArm starts a hog and waits until it has joined.
func startArm(s *spawner, args []string) (*arm, error) {
	a := &arm{pidfd: -1, lines: make(chan string, 1), ended: make(chan struct{})}
	a.cmd = exec.Command("/proc/self/exe", args...)
	a.cmd.Args[0] = programName
	a.cmd.Env = []string{"GOGC=off", "GOMAXPROCS=1"} // and no token
	a.cmd.Stderr = os.Stderr
	a.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true, PidFD: &a.pidfd}
	if err := a.pipe(s); err != nil {
		return nil, err
	}
	return a, a.joined()
}

func (a *arm) pipe(s *spawner) error {
	theirIn, ourOut, err := os.Pipe()
	if err != nil {
		return err
	}
	ourIn, theirOut, err := os.Pipe()
	if err != nil {
		return errors.Join(err, theirIn.Close(), ourOut.Close())
	}
	a.cmd.Stdin, a.cmd.Stdout, a.in = theirIn, theirOut, ourOut
	err = s.start(a.cmd)
	_, _ = theirIn.Close(), theirOut.Close()
	if err != nil {
		return errors.Join(err, ourIn.Close(), ourOut.Close())
	}
	a.pid = a.cmd.Process.Pid
	go a.read(ourIn)
	return nil
}

// read passes the hog's lines on, and reaps it when it has ended.
func (a *arm) read(from *os.File) {
	r := bufio.NewScanner(from)
	for r.Scan() {
		select {
		case a.lines <- r.Text():
		default: // nobody waits any more
		}
	}
	_ = from.Close()
	_ = a.cmd.Wait()
	a.held.Store(0)
	close(a.ended)
	a.close()
}

func (a *arm) joined() error {
	line, err := a.line(joinTime)
	adj, ready := strings.CutPrefix(line, "ready ")
	if err == nil && ready {
		a.adj, _ = strconv.Atoi(adj)
		return nil
	}
	a.kill()
	if err != nil {
		return err
	}
	return errors.New(strings.TrimPrefix(line, "error "))
}

func (a *arm) line(within time.Duration) (string, error) {
	timer := time.NewTimer(within)
	defer timer.Stop()
	select {
	case line := <-a.lines:
		return line, nil
	case <-a.ended:
		select { // what it said last
		case line := <-a.lines:
			return line, nil
		default:
			return "", errors.New("the hog has ended")
		}
	case <-timer.C:
		return "", errSlow
	}
}

// patience is how long the hog may take. Where the service will be at the limit soon,
// it gets half of that time: then there is as much left to kill it, which frees its
// memory without waiting for its turn on a CPU.
func patience(yields bool, spare time.Duration) time.Duration {
	if !yields {
		return ackTime
	}
	return min(max(spare/2, leastYield), yieldTime)
}

// hold tells the hog how much to hold and waits for its answer. After an error what
// it holds is unknown, and it must be killed.
func (a *arm) hold(want int64, within time.Duration) error {
	if _, err := a.in.WriteString(strconv.FormatInt(want, 10) + "\n"); err != nil {
		return fmt.Errorf("the hog has ended: %w", err)
	}
	line, err := a.line(within)
	if err != nil {
		return err
	}
	held, err := strconv.ParseInt(line, 10, 64)
	if err != nil {
		return errors.New(strings.TrimPrefix(line, "error "))
	}
	a.held.Store(held)
	return nil
}

// kill ends the hog and takes its memory back without waiting for its CPU.
func (a *arm) kill() {
	_ = a.cmd.Process.Kill()
	_ = a.in.Close()
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.pidfd >= 0 {
		reap(a.pidfd)
	}
}

func (a *arm) close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.pidfd >= 0 {
		_ = syscall.Close(a.pidfd)
		a.pidfd = -1
	}
}

// gone waits for the hog's end, its memory given back.
func (a *arm) gone(within time.Duration) bool {
	timer := time.NewTimer(within)
	defer timer.Stop()
	select {
	case <-a.ended:
		return true
	case <-timer.C:
		return false
	}
}
