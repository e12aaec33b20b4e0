package harness

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"sync"
	"time"
)

// truth is what the program itself knows, to judge a measurement by.
var truth struct {
	mu sync.Mutex
	record
}

type record struct {
	Live        int   `json:"goroutines_live"`             // of surges, now
	Peak        int   `json:"goroutines_peak"`             // of surges, at most
	StoppedUnix int64 `json:"goroutines_stopped_unix_ns"`  // when a surge was last told to stop
	EndedUnix   int64 `json:"goroutines_ended_unix_ns"`    // when the last goroutine of all surges ended
	HeldBytes   int64 `json:"heap_held_bytes"`             // asked from heap points and not freed
	FreedUnix   int64 `json:"heap_freed_unix_ns"`          // when the last of it was freed
	ActedUnix   int64 `json:"first_act_unix_ns,omitempty"` // when the first surge or fill came
}

func (r *record) acted() {
	if r.ActedUnix == 0 {
		r.ActedUnix = time.Now().UnixNano()
	}
}

// Started records that a surge starts n goroutines. Each calls Ended as its last act.
func Started(n int) {
	truth.mu.Lock()
	defer truth.mu.Unlock()
	truth.acted()
	truth.Live += n
	truth.Peak = max(truth.Peak, truth.Live)
}

// Stopped records that a surge is told to stop.
func Stopped() {
	truth.mu.Lock()
	defer truth.mu.Unlock()
	truth.StoppedUnix = time.Now().UnixNano()
}

// Ended records the end of one goroutine, and prints the end of the last.
func Ended() {
	truth.mu.Lock()
	defer truth.mu.Unlock()
	truth.Live--
	if truth.Live == 0 {
		truth.EndedUnix = time.Now().UnixNano()
		fmt.Fprintf(os.Stderr, "truth goroutines_ended_unix_ns=%d\n", truth.EndedUnix)
	}
}

// Filled records that so many bytes are held; a negative number frees them.
func Filled(bytes int) {
	truth.mu.Lock()
	defer truth.mu.Unlock()
	truth.acted()
	truth.HeldBytes += int64(bytes)
	if bytes < 0 && truth.HeldBytes == 0 {
		truth.FreedUnix = time.Now().UnixNano()
		fmt.Fprintf(os.Stderr, "truth heap_freed_unix_ns=%d\n", truth.FreedUnix)
	}
}

func serveTruth(w http.ResponseWriter, _ *http.Request) {
	truth.mu.Lock()
	defer truth.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(truth.record)
}
