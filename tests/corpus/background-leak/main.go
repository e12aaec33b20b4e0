// Command background-leak retains 4 MiB a second at main.leak, injection or not.
//
// Truth: heap-returns: FAIL, the live heap grows on. An external stress (a negative
// control) must FAIL too: something in the app grew. goroutine-recovery: PASS.
// next-gc-prediction: PASS. top-allocations: PASS for an injection that is faster,
// with main.leak beside it. stress-effect: PASS.
package main

import (
	"time"

	"chaosmem/agent"
	"corpus/internal/harness"
)

const (
	blockSize  = 1024
	leakPeriod = 10 * time.Millisecond
	leakBytes  = 4 << 20 / 100
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

var leaked [][]byte

//go:noinline
func leak() {
	for range time.Tick(leakPeriod) {
		block := make([]byte, leakBytes)
		block[0] = 1
		leaked = append(leaked, block)
	}
}

func main() {
	go leak()
	agent.GoroutinePoint("main.(*Pool).Start", (&Pool{}).Start)
	agent.HeapPoint("main.(*Cache).Fill", (&Cache{}).Fill)
	harness.Serve()
}
