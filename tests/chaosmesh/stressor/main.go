// stressor stands in for memStress: it maps, touches every page, and holds until it is killed, or
// its daemon is. It is small, because what it needs for itself is charged to the target too.
//
// stressor OOM-SCORE BYTES RAMP
package main

import (
	"io"
	"os"
	"strconv"
	"syscall"
	"time"
)

func main() {
	size, err := strconv.Atoi(os.Args[2])
	check(err)
	ramp, err := time.ParseDuration(os.Args[3])
	check(err)
	check(os.WriteFile("/proc/self/oom_score_adj", []byte(os.Args[1]), 0))
	_, err = os.Stdin.Read(make([]byte, 1)) // in the cgroup from here on
	check(err)
	go fill(size, ramp)
	_, _ = io.Copy(io.Discard, os.Stdin) // the daemon's end of it closes when the daemon dies
}

func fill(size int, ramp time.Duration) {
	memory, err := syscall.Mmap(-1, 0, size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_PRIVATE|syscall.MAP_ANON)
	check(err)
	begun := time.Now()
	for at := 0; at < size; at += os.Getpagesize() {
		memory[at] = 1
		if share := time.Duration(float64(ramp) * float64(at) / float64(size)); share > time.Since(begun) {
			time.Sleep(10 * time.Millisecond)
		}
	}
	held = memory
}

// held keeps the mapping referenced.
var held []byte

func check(err error) {
	if err != nil {
		println(err.Error())
		os.Exit(1)
	}
}
