// Command heap-profile-off switches the heap profiler off at start, and is healthy
// otherwise.
//
// Truth: top-allocations: INCONCLUSIVE, the profile has period 0 and says nothing; an
// empty profile is not an absence. goroutine-recovery: PASS. next-gc-prediction: PASS.
// heap-returns: PASS. stress-effect: PASS.
package main

import (
	"runtime"

	"chaosmem/agent"
	"corpus/internal/harness"
)

const blockSize = 1024

type Pool struct{}

//go:noinline
func (p *Pool) Start(n int) (stop func()) {
	quit := make(chan struct{})
	for range n {
		harness.Go(func() { <-quit })
	}
	return func() {
		harness.Stopping()
		close(quit)
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
	runtime.MemProfileRate = 0
	agent.GoroutinePoint("main.(*Pool).Start", (&Pool{}).Start)
	agent.HeapPoint("main.(*Cache).Fill", (&Cache{}).Fill)
	harness.Serve()
}
