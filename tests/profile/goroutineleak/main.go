// Command leak leaves three goroutines blocked for ever and writes goroutineleak profiles into a
// directory, as protobuf and as text. Needs GOEXPERIMENT=goroutineleakprofile (Go 1.26).
//
//	leak DIR
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime/pprof"
	"time"
)

func main() {
	for range 3 {
		leak()
	}
	time.Sleep(50 * time.Millisecond)
	for debug, name := range []string{"leak.pb.gz", "leak.txt", "leak-debug2.txt"} {
		f, err := os.Create(filepath.Join(os.Args[1], name))
		check(err)
		check(pprof.Lookup("goroutineleak").WriteTo(f, debug))
		check(f.Close())
	}
}

func leak() {
	never := make(chan int)
	labels := pprof.Labels("tenant", "acme")
	pprof.Do(context.Background(), labels, func(context.Context) {
		go forgotten(never)
	})
}

//go:noinline
func forgotten(never chan int) { <-never }

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
