// Command hangs answers no HTTP request any more from 2 s after the first act on. The
// process lives, and its agent's dead-man still works: the pressure ends by itself.
//
// Truth: every check that needs a sample after that: INCONCLUSIVE. The undo cannot be
// confirmed. GET /truth hangs like the rest; stderr tells when the surge ended.
package main

import (
	"net/http"
	"sync/atomic"
	"time"

	"chaosmem/agent"
	"corpus/internal/harness"
)

const (
	blockSize = 1024
	hangAfter = 2 * time.Second
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

var hung atomic.Bool

func hang(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if hung.Load() {
			<-r.Context().Done() // ends when the client has given up
			return
		}
		next.ServeHTTP(w, r)
	})
}

func main() {
	harness.OnFirstAct(hangAfter, func() { hung.Store(true) })
	agent.GoroutinePoint("main.(*Pool).Start", (&Pool{}).Start)
	agent.HeapPoint("main.(*Cache).Fill", (&Cache{}).Fill)
	harness.Serve(hang)
}
