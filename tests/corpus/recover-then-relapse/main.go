// Command recover-then-relapse ends the goroutines of a released surge at once, and
// starts as many again 0.3 s later, which stay until 8 s after the release: clients
// that retry.
//
// Truth: goroutine-recovery: FAIL, recovery takes 8.0 s. The count is in the band
// before, but not for the dwell time; who takes the first sample in the band for the
// recovery says PASS and is wrong. next-gc-prediction: PASS. top-allocations: PASS,
// main.(*Cache).Fill. heap-returns: PASS. stress-effect: PASS.
package main

import (
	"time"

	"chaosmem/agent"
	"corpus/internal/harness"
)

const (
	blockSize    = 1024
	relapseAfter = 300 * time.Millisecond
	relapseEnd   = 8 * time.Second
)

type Pool struct{}

//go:noinline
func (p *Pool) Start(n int) (stop func()) {
	quit := make(chan struct{})
	surge(n, quit)
	return func() {
		harness.Stopping()
		close(quit)
		end := make(chan struct{})
		time.AfterFunc(relapseAfter, func() { surge(n, end) })
		time.AfterFunc(relapseEnd, func() { close(end) })
	}
}

func surge(n int, end chan struct{}) {
	for range n {
		harness.Go(func() { <-end })
	}
}

type Cache struct{ harness.Cache }

//go:noinline
func (c *Cache) Fill(bytes int) (free func()) {
	var blocks [][]byte
	for ; bytes > 0; bytes -= blockSize {
		block := make([]byte, min(bytes, blockSize))
		block[0] = 1 // a page never written is not resident
		blocks = append(blocks, block)
	}
	return c.Keep(blocks)
}

func main() {
	agent.GoroutinePoint("main.(*Pool).Start", (&Pool{}).Start)
	agent.HeapPoint("main.(*Cache).Fill", (&Cache{}).Fill)
	harness.Serve()
}
