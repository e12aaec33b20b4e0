// Command gc-off switches the garbage collector off at start, as GOGC=off does.
//
// Truth: next-gc-prediction: INCONCLUSIVE, no cycle happens under pressure but those
// that a capture forces, and the goal is a sentinel. heap-returns: never PASS unless a
// forced collection is counted. goroutine-recovery: PASS. top-allocations: PASS,
// main.(*Cache).Fill. stress-effect: PASS.
package main

import (
	"runtime/debug"

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
	debug.SetGCPercent(-1)
	agent.GoroutinePoint("main.(*Pool).Start", (&Pool{}).Start)
	agent.HeapPoint("main.(*Cache).Fill", (&Cache{}).Fill)
	harness.Serve()
}
