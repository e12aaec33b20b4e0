package agent

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"testing"
)

func TestASampleHasEverythingThatTheProtocolNames(t *testing.T) {
	c := newClient(t, systemClock{})
	c.ok("POST", "/lease", `{"run":"r\"1\u2028<é>","ttl_ms":3000,"deadline_ms":60000}`)
	s := c.ok("GET", "/sample?cycles_since=0", "")
	for path, keys := range map[string][]string{
		"held":  {"heap_bytes", "heap_objects", "churned_bytes", "goroutines", "blocked", "sleeping", "network", "at_points"},
		"ended": {"goroutines_unix_ns", "heap_unix_ns"},
		"acts":  {"heap", "churn", "goroutines", "runtime", "release", "expired", "failed"},
		"lease": {"run", "expires_unix_ns", "deadline_unix_ns"},
	} {
		part, _ := s[path].(map[string]any)
		for _, key := range keys {
			if _, ok := part[key]; !ok {
				t.Errorf("no %s in %s: %v", key, path, part)
			}
		}
	}
	if run := s["lease"].(map[string]any)["run"]; run != "r\"1\u2028<é>" {
		t.Errorf("the run came back as %q", run)
	}
	if n := len(s["metrics"].(map[string]any)); n != len(sampled) {
		t.Errorf("%d metrics of %d", n, len(sampled))
	}
}

func TestWithoutALeaseItIsNull(t *testing.T) {
	s := newClient(t, systemClock{}).ok("GET", "/sample", "")
	if lease, ok := s["lease"]; !ok || lease != nil {
		t.Errorf("the lease is %v", lease)
	}
}

func TestNumbersAreExact(t *testing.T) {
	w := newClient(t, systemClock{}).do("GET", "/sample", "")
	var s struct {
		Metrics map[string]json.Number
	}
	if err := json.Unmarshal(w.Body.Bytes(), &s); err != nil {
		t.Fatal(err)
	}
	if got := s.Metrics["/gc/gomemlimit:bytes"]; got != "9223372036854775807" {
		t.Errorf("no limit is %s", got)
	}
	if w.Header().Get("Content-Length") == "" {
		t.Error("no Content-Length: a cut answer could be taken for a whole one")
	}
}

func TestEachForcedCycleIsRecordedOnceAndInOrder(t *testing.T) {
	c := newClient(t, systemClock{})
	c.ok("GET", "/sample", "") // arms
	since := c.newestCycle()
	for range 5 {
		n := c.newestCycle()
		runtime.GC()
		eventually(t, "the record", func() bool { return c.newestCycle() > n })
	}
	records := c.cycles(since)
	var numbers []float64
	for _, r := range records {
		numbers = append(numbers, r["n"].(float64))
		if r["gogc"] != 100.0 || r["live"].(float64) <= 0 || r["goal"].(float64) < r["live"].(float64) {
			t.Errorf("the record is %v", r)
		}
	}
	if len(records) < 5 || !slices.IsSorted(numbers) || len(slices.Compact(numbers)) != len(records) {
		t.Errorf("the cycles are %v", numbers)
	}
	if later := c.cycles(int64(numbers[1])); len(later) != len(records)-2 {
		t.Errorf("%d cycles are above the second of %d", len(later), len(records))
	}
}

func (c *client) newestCycle() int64 {
	c.s.core.cycles.mu.Lock()
	defer c.s.core.cycles.mu.Unlock()
	return c.s.core.cycles.newest()
}

func (c *client) cycles(since int64) (records []map[string]any) {
	b := c.s.core.cycles.appendJSON([]byte{'{'}, since)
	for _, r := range decoded(c.t, append(b, '}'))["cycles"].([]any) {
		records = append(records, r.(map[string]any))
	}
	return records
}

func TestTheFormulaOfTheGoalHoldsInEachRecord(t *testing.T) {
	c := newClient(t, systemClock{})
	c.lease()
	c.ok("POST", "/heap", `{"run":"r1","bytes":16777216}`)
	eventually(t, "the heap", func() bool { return c.held().HeapBytes == 16<<20 })
	n := c.newestCycle()
	runtime.GC()
	eventually(t, "the record", func() bool { return c.newestCycle() > n })
	for _, r := range c.cycles(n) {
		live, stack, globals, goal := r["live"].(float64), r["stack"].(float64), r["globals"].(float64), r["goal"].(float64)
		if want := live + (live + stack + globals); goal < want-1 || goal > want+1 {
			t.Errorf("goal %.0f, by the formula %.0f: %v", goal, want, r)
		}
	}
}

