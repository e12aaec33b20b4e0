//go:build unix

package agent

import (
	"math"
	"syscall"
)

// descriptorLimit is the soft limit of open file descriptors. The runtime has
// raised it to the hard limit already.
func descriptorLimit() (int64, bool) {
	var r syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &r); err != nil || r.Cur > math.MaxInt64 {
		return 0, false
	}
	return int64(r.Cur), true
}
