// Command retained-heap keeps what its cache was filled with although it was freed.
//
// Truth: heap-returns: FAIL, the live heap stays up by what was filled.
// goroutine-recovery: PASS. next-gc-prediction: PASS. top-allocations: PASS,
// main.(*Cache).Fill. stress-effect: PASS. The agent believes the heap let go, since
// free returned.
package main

import (
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
	c.Keep(blocks)
	return func() {}
}

func main() {
	agent.GoroutinePoint("main.(*Pool).Start", (&Pool{}).Start)
	agent.HeapPoint("main.(*Cache).Fill", (&Cache{}).Fill)
	harness.Serve()
}
