// Command dies panics 2 s after the first act.
//
// Truth: the run is over when it dies. no-restart: FAIL. Every other check:
// INCONCLUSIVE, its data is cut. The undo has nothing left to do, which is no failure
// of the undo.
package main

import (
	"time"

	"chaosmem/agent"
	"corpus/internal/harness"
)

const (
	blockSize = 1024
	dieAfter  = 2 * time.Second
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

func main() {
	harness.OnFirstAct(dieAfter, func() { panic("the defect of this program") })
	agent.GoroutinePoint("main.(*Pool).Start", (&Pool{}).Start)
	agent.HeapPoint("main.(*Cache).Fill", (&Cache{}).Fill)
	harness.Serve()
}
