// Command healthy has no defect: its surge ends at once and its heap goes.
//
// Truth: goroutine-recovery: PASS, within milliseconds of the release.
// next-gc-prediction: PASS. top-allocations: PASS, main.(*Cache).Fill.
// heap-returns: PASS. stress-effect: PASS. no-restart: PASS.
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
	return c.Keep(blocks)
}

func main() {
	agent.GoroutinePoint("main.(*Pool).Start", (&Pool{}).Start)
	agent.HeapPoint("main.(*Cache).Fill", (&Cache{}).Fill)
	harness.Serve()
}
