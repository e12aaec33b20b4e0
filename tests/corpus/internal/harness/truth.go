package harness

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"sync"
	"time"
)

// record is what the program itself knows, to judge a measurement by.
type record struct {
	Live      int   `json:"goroutines_live"`            // of surges, now
	Peak      int   `json:"goroutines_peak"`            // of surges, at most
	Stopped   int64 `json:"goroutines_stopped_unix_ns"` // when a surge was last told to stop
	Ended     int64 `json:"goroutines_ended_unix_ns"`   // when the last goroutine of all surges ended
	HeldBytes int64 `json:"heap_held_bytes"`            // kept by heap points
	Freed     int64 `json:"heap_freed_unix_ns"`         // when the last of it was let go
	FirstAct  int64 `json:"first_act_unix_ns"`          // when the first surge or fill came
}

var (
	mu       sync.Mutex
	truth    record
	firstAct []func()
)

// OnFirstAct has f called once, on its own goroutine, so long after the first surge
// or fill.
func OnFirstAct(after time.Duration, f func()) {
	mu.Lock()
	defer mu.Unlock()
	firstAct = append(firstAct, func() { time.AfterFunc(after, f) })
}

// acted notes the first act. The caller holds mu.
func acted() {
	if truth.FirstAct != 0 {
		return
	}
	truth.FirstAct = time.Now().UnixNano()
	for _, f := range firstAct {
		f()
	}
}

// Go runs f on a goroutine of a surge, and notes its end as its last act.
func Go(f func()) {
	mu.Lock()
	acted()
	truth.Live++
	truth.Peak = max(truth.Peak, truth.Live)
	mu.Unlock()
	go func() {
		defer ended()
		f()
	}()
}

func ended() {
	mu.Lock()
	defer mu.Unlock()
	truth.Live--
	if truth.Live == 0 {
		truth.Ended = time.Now().UnixNano()
		fmt.Fprintf(os.Stderr, "truth goroutines_ended_unix_ns=%d\n", truth.Ended)
	}
}

// Stopping notes that a surge is told to stop.
func Stopping() {
	mu.Lock()
	defer mu.Unlock()
	truth.Stopped = time.Now().UnixNano()
}

// Cache keeps blocks until they are freed.
type Cache struct {
	blocks map[int][][]byte
	next   int
}

// Keep keeps blocks until free is called.
func (c *Cache) Keep(blocks [][]byte) (free func()) {
	mu.Lock()
	defer mu.Unlock()
	acted()
	if c.blocks == nil {
		c.blocks = map[int][][]byte{}
	}
	id := c.next
	c.next++
	c.blocks[id] = blocks
	truth.HeldBytes += size(blocks)
	return func() { c.drop(id) }
}

func (c *Cache) drop(id int) {
	mu.Lock()
	defer mu.Unlock()
	truth.HeldBytes -= size(c.blocks[id])
	delete(c.blocks, id)
	if truth.HeldBytes == 0 {
		truth.Freed = time.Now().UnixNano()
		fmt.Fprintf(os.Stderr, "truth heap_freed_unix_ns=%d\n", truth.Freed)
	}
}

func size(blocks [][]byte) int64 {
	bytes := 0
	for _, b := range blocks {
		bytes += len(b)
	}
	return int64(bytes)
}

func serveTruth(w http.ResponseWriter, _ *http.Request) {
	mu.Lock()
	defer mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(truth)
}
