// Command goroutine-leak never ends the goroutines of a released surge.
//
// Truth: goroutine-recovery: FAIL, the count never comes back.
// next-gc-prediction: PASS. top-allocations: PASS, main.(*Cache).Fill.
// heap-returns: PASS, but for the stacks of the leaked goroutines, which are not heap.
// stress-effect: PASS. The agent believes the surge ended, since stop returned.
package main

import (
	"chaosmem/agent"
	"corpus/internal/harness"
)

const blockSize = 1024

type Pool struct{}

//go:noinline
func (p *Pool) Start(n int) (stop func()) {
	for range n {
		harness.Go(func() { select {} })
	}
	return harness.Stopping
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
