// Command goprofiles writes one profile of every kind that Go makes into a directory:
// with recursion, inlining, generics, methods, closures, labels, and growth between two heaps.
//
//	goprofiles DIR
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"sync"
	"time"
)

func main() {
	dir := os.Args[1]
	runtime.MemProfileRate = 4096
	runtime.SetBlockProfileRate(1)
	runtime.SetMutexProfileFraction(1)

	cpu := create(dir, "cpu.pb.gz")
	check(pprof.StartCPUProfile(cpu))
	spin(600 * time.Millisecond)
	pprof.StopCPUProfile()
	check(cpu.Close())

	contend()
	park()
	store := &Store[string]{items: map[string]*Item[string]{}}
	store.Fill("a", 4000)
	write(dir, "base")
	store.Fill("b", 2000)
	Retain(6 << 20)
	store.Drop(1000)
	write(dir, "after")
	runtime.KeepAlive(store)
}

// write forces a GC, so that the heap profile is of now, and writes every named profile.
func write(dir, prefix string) {
	runtime.GC()
	for _, p := range pprof.Profiles() {
		for debug, suffix := range []string{".pb.gz", ".txt"} {
			f := create(dir, prefix+"."+p.Name()+suffix)
			check(p.WriteTo(f, debug))
			check(f.Close())
		}
	}
}

func create(dir, name string) *os.File {
	f, err := os.Create(filepath.Join(dir, name))
	check(err)
	return f
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// Item is a generic type whose constructor is inlined.
type Item[T any] struct {
	key  T
	body []byte
}

func newItem[T any](key T, size int) *Item[T] { return &Item[T]{key, make([]byte, size)} }

// Store is a generic store with methods.
type Store[T comparable] struct {
	items map[T]*Item[T]
	order []T
}

func (s *Store[T]) put(key T, size int) {
	s.items[key] = newItem(key, size)
	s.order = append(s.order, key)
}

// Fill recurses to a depth that depends on the item, then allocates.
func (s *Store[T]) Fill(prefix string, n int) {
	for i := range n {
		s.down(i%7, func() { s.put(any(fmt.Sprintf("%s%d", prefix, i)).(T), 512+i%5*300) })
	}
}

func (s *Store[T]) down(depth int, then func()) {
	if depth == 0 {
		then()
		return
	}
	s.up(depth-1, then)
}

func (s *Store[T]) up(depth int, then func()) {
	if depth%2 == 0 {
		s.down(depth, then)
		return
	}
	s.up(depth-1, then)
}

// Drop forgets the first n items.
func (s *Store[T]) Drop(n int) {
	for _, key := range s.order[:n] {
		delete(s.items, key)
	}
	s.order = s.order[n:]
}

var retained [][]byte

// Retain keeps n bytes in 64 KiB blocks: the declared injection point of the growth tests.
func Retain(n int) {
	for ; n > 0; n -= 64 << 10 {
		retained = append(retained, make([]byte, 64<<10))
	}
}

func spin(d time.Duration) {
	var wg sync.WaitGroup
	for _, tenant := range []string{"acme", "globex"} {
		wg.Add(1)
		go pprof.Do(context.Background(), pprof.Labels("tenant", tenant, "endpoint", "/v1/cart"), func(context.Context) {
			defer wg.Done()
			for end := time.Now().Add(d); time.Now().Before(end); {
				sink += fib(24) + sum(make([]int, 4096))
			}
		})
	}
	wg.Wait()
}

var sink int

func fib(n int) int {
	if n < 2 {
		return n
	}
	return fib(n-1) + fib(n-2)
}

func sum[T int | float64](xs []T) (total T) {
	for _, x := range xs {
		total += x
	}
	return total
}

func contend() {
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range 4 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for range 40 {
				hold(&mu)
			}
		}()
	}
	wg.Wait()
}

func hold(mu *sync.Mutex) {
	mu.Lock()
	defer mu.Unlock()
	time.Sleep(100 * time.Microsecond)
}

// park leaves goroutines behind, some with labels that need quoting.
func park() {
	for i := range 12 {
		labels := pprof.Labels("tenant", []string{"acme", `a "quoted", corp`, "ünïcode"}[i%3])
		go pprof.Do(context.Background(), labels, func(context.Context) { select {} })
	}
	for range 5 {
		go block(make(chan int))
	}
	time.Sleep(20 * time.Millisecond)
}

func block(c chan int) { <-c }
