// Command drain-in-time ends the goroutines of a released surge all at once 4.5 s later.
//
// Truth: goroutine-recovery: PASS, recovery takes 4.5 s of the 5 s allowed, which a
// sampling of 10 Hz can tell for sure; the program prints the instant.
// next-gc-prediction: PASS. top-allocations: PASS, main.(*Cache).Fill.
// heap-returns: PASS. stress-effect: PASS.
package main

import (
	"time"

	"chaosmem/agent"
	"corpus/internal/harness"
)

const (
	blockSize = 1024
	drain     = 4500 * time.Millisecond
)

type Pool struct{}

//go:noinline
func (p *Pool) Start(n int) (stop func()) {
	quit := make(chan struct{})
	for range n {
		harness.Go(func() { <-quit })
	}
	return func() {
		harness.Stopping()
		time.AfterFunc(drain, func() { close(quit) })
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
