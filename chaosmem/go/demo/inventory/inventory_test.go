package inventory

import (
	"bytes"
	"context"
	"fmt"
	"runtime"
	"runtime/pprof"
	"strings"
	"testing"
	"time"
)

func TestTheCacheDropsTheLeastRecentlyUsed(t *testing.T) {
	c := NewCache(3*productSize, CacheDefects{})
	first := c.Get("a")
	c.Get("b")
	c.Get("c")
	if c.Get("a") != first {
		t.Error("a was loaded twice")
	}
	c.Get("d") // b is the oldest now
	if _, ok := c.bySKU["b"]; ok || len(c.bySKU) != 3 || c.Bytes() != 3*productSize {
		t.Errorf("the cache holds %d products of %d bytes, b: %v", len(c.bySKU), c.Bytes(), ok)
	}
}

func TestACacheThatNeverEvictsGrows(t *testing.T) {
	c := NewCache(productSize, CacheDefects{NeverEvicts: true})
	for i := range 100 {
		c.Get(fmt.Sprint(i))
	}
	c.Fill(10 * productSize)()
	if got := c.Bytes(); got != 110*productSize {
		t.Errorf("it holds %d bytes", got)
	}
}

func TestAFillIsHeldUntilItIsFreed(t *testing.T) {
	c := NewCache(productSize, CacheDefects{})
	free := c.Fill(1 << 20)
	if got := c.Bytes(); got != 1<<20 {
		t.Errorf("it holds %d bytes", got)
	}
	free()
	if got := c.Bytes(); got != 0 {
		t.Errorf("%d bytes are left", got)
	}
}

func TestTheProfileShowsFillUnlessTheSiteIsWrong(t *testing.T) {
	for name, defects := range map[string]CacheDefects{"Fill": {}, "prefetch": {WrongSite: true}} {
		c := NewCache(productSize, defects)
		free := c.Fill(16 << 20)
		text := heapProfile(t)
		free()
		heapProfile(t) // publishes the free
		for _, site := range []string{"inventory.(*Cache).Fill", "inventory.(*loader).prefetch"} {
			if inUse := inUseAt(text, site); inUse != strings.HasSuffix(site, name) {
				t.Errorf("allocated by %s, and in use at %s: %v", name, site, inUse)
			}
		}
	}
}

func heapProfile(t *testing.T) string {
	t.Helper()
	runtime.GC()
	runtime.GC()
	var text bytes.Buffer
	if err := pprof.Lookup("heap").WriteTo(&text, 1); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

// inUseAt tells whether a bucket of the profile with that function holds objects. A
// bucket is a line "objects: bytes [...] @ addresses" and the lines of its frames.
func inUseAt(text, site string) bool {
	inUse := false
	for _, line := range strings.Split(text, "\n") {
		switch {
		case strings.Contains(line, "] @ "):
			inUse = !strings.HasPrefix(line, "0: 0 ")
		case inUse && strings.Contains(line, site+"+"):
			return true
		}
	}
	return false
}

func TestAJobRunsOnAWorkerOrGivesUpWithItsContext(t *testing.T) {
	p := NewPool(1, PoolDefects{})
	ran := false
	if err := p.Do(context.Background(), func() { ran = true }); err != nil || !ran {
		t.Errorf("ran %v, %v", ran, err)
	}
	busy := make(chan struct{})
	defer close(busy)
	go p.Do(context.Background(), func() { <-busy })
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	time.Sleep(5 * time.Millisecond)
	if err := p.Do(ctx, func() {}); err != context.DeadlineExceeded {
		t.Errorf("the error is %v", err)
	}
}

func TestAddedWorkersEndWhenStoppedUnlessThePoolIsDefective(t *testing.T) {
	for name, c := range map[string]struct {
		defects PoolDefects
		after   time.Duration
		left    int
	}{
		"healthy":      {after: time.Second},
		"leaks":        {defects: PoolDefects{Leaks: true}, after: 100 * time.Millisecond, left: 50},
		"drains yet":   {defects: PoolDefects{Drain: 300 * time.Millisecond}, after: 100 * time.Millisecond, left: 50},
		"drained then": {defects: PoolDefects{Drain: 300 * time.Millisecond}, after: time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			p := NewPool(0, c.defects)
			before := workers()
			stop := p.Start(50)
			if got := workers() - before; got != 50 {
				t.Errorf("%d workers were added", got)
			}
			stop()
			time.Sleep(c.after)
			if got := workers() - before; got != c.left {
				t.Errorf("%d workers are left, want %d", got, c.left)
			}
			time.Sleep(c.defects.Drain)
		})
	}
}

// workers counts the workers of all pools.
func workers() int {
	stacks := make([]byte, 1<<20)
	return strings.Count(string(stacks[:runtime.Stack(stacks, true)]), "created by chaosmem/demo/inventory.(*Pool).")
}
