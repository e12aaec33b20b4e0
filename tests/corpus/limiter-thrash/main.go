// Command limiter-thrash lives, while its cache is filled, under a GOMEMLIMIT below its
// live heap, and allocates 400 MiB a second: the collector runs without end, and the GC
// CPU limiter goes on within 1 to 3 s. It has two Ps on any machine, and takes up to
// about 600 MiB.
//
// Truth: gc-cpu: FAIL, the limiter was on. next-gc-prediction: INCONCLUSIVE, with the
// limiter on the goal cannot be held. goroutine-recovery: PASS. top-allocations: PASS
// by in-use space, main.(*Cache).Fill; by allocated space main.churn leads by far.
// heap-returns: PASS. stress-effect: PASS.
package main

import (
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"time"

	"chaosmem/agent"
	"corpus/internal/harness"
)

const (
	blockSize   = 1024
	ownHeap     = 96 << 20  // live from the start
	procs       = 2         // the limiter goes on after so many CPU-seconds of collecting
	memoryLimit = 48 << 20  // while filled
	churners    = 2         // within the band of the baseline
	churnRate   = 200 << 20 // bytes a second of each churner
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

type Cache struct {
	harness.Cache
	fills atomic.Int64
}

//go:noinline
func (c *Cache) Fill(bytes int) (free func()) {
	var blocks [][]byte
	for ; bytes > 0; bytes -= blockSize {
		block := make([]byte, min(bytes, blockSize))
		block[0] = 1 // a page never written is not resident
		blocks = append(blocks, block)
	}
	drop := c.Keep(blocks)
	if c.fills.Add(1) == 1 {
		before := debug.SetMemoryLimit(memoryLimit)
		for range churners {
			go c.churn(before)
		}
	}
	return func() {
		drop()
		c.fills.Add(-1)
	}
}

// churn makes garbage while the cache is filled. With the limiter on nothing but its
// own rate holds it: without one it would take gigabytes in a second.
//
//go:noinline
func (c *Cache) churn(before int64) {
	begin := time.Now()
	for done := 0; c.fills.Load() > 0; done += garbageSize {
		runtime.KeepAlive(make([]byte, garbageSize))
		ahead := time.Duration(float64(done)/churnRate*float64(time.Second)) - time.Since(begin)
		if ahead > 0 {
			time.Sleep(ahead)
		}
	}
	debug.SetMemoryLimit(before)
}

// garbageSize is a variable so that the garbage is not on the stack. It is large,
// since the assist to pay for a byte costs far more than to allocate it.
var garbageSize = 64 << 10

// node is small and full of pointers, which is slow to mark.
type node struct{ links [8]*node }

var own []*node

func main() {
	runtime.GOMAXPROCS(procs)
	for i := range ownHeap / 64 {
		n := &node{}
		if i > 0 {
			n.links[0], n.links[7] = own[i/2], own[i-1]
		}
		own = append(own, n)
	}
	agent.GoroutinePoint("main.(*Pool).Start", (&Pool{}).Start)
	agent.HeapPoint("main.(*Cache).Fill", (&Cache{}).Fill)
	harness.Serve()
}
