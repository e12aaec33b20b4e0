// Command lying-agent answers every act as if it had happened, and claims in each
// sample to hold what was asked. It allocates and starts nothing. What the runtime
// says of itself it passes on as it is.
//
// Truth: stress-effect: FAIL or INCONCLUSIVE, never PASS: the agent's own count and
// the runtime's disagree, so nothing is proven. goroutine-recovery, heap-returns,
// top-allocations, next-gc-prediction: never PASS, since nothing was injected.
package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"

	"chaosmem/agent"
	"corpus/internal/harness"
)

const (
	blockSize = 1024
	maxAnswer = 1 << 20
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

// liar stands before the agent.
type liar struct {
	next http.Handler

	mu                sync.Mutex
	acts              int64
	bytes, goroutines int64
	churnRate         int64
	churnFrom         time.Time
	ended             int64
}

func (l *liar) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, path, _ := strings.Cut(r.URL.Path, "/debug/chaosmem/v1")
	switch {
	case path == "/heap" || path == "/goroutines" || path == "/churn":
		l.claim(w, r)
	case path == "/sample":
		l.sample(w, r)
	case path == "/release" || path == "/lease" && r.Method == http.MethodDelete:
		l.bytes, l.goroutines, l.churnRate, l.ended = 0, 0, 0, time.Now().UnixNano()
		l.next.ServeHTTP(w, r)
	default:
		l.next.ServeHTTP(w, r)
	}
}

// claim answers an act without doing it.
func (l *liar) claim(w http.ResponseWriter, r *http.Request) {
	var q struct{ Bytes, Count, Rate int64 }
	if err := json.NewDecoder(io.LimitReader(r.Body, maxAnswer)).Decode(&q); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	l.acts++
	l.bytes += q.Bytes
	l.goroutines += q.Count
	if q.Bytes == 0 && q.Count == 0 {
		l.churnRate, l.churnFrom = q.Rate, time.Now()
	}
	tell(w, map[string]any{"act": l.acts, "unix_ns": time.Now().UnixNano(), "held": l.held()})
}

// sample passes the truth on, but for what is held.
func (l *liar) sample(w http.ResponseWriter, r *http.Request) {
	truth := httptest.NewRecorder()
	l.next.ServeHTTP(truth, r)
	var answer map[string]json.RawMessage
	if truth.Code != http.StatusOK || json.Unmarshal(truth.Body.Bytes(), &answer) != nil {
		http.Error(w, truth.Body.String(), truth.Code)
		return
	}
	answer["held"], _ = json.Marshal(l.held())
	answer["ended"], _ = json.Marshal(map[string]int64{"goroutines_unix_ns": l.ended, "heap_unix_ns": l.ended})
	tell(w, answer)
}

func (l *liar) held() map[string]int64 {
	churned := float64(l.churnRate) * time.Since(l.churnFrom).Seconds()
	return map[string]int64{
		"heap_bytes": l.bytes, "heap_objects": 0, "churned_bytes": int64(churned),
		"goroutines": l.goroutines, "blocked": 0, "sleeping": 0, "network": 0, "at_points": l.goroutines,
	}
}

func tell(w http.ResponseWriter, answer any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer)
}

func main() {
	agent.GoroutinePoint("main.(*Pool).Start", (&Pool{}).Start)
	agent.HeapPoint("main.(*Cache).Fill", (&Cache{}).Fill)
	harness.Serve(func(next http.Handler) http.Handler { return &liar{next: next} })
}