func TestTheLogKeepsTheNewestAndCountsTheLost(t *testing.T) {
	l := &cycleLog{ring: make([]cycle, keptCycles)}
	const all = keptCycles + 100
	for n := int64(1); n <= all; n++ {
		c := cycle{}
		c.values[cycleN] = n
		l.push(c)
	}
	for since, want := range map[int64]int64{0: 100, 40: 60, 100: 0, 500: 0} {
		if got := l.lost(since); got != want {
			t.Errorf("above %d are %d lost, want %d", since, got, want)
		}
	}
	a := decoded(t, append(l.appendJSON([]byte{'{'}, all-3), '}'))
	if got := a["cycles"].([]any); len(got) != 3 || got[0].(map[string]any)["n"] != float64(all-2) {
		t.Errorf("the newest three are %v", got)
	}
	if got := decoded(t, append(l.appendJSON([]byte{'{'}, 0), '}'))["cycles"].([]any); len(got) != keptCycles {
		t.Errorf("%d records are kept", len(got))
	}
}

func TestTheLogDisarmsWhenNobodyAsks(t *testing.T) {
	leased := true
	l := &cycleLog{wanted: func() bool { return leased }}
	l.want()
	l.asked = l.asked.Add(-2 * cycleIdle)
	if !l.record() {
		t.Error("it disarmed under a lease")
	}
	leased = false
	if l.record() || l.armed {
		t.Error("it stays armed for nobody")
	}
}

func TestHistogramsHaveOnlyBucketsWithACount(t *testing.T) {
	runtime.GC()
	a := newClient(t, systemClock{}).ok("GET", "/histograms", "")
	buckets := a["histograms"].(map[string]any)["/sched/pauses/total/gc:seconds"].([]any)
	if len(buckets) == 0 {
		t.Fatal("no pause after a collection")
	}
	for _, b := range buckets {
		if triple := b.([]any); len(triple) != 3 || triple[2].(float64) == 0 {
			t.Errorf("the bucket is %v", b)
		}
	}
}

func TestSizeClassesCount(t *testing.T) {
	a := newClient(t, systemClock{}).ok("GET", "/sizeclasses", "")
	if classes := a["by_size"].([]any); len(classes) < 10 || classes[0].(map[string]any)["size"] != 8.0 {
		t.Errorf("the classes are %v", classes)
	}
}

// discard is a client that costs nothing.
type discard struct{ h http.Header }

func (d discard) Header() http.Header         { return d.h }
func (d discard) Write(b []byte) (int, error) { return len(b), nil }
func (d discard) WriteHeader(int)             {}

// BenchmarkSample is the handler alone, as asked for at 10 Hz without new cycles.
func BenchmarkSample(b *testing.B) {
	s := newServer(newCore(systemClock{}), newConfig(nil), testToken)
	r := httptest.NewRequest("GET", DefaultPrefix+"/v1/sample?cycles_since=1000000", nil)
	r.Header.Set("Authorization", "Bearer "+testToken)
	w := discard{http.Header{}}
	b.ReportAllocs()
	for range b.N {
		s.ServeHTTP(w, r)
	}
}

// BenchmarkSampleOverHTTP is the whole way over a kept connection, client included.
func BenchmarkSampleOverHTTP(b *testing.B) {
	server := httptest.NewServer(newServer(newCore(systemClock{}), newConfig(nil), testToken))
	defer server.Close()
	r, err := http.NewRequest("GET", server.URL+DefaultPrefix+"/v1/sample?cycles_since=1000000", nil)
	if err != nil {
		b.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+testToken)
	buf := make([]byte, 16<<10)
	for range b.N {
		answer, err := server.Client().Do(r)
		if err != nil {
			b.Fatal(err)
		}
		for err == nil {
			_, err = answer.Body.Read(buf)
		}
		answer.Body.Close()
	}
}
