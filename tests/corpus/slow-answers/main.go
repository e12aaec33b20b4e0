// Command slow-answers takes 1.5 s for every answer of a debug path, from 1 s after
// the first act on, and is healthy otherwise.
//
// Truth: goroutine-recovery: INCONCLUSIVE, one sample in 1.5 s cannot tell; a request
// timeout below 1.5 s gives no sample at all. The rest: PASS or INCONCLUSIVE, by what
// was sampled; never FAIL, the program is healthy.
package main

import (
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"chaosmem/agent"
	"corpus/internal/harness"
)

const (
	blockSize   = 1024
	healthyFor  = time.Second
	answerAfter = 1500 * time.Millisecond
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

var slow atomic.Bool

func slowDown(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if slow.Load() && strings.HasPrefix(r.URL.Path, "/debug/") {
			time.Sleep(answerAfter)
		}
		next.ServeHTTP(w, r)
	})
}

func main() {
	harness.OnFirstAct(healthyFor, func() { slow.Store(true) })
	agent.GoroutinePoint("main.(*Pool).Start", (&Pool{}).Start)
	agent.HeapPoint("main.(*Cache).Fill", (&Cache{}).Fill)
	harness.Serve(slowDown)
}
