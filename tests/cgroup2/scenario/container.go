package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const root = "/sys/fs/cgroup"

var made int

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// container is one container's cgroup with a service in it.
type container struct {
	dir, uid, id string
	service      *exec.Cmd
	in           *os.File
	out          *bufio.Scanner
	ended        chan struct{}
}

// path is where a kubelet with that driver puts a Burstable pod's container.
func path(driver, uid, id string) string {
	if driver == "cgroupfs" {
		return filepath.Join("kubepods", "burstable", "pod"+uid, id)
	}
	slice := "kubepods-burstable-pod" + strings.ReplaceAll(uid, "-", "_") + ".slice"
	return filepath.Join("kubepods.slice", "kubepods-burstable.slice", slice, "cri-containerd-"+id+".scope")
}

func newContainer(driver string) *container {
	made++
	c := &container{uid: fmt.Sprintf("00000000-1111-2222-3333-%012d", made), id: fmt.Sprintf("%064x", made+0xabc), ended: make(chan struct{})}
	c.dir = filepath.Join(root, path(driver, c.uid, c.id))
	must(os.MkdirAll(c.dir, 0o755))
	dir := root
	for _, part := range strings.Split(strings.TrimPrefix(filepath.Dir(c.dir), root+"/"), "/") {
		dir = filepath.Join(dir, part)
		must(os.WriteFile(filepath.Join(dir, "cgroup.subtree_control"), []byte("+memory +cpu +pids"), 0))
	}
	c.write("memory.max", fmt.Sprint(limit))
	c.start()
	c.tell(fmt.Sprintf("grow %d 0", 24*mib))
	return c
}

func (c *container) start() {
	dir, err := os.Open(c.dir)
	must(err)
	defer dir.Close()
	theirIn, in, err := os.Pipe()
	must(err)
	out, theirOut, err := os.Pipe()
	must(err)
	c.service = exec.Command("/bin/target")
	c.service.Stdin, c.service.Stdout, c.service.Stderr = theirIn, theirOut, os.Stderr
	c.service.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: int(dir.Fd())}
	must(c.service.Start())
	theirIn.Close()
	theirOut.Close()
	c.in, c.out = in, bufio.NewScanner(out)
	c.line()
	go func() { _ = c.service.Wait(); close(c.ended) }()
}

func (c *container) line() string {
	if !c.out.Scan() {
		return "ended"
	}
	return c.out.Text()
}

func (c *container) tell(line string) {
	fmt.Fprintln(c.in, line)
	if said := c.line(); !strings.HasPrefix(said, "ok") {
		panic("the service said " + said)
	}
}

func (c *container) alive() bool {
	select {
	case <-c.ended:
		return false
	case <-time.After(300 * time.Millisecond):
		return true
	}
}

func (c *container) read(file string) string {
	b, err := os.ReadFile(filepath.Join(c.dir, file))
	must(err)
	return string(b)
}

func (c *container) write(file, text string) {
	must(os.WriteFile(filepath.Join(c.dir, file), []byte(text), 0))
}

func (c *container) number(file string) int64 {
	n, err := strconv.ParseInt(strings.TrimSpace(c.read(file)), 10, 64)
	must(err)
	return n
}

func (c *container) pids() int { return len(strings.Fields(c.read("cgroup.procs"))) }

// backTo waits until usage is back and the service alone; seconds since began, or -1.
func (c *container) backTo(usage int64, began time.Time) float64 {
	for time.Since(began) < 15*time.Second {
		if c.pids() == 1 && c.number("memory.current")-usage < 2*mib {
			return time.Since(began).Seconds()
		}
		time.Sleep(5 * time.Millisecond)
	}
	return -1
}

func (c *container) end() {
	_ = c.service.Process.Kill()
	<-c.ended
}
