// Command noisy-baseline has a goroutine count that swings between 0 and 200 above its
// floor all the time, in steps of 50 every 250 ms: median 100, MAD 50.
//
// Truth: goroutine-recovery: never PASS with a surge that the swing can hide (up to
// about 250); INCONCLUSIVE, the baseline says nothing. next-gc-prediction: PASS.
// top-allocations: PASS, main.(*Cache).Fill. heap-returns: PASS. stress-effect: of a
// surge within the swing INCONCLUSIVE, since neither can it be proven.
package main

import (
	"time"

	"chaosmem/agent"
	"corpus/internal/harness"
)

const (
	blockSize = 1024
	step      = 250 * time.Millisecond
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

// swing is how many goroutines there are in each step.
var swing = []int{0, 50, 100, 150, 200, 150, 100, 50}

func swinging() {
	for {
		for _, n := range swing {
			end := make(chan struct{})
			for range n {
				go func() { <-end }()
			}
			time.Sleep(step)
			close(end)
		}
	}
}

func main() {
	go swinging()
	agent.GoroutinePoint("main.(*Pool).Start", (&Pool{}).Start)
	agent.HeapPoint("main.(*Cache).Fill", (&Cache{}).Fill)
	harness.Serve()
}
