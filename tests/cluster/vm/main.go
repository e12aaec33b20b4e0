// Vm is the first process of the emulated machine: it mounts what a node mounts, runs one program
// and turns the machine off. The program's output goes to the second serial line, so that no
// message of the kernel stands in it.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// order is what the host asks for, in /order.json.
type order struct {
	Argv []string `json:"argv"`
	Env  []string `json:"env"`
}

var mounts = []struct{ kind, where string }{
	{"devtmpfs", "/dev"},
	{"proc", "/proc"},
	{"sysfs", "/sys"},
	{"cgroup2", "/sys/fs/cgroup"},
	{"tmpfs", "/tmp"},
	{"tmpfs", "/run"},
}

func main() {
	code, err := run()
	if err != nil {
		fmt.Println("vm:", err)
	}
	fmt.Printf("vm: exit %d\n", code)
	syscall.Sync()
	fmt.Println("vm: cannot power off:", syscall.Reboot(syscall.LINUX_REBOOT_CMD_POWER_OFF))
}

func run() (int, error) {
	for _, m := range mounts {
		if err := mount(m.kind, m.where); err != nil {
			return -1, err
		}
	}
	if err := delegate("/sys/fs/cgroup"); err != nil {
		return -1, err
	}
	out, err := os.OpenFile("/dev/ttyS1", os.O_RDWR, 0)
	if err != nil {
		return -1, err
	}
	defer out.Close()
	return program(out)
}

func mount(kind, where string) error {
	if err := os.MkdirAll(where, 0o755); err != nil {
		return err
	}
	if err := syscall.Mount(kind, where, kind, 0, ""); err != nil {
		return fmt.Errorf("mount %s at %s: %w", kind, where, err)
	}
	return nil
}

// delegate switches every controller on for the groups below root, as systemd does on a node.
func delegate(root string) error {
	all, err := os.ReadFile(filepath.Join(root, "cgroup.controllers"))
	if err != nil {
		return err
	}
	on := ""
	for _, name := range strings.Fields(string(all)) {
		on += " +" + name
	}
	return os.WriteFile(filepath.Join(root, "cgroup.subtree_control"), []byte(on), 0o644)
}

func program(out *os.File) (int, error) {
	text, err := os.ReadFile("/order.json")
	if err != nil {
		return -1, err
	}
	var o order
	if err := json.Unmarshal(text, &o); err != nil {
		return -1, err
	}
	cmd := exec.Command(o.Argv[0], o.Argv[1:]...)
	cmd.Env, cmd.Dir, cmd.Stdout, cmd.Stderr = o.Env, "/tmp", out, out
	err = cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() < 0 {
		return 128 + int(exit.Sys().(syscall.WaitStatus).Signal()), nil
	}
	return cmd.ProcessState.ExitCode(), ignoreExit(err)
}

// ignoreExit is the error of a program that did not start; that it failed is in its code.
func ignoreExit(err error) error {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return nil
	}
	return err
}
