// Command fragments fills 256 MiB of small blocks at its first act and keeps one of
// eight: every 8 KiB span stays in use for one block of 1 KiB.
//
// Truth: the heap is fragmented from then on. Nothing else is wrong with it.
package main

import (
	"runtime"
	"sync"

	"chaosmem/agent"
	"corpus/internal/harness"
)

const (
	blockSize = 1024
	total     = 256 << 20
	keepOneOf = 8
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
	once sync.Once
	kept [][]byte
}

//go:noinline
func (c *Cache) Fill(bytes int) (free func()) {
	c.once.Do(c.fragment)
	var blocks [][]byte
	for ; bytes > 0; bytes -= blockSize {
		block := make([]byte, min(bytes, blockSize))
		block[0] = 1 // a page never written is not resident
		blocks = append(blocks, block)
	}
	return c.Keep(blocks)
}

func (c *Cache) fragment() {
	all := make([][]byte, total/blockSize)
	for i := range all {
		all[i] = make([]byte, blockSize)
		all[i][0] = 1
	}
	for i := 0; i < len(all); i += keepOneOf {
		c.kept = append(c.kept, all[i])
	}
	all = nil
	runtime.GC()
}

func main() {
	agent.GoroutinePoint("main.(*Pool).Start", (&Pool{}).Start)
	agent.HeapPoint("main.(*Cache).Fill", (&Cache{}).Fill)
	harness.Serve()
}
