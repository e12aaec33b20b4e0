//go:build linux

package main

import "syscall"

// Numbers that package syscall does not have. process_mrelease (Linux 5.15) has one
// number on all architectures.
const (
	sysProcessMrelease = 448
	cloneNewCgroup     = 0x02000000
	madvNoHugePage     = 15
)

// reap takes the memory of a killed process back in the caller's own time, so that
// it does not wait for CPU that the target's cgroup does not get.
func reap(pidfd int) {
	_, _, _ = syscall.Syscall(sysProcessMrelease, uintptr(pidfd), 0, 0)
}
