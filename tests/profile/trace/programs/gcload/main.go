// Gcload makes garbage in a known way and says on standard output what the runtime counted.
package main

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"sync"
	"time"
)

var keep [][]byte

func main() {
	mib := flag.Int("mib", 64, "MiB to allocate, one at a time")
	retain := flag.Int("retain", 4, "MiB that stay live")
	forceEvery := flag.Int("force", 16, "runtime.GC() after so many MiB; 0: never")
	noise := flag.Bool("noise", false, "goroutines that log to standard error at the same time")
	free := flag.Bool("free", false, "debug.FreeOSMemory() at the end")
	pause := flag.Duration("pause", 0, "sleep after each MiB")
	flag.Parse()

	stop := make(chan struct{})
	var logging sync.WaitGroup
	if *noise {
		for id := 0; id < 2; id++ {
			logging.Add(1)
			go chatter(id, stop, &logging)
		}
	}
	for i := 0; i < *mib; i++ {
		page := make([]byte, 1<<20)
		if len(keep) < *retain {
			keep = append(keep, page)
		} else if *retain > 0 {
			keep[i%*retain] = page
		}
		if *forceEvery > 0 && i%*forceEvery == *forceEvery-1 {
			runtime.GC()
		}
		time.Sleep(*pause)
	}
	close(stop)
	logging.Wait()
	if *free {
		keep = nil
		debug.FreeOSMemory()
	}
	report()
}

// chatter writes the kind of lines that an application writes, unsynchronised with the runtime.
func chatter(id int, stop chan struct{}, done *sync.WaitGroup) {
	defer done.Done()
	for n := 0; ; n++ {
		select {
		case <-stop:
			return
		default:
			fmt.Fprintf(os.Stderr, "2026/01/02 03:04:05 worker %d: gc %d @ rest, %d MB of cache\n", id, n, n)
		}
	}
}

func report() {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	fmt.Printf("{\"version\": %q, \"num_gc\": %d, \"num_forced\": %d, \"heap_released\": %d, \"next_gc\": %d}\n",
		runtime.Version(), m.NumGC, m.NumForcedGC, m.HeapReleased, m.NextGC)
}
