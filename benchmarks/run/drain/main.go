// Command drain ends the goroutines of a released surge at a random time of up to 1.5 s, and
// prints when the last one really returned: the truth that measured recovery times are held against.
package main

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/pprof"
	"os"
	"sync"
	"time"

	"chaosmem/agent"
)

const longest = 1500 * time.Millisecond

func start(n int) (stop func()) {
	quit := make(chan struct{})
	var all sync.WaitGroup
	all.Add(n)
	for range n {
		go func() {
			defer all.Done()
			<-quit
		}()
	}
	go func() {
		all.Wait()
		fmt.Fprintf(os.Stderr, "truth ended_unix_ns=%d\n", time.Now().UnixNano())
	}()
	return func() {
		time.AfterFunc(time.Duration(rand.Int64N(int64(longest))), func() { close(quit) })
	}
}

func main() {
	addr := flag.String("addr", "127.0.0.1:0", "address to listen on")
	flag.Parse()
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/healthz", func(http.ResponseWriter, *http.Request) {})
	agent.GoroutinePoint("main.start", start)
	agent.Mount(mux)
	fmt.Fprintln(os.Stderr, http.ListenAndServe(*addr, mux))
}
