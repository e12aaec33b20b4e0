// Command gigantic-answer answers a sample of 300 MB, well-formed but for its size and
// without a Content-Length, from 1 s after the first act on.
//
// Truth: the client stops reading at its limit and says so; its memory does not grow
// with the answer. Every check that needs a sample: INCONCLUSIVE.
package main

import (
	"bytes"
	"io"
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
	answerBytes = 300 << 20
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

var gigantic atomic.Bool

func inflate(next http.Handler) http.Handler {
	spaces := bytes.Repeat([]byte(" "), 1<<20) // white space is valid JSON
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !gigantic.Load() || !strings.HasSuffix(r.URL.Path, "/sample") {
			next.ServeHTTP(w, r)
			return
		}
		for sent := 0; sent < answerBytes; sent += len(spaces) {
			if _, err := w.Write(spaces); err != nil {
				return
			}
		}
		_, _ = io.WriteString(w, "{}")
	})
}

func main() {
	harness.OnFirstAct(healthyFor, func() { gigantic.Store(true) })
	agent.GoroutinePoint("main.(*Pool).Start", (&Pool{}).Start)
	agent.HeapPoint("main.(*Cache).Fill", (&Cache{}).Fill)
	harness.Serve(inflate)
}
