package agent

import (
	"bytes"
	"log"
	"net/http"
	"os"
	"runtime"
	"runtime/pprof"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestRetainedHeapIsReallyLiveAndReallyGoes(t *testing.T) {
	for name, pointers := range map[string]string{"pointers": "true", "noscan": "false"} {
		t.Run(name, func(t *testing.T) {
			const asked = 24<<20 + 777 // does not divide by the object
			c := newClient(t, systemClock{})
			before := liveHeap()
			c.lease()
			c.ok("POST", "/heap", `{"run":"r1","bytes":25166601,"object":1000,"pointers":`+pointers+`}`)
			eventually(t, "the heap", func() bool { return c.held().HeapBytes == asked })
			if grown := liveHeap() - before; grown < asked || grown > asked*115/100 {
				t.Errorf("the live heap grew by %d, asked were %d", grown, asked)
			}
			if got := c.held().HeapObjects; got != (asked+999)/1000 {
				t.Errorf("%d objects", got)
			}
			c.ok("POST", "/release", `{"run":"r1","what":["heap"]}`)
			if left := liveHeap() - before; left > 1<<20 {
				t.Errorf("%d bytes are left", left)
			}
			if c.s.core.ended[kindHeap].Load() == 0 {
				t.Error("the end is not dated")
			}
		})
	}
}

func TestObjectsThatHoldPointersAreScannedAndOthersAreNot(t *testing.T) {
	scan := func() int64 {
		runtime.GC()
		return int64(newSamples([]string{"/gc/scan/heap:bytes"})[0].Value.Uint64())
	}
	before := scan()
	raw := retainHeap(8<<20, 1024, false)
	without := scan()
	words := retainHeap(8<<20, 1024, true)
	with := scan()
	if without-before > 1<<20 || with-without < 7<<20 {
		t.Errorf("the scannable heap grew by %d for noscan and by %d for pointers", without-before, with-without)
	}
	runtime.KeepAlive(raw)
	runtime.KeepAlive(words)
}

func TestTheHeapProfileShowsRetainHeapAsTheSite(t *testing.T) {
	c := newClient(t, systemClock{})
	c.lease()
	c.ok("POST", "/heap", `{"run":"r1","bytes":16777216}`)
	eventually(t, "the heap", func() bool { return c.held().HeapBytes == 16<<20 })
	runtime.GC()
	var text bytes.Buffer
	if err := pprof.Lookup("heap").WriteTo(&text, 1); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(text.String(), "chaosmem/agent.retainHeap+") {
		t.Error("chaosmem/agent.retainHeap is not in the profile")
	}
}

func TestGrowthKeepsItsRate(t *testing.T) {
	c := newClient(t, systemClock{})
	c.lease()
	begin := time.Now()
	c.ok("POST", "/heap", `{"run":"r1","bytes":2097152,"rate":4194304}`)
	eventually(t, "the heap", func() bool { return c.held().HeapBytes == 2<<20 })
	if took := time.Since(begin); took < 490*time.Millisecond || took > 2*time.Second {
		t.Errorf("2 MiB at 4 MiB a second took %v", took)
	}
}

func TestAPacerDolesWholeQuantaAndNeverAhead(t *testing.T) {
	p := pacer{total: 1000, rate: 100, quantum: 30}
	for elapsed, want := range map[time.Duration]int64{
		0: 0, 290 * time.Millisecond: 0, 310 * time.Millisecond: 30, time.Second: 90,
		9990 * time.Millisecond: 990, 10 * time.Second: 1000, time.Hour: 1000,
	} {
		if got := p.due(elapsed); got != want {
			t.Errorf("after %v %d are due, want %d", elapsed, got, want)
		}
	}
}

func TestReleaseOvertakesGrowth(t *testing.T) {
	c, before := newClient(t, systemClock{}), runtime.NumGoroutine()
	c.lease()
	c.ok("POST", "/heap", `{"run":"r1","bytes":1073741824,"rate":20971520}`)
	c.ok("POST", "/goroutines", `{"run":"r1","count":100000,"rate":1000,"state":"blocked"}`)
	eventually(t, "some growth", func() bool { h := c.held(); return h.HeapBytes > 0 && h.Goroutines > 0 })
	c.ok("POST", "/release", `{"run":"r1"}`)
	eventually(t, "the end", func() bool { h := c.held(); return h.HeapBytes == 0 && h.Goroutines == 0 })
	goroutinesBack(t, before)
	for k, ended := range map[string]*atomic.Int64{"heap": &c.s.core.ended[kindHeap], "goroutines": &c.s.core.ended[kindGoroutines]} {
		if ended.Load() == 0 {
			t.Errorf("the end of %s is not dated", k)
		}
	}
}

func TestGoroutinesAreInTheStateThatWasAsked(t *testing.T) {
	for state, want := range map[string]string{"blocked": "[chan receive", "sleeping": "[sleep", "network": "[IO wait"} {
		t.Run(state, func(t *testing.T) {
			c, before := newClient(t, systemClock{}), runtime.NumGoroutine()
			c.lease()
			c.ok("POST", "/goroutines", `{"run":"r1","count":41,"state":"`+state+`"}`)
			eventually(t, "the surge", func() bool { return c.held().Goroutines == 41 && stacks(want) >= 41 })
			released := time.Now().UnixNano()
			c.ok("POST", "/release", `{"run":"r1"}`)
			eventually(t, "the end", func() bool { return c.s.core.ended[kindGoroutines].Load() > 0 })
			if took := time.Duration(c.s.core.ended[kindGoroutines].Load() - released); took > time.Second {
				t.Errorf("it ended %v after the release", took)
			}
			goroutinesBack(t, before)
		})
	}
}

// stacks counts the goroutines in a state that are the agent's.
func stacks(state string) int {
	buf := make([]byte, 1<<20)
	n := 0
	for _, g := range strings.Split(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
		if strings.Contains(g, state) && strings.Contains(g, "chaosmem/agent.(*hold).spawn") {
			n++
		}
	}
	return n
}

func TestManySleepersWakeLessOften(t *testing.T) {
	c := newClient(t, systemClock{})
	c.refused("POST", "/goroutines", `{"run":"r1","count":100001,"state":"sleeping"}`, http.StatusUnprocessableEntity, "over-limit")
}

func TestChurnAllocatesAtItsRateAndKeepsNothing(t *testing.T) {
	c := newClient(t, systemClock{})
	c.lease()
	var from, to runtime.MemStats
	runtime.ReadMemStats(&from)
	c.ok("POST", "/churn", `{"run":"r1","rate":20000000,"object":16}`)
	eventually(t, "the churn", func() bool { return c.held().ChurnedBytes > 8_000_000 })
	c.ok("POST", "/release", `{"run":"r1","what":["churn"]}`)
	runtime.ReadMemStats(&to)
	if got := int64(to.TotalAlloc - from.TotalAlloc); got < c.held().ChurnedBytes {
		t.Errorf("%d bytes were allocated, %d are claimed", got, c.held().ChurnedBytes)
	}
}

func TestPointsAreCalledAndUndone(t *testing.T) {
	var filled, freed, started, stopped atomic.Int64
	HeapPoint("test.Fill", func(bytes int) func() {
		filled.Add(int64(bytes))
		return func() { freed.Add(int64(bytes)) }
	})
	GoroutinePoint("test.Start", func(n int) func() {
		started.Add(int64(n))
		return func() { stopped.Add(int64(n)) }
	})
	c := newClient(t, systemClock{})
	c.lease()
	c.ok("POST", "/heap", `{"run":"r1","bytes":1000000,"rate":4000000,"point":"test.Fill"}`)
	c.ok("POST", "/goroutines", `{"run":"r1","count":100,"rate":400,"point":"test.Start"}`)
	eventually(t, "the growth", func() bool { h := c.held(); return h.HeapBytes == 1_000_000 && h.AtPoints == 100 })
	if filled.Load() != 1_000_000 || started.Load() != 100 {
		t.Errorf("%d bytes and %d goroutines were asked", filled.Load(), started.Load())
	}
	c.ok("POST", "/release", `{"run":"r1"}`)
	eventually(t, "the end", func() bool { return freed.Load() == 1_000_000 && stopped.Load() == 100 })
}

func TestAPanickingPointIsCountedAndKillsNothing(t *testing.T) {
	log.SetOutput(new(bytes.Buffer))
	defer log.SetOutput(os.Stderr)
	HeapPoint("test.Panic", func(int) func() { panic("no memory for you") })
	c := newClient(t, systemClock{})
	c.lease()
	c.ok("POST", "/heap", `{"run":"r1","bytes":1000,"point":"test.Panic"}`)
	eventually(t, "the count", func() bool { return c.s.core.acts.failed.Load() == 1 })
	if c.held().HeapBytes != 0 {
		t.Error("what panicked is claimed to be held")
	}
}

func TestAPointThatReturnsNoUndoIsReleasedAllTheSame(t *testing.T) {
	HeapPoint("test.NoFree", func(int) func() { return nil })
	c := newClient(t, systemClock{})
	c.lease()
	c.ok("POST", "/heap", `{"run":"r1","bytes":1000,"point":"test.NoFree"}`)
	eventually(t, "the fill", func() bool { return c.held().HeapBytes == 1000 })
	c.ok("POST", "/release", `{"run":"r1"}`)
	eventually(t, "the end", func() bool { return c.held().HeapBytes == 0 })
}

func TestAStopThatBlocksDoesNotHoldTheAnswerUp(t *testing.T) {
	quit := make(chan struct{})
	GoroutinePoint("test.Slow", func(int) func() { return func() { <-quit } })
	c := newClient(t, systemClock{})
	c.lease()
	c.ok("POST", "/goroutines", `{"run":"r1","count":7,"point":"test.Slow"}`)
	eventually(t, "the surge", func() bool { return c.held().AtPoints == 7 })
	c.ok("POST", "/release", `{"run":"r1"}`)
	if c.s.core.ended[kindGoroutines].Load() != 0 || c.held().AtPoints != 7 {
		t.Error("it is claimed to have ended")
	}
	close(quit)
	eventually(t, "the end", func() bool { return c.held().AtPoints == 0 && c.s.core.ended[kindGoroutines].Load() > 0 })
}

func TestTheLimitsHoldUntilWhatWasTakenHasReallyEnded(t *testing.T) {
	c := newClient(t, systemClock{}, WithLimits(Limits{HeapBytes: 1 << 20, Goroutines: 10}))
	c.lease()
	c.ok("POST", "/heap", `{"run":"r1","bytes":1048576,"rate":1}`)
	c.refused("POST", "/heap", `{"run":"r1","bytes":1}`, http.StatusUnprocessableEntity, "over-limit")
	c.refused("POST", "/goroutines", `{"run":"r1","count":11,"state":"blocked"}`, http.StatusUnprocessableEntity, "over-limit")
	c.refused("POST", "/heap", `{"run":"r1","bytes":9223372036854775807}`, http.StatusUnprocessableEntity, "over-limit")
	c.ok("POST", "/release", `{"run":"r1"}`)
	eventually(t, "room", func() bool { return c.do("POST", "/heap", `{"run":"r1","bytes":1048576}`).Code == http.StatusOK })
}

func TestANetworkSurgeBeyondTheDescriptorsIsRefused(t *testing.T) {
	limit, ok := descriptorLimit()
	if !ok || limit > maxNetwork {
		t.Skip("more descriptors than the agent ever takes")
	}
	err := checkDescriptors(limit)
	if err == nil || !strings.Contains(err.Error(), "ulimit -n") {
		t.Errorf("the refusal is %v", err)
	}
}

func TestConcurrentCallsAreSafe(t *testing.T) {
	c, before := newClient(t, systemClock{}), runtime.NumGoroutine()
	calls := []struct{ method, path, body string }{
		{"POST", "/lease", aLease},
		{"POST", "/heap", `{"run":"r1","bytes":100000,"rate":1000000}`},
		{"POST", "/churn", `{"run":"r1","rate":100000}`},
		{"POST", "/goroutines", `{"run":"r1","count":50,"state":"blocked"}`},
		{"POST", "/goroutines", `{"run":"r1","count":4,"state":"network"}`},
		{"POST", "/runtime", `{"run":"r1","gogc":90}`},
		{"POST", "/release", `{"run":"r1"}`},
		{"DELETE", "/lease", `{"run":"r1"}`},
		{"GET", "/sample?cycles_since=0", ""},
		{"GET", "/info", ""},
		{"GET", "/histograms", ""},
	}
	var all sync.WaitGroup
	for i := range 8 {
		all.Add(1)
		go func() {
			defer all.Done()
			for j := range 60 {
				call := calls[(i*7+j*5)%len(calls)]
				if code := c.do(call.method, call.path, call.body).Code; code != http.StatusOK && code != http.StatusPreconditionFailed {
					t.Errorf("%s %s: %d", call.method, call.path, code)
				}
				if j%20 == 0 {
					runtime.GC()
				}
			}
		}()
	}
	all.Wait()
	c.ok("DELETE", "/lease", `{"run":"r1"}`)
	relieved(c, before)
}
