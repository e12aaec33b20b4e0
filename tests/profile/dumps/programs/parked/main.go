// Parked starts goroutines that wait in every common way and prints what the runtime says of them.
package main

import (
	"context"
	"flag"
	"fmt"
	"net"
	"os"
	"runtime"
	"runtime/pprof"
	"sync"
	"time"
)

var (
	never   = make(chan int) // nobody sends
	full    = make(chan int) // nobody receives
	mutex   sync.Mutex
	rwmutex sync.RWMutex
	group   sync.WaitGroup
	cond    = sync.NewCond(&sync.Mutex{})
)

type cache struct{ name string }

func (c *cache) fill(n int) { full <- n }

func generic[T any](value T) { <-never; _ = value }

//go:noinline
func forget() {
	lost := make(chan int)
	go func() { lost <- 1 }()
}

func park(count int) {
	for i := 0; i < count; i++ {
		c := &cache{"c"}
		go c.fill(i)
	}
	go func() { <-never }()
	go func() { var none chan int; <-none }()
	go func() { var none chan int; none <- 1 }()
	go func() { select {} }()
	go func() {
		select {
		case <-never:
		case full <- 1:
		}
	}()
	go func() { time.Sleep(time.Hour) }()
	go func() { mutex.Lock(); mutex.Lock() }()
	go func() { rwmutex.Lock(); rwmutex.RLock() }()
	go func() { group.Add(1); group.Wait() }()
	go func() { cond.L.Lock(); cond.Wait() }()
	go func() { runtime.LockOSThread(); <-never }()
	go generic(1)
	go generic("x")
	if listener, err := net.Listen("tcp", "127.0.0.1:0"); err == nil {
		go func() { _, _ = listener.Accept() }()
	}
	labels := pprof.Labels("endpoint", "/v1/cart", "tenant", "acme \"corp\", é\n", "trace", "a b]: {")
	pprof.Do(context.Background(), labels, func(context.Context) {
		go func() { <-never }()
		go func() { <-never }()
	})
	forget()
}

func main() {
	count := flag.Int("count", 3, "goroutines that wait in cache.fill")
	profile := flag.String("profile", "goroutine", "which profile to print")
	debug := flag.Int("debug", 2, "its debug level")
	wait := flag.Duration("wait", 0, "time between the first GC and the profile")
	crash := flag.Bool("crash", false, "panic instead")
	flag.Parse()
	park(*count)
	time.Sleep(100 * time.Millisecond)
	if *crash {
		panic("as asked")
	}
	runtime.GC()
	time.Sleep(*wait)
	if lookup := pprof.Lookup(*profile); lookup != nil {
		_ = lookup.WriteTo(os.Stdout, *debug)
	}
	fmt.Fprintln(os.Stderr, runtime.NumGoroutine())
}
