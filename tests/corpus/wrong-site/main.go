// Command wrong-site allocates on a resident goroutine at main.load, and not at the
// declared point, which is on no stack of the allocations.
//
// Truth: top-allocations: FAIL, main.load instead of main.(*Cache).Fill.
// goroutine-recovery: PASS. next-gc-prediction: PASS. heap-returns: PASS.
// stress-effect: PASS.
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

var (
	requests = make(chan int)
	answers  = make(chan [][]byte)
)

//go:noinline
func (c *Cache) Fill(bytes int) (free func()) {
	requests <- bytes
	return c.Keep(<-answers)
}

//go:noinline
func load() {
	for bytes := range requests {
		var blocks [][]byte
		for ; bytes > 0; bytes -= blockSize {
			block := make([]byte, min(bytes, blockSize))
			block[0] = 1 // a page never written is not resident
			blocks = append(blocks, block)
		}
		answers <- blocks
	}
}

func main() {
	go load()
	agent.GoroutinePoint("main.(*Pool).Start", (&Pool{}).Start)
	agent.HeapPoint("main.(*Cache).Fill", (&Cache{}).Fill)
	harness.Serve()
}
