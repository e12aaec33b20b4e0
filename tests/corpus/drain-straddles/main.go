// Command drain-straddles ends the goroutines of a released surge all at once 5 s
// later: to the millisecond where the default threshold is.
//
// Truth: goroutine-recovery: INCONCLUSIVE, no sampling rate can tell. It may be FAIL,
// never PASS, when a sample happens to fall into the few milliseconds between the
// threshold and the end. next-gc-prediction: PASS. top-allocations: PASS,
// main.(*Cache).Fill. heap-returns: PASS. stress-effect: PASS.
package main

import (
	"time"

	"chaosmem/agent"
	"corpus/internal/harness"
)

const (
	blockSize = 1024
	drain     = 5 * time.Second
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
