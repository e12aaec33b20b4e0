// Command healthy has no defect: its surge ends at once and its heap goes.
//
// Truth: every check passes. goroutine-recovery: the count is back within
// milliseconds of the release. next-gc-prediction: formula and landing hold.
// top-allocations: main.(*Cache).Fill. heap-returns: yes. stress-effect: proven.
package main

import (
	"sync"

	"chaosmem/agent"
	"corpus/internal/harness"
)

const objectSize = 1024

type Pool struct{}

//go:noinline
func (p *Pool) Start(n int) (stop func()) {
	quit := make(chan struct{})
	harness.Started(n)
	for range n {
		go p.work(quit)
	}
	return func() {
		harness.Stopped()
		close(quit)
	}
}

func (p *Pool) work(quit chan struct{}) {
	defer harness.Ended()
	<-quit
}

type Cache struct {
	mu    sync.Mutex
	fills map[int][][]byte
	next  int
}

//go:noinline
func (c *Cache) Fill(bytes int) (free func()) {
	harness.Filled(bytes)
	c.mu.Lock()
	defer c.mu.Unlock()
	id := c.next
	c.next++
	for left := bytes; left > 0; left -= objectSize {
		c.fills[id] = append(c.fills[id], make([]byte, min(left, objectSize)))
	}
	return func() { c.free(id, bytes) }
}

func (c *Cache) free(id, bytes int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.fills, id)
	harness.Filled(-bytes)
}

func main() {
	agent.GoroutinePoint("main.(*Pool).Start", (&Pool{}).Start)
	agent.HeapPoint("main.(*Cache).Fill", (&Cache{fills: map[int][][]byte{}}).Fill)
	harness.Serve()
}
