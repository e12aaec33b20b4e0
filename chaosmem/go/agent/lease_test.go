package agent

import (
	"math"
	"net/http"
	"runtime"
	"runtime/debug"
	"testing"
	"time"
)

const everything = `{"run":"r1","gogc":73,"gomemlimit":3000000000}`

// press puts everything that a run can put on.
func press(c *client) {
	c.t.Helper()
	c.lease()
	c.ok("POST", "/heap", `{"run":"r1","bytes":4194304}`)
	c.ok("POST", "/churn", `{"run":"r1","rate":1000000}`)
	c.ok("POST", "/goroutines", `{"run":"r1","count":20,"state":"blocked"}`)
	c.ok("POST", "/goroutines", `{"run":"r1","count":20,"state":"sleeping"}`)
	c.ok("POST", "/goroutines", `{"run":"r1","count":20,"state":"network"}`)
	c.ok("POST", "/runtime", everything)
	eventually(c.t, "the pressure", func() bool { h := c.held(); return h.Goroutines == 60 && h.HeapBytes == 4<<20 })
}

// relieved fails unless everything ends and the runtime is as it was.
func relieved(c *client, before int) {
	c.t.Helper()
	eventually(c.t, "the end of the pressure", func() bool { h := c.held(); return h.Goroutines == 0 && h.HeapBytes == 0 && h.HeapObjects == 0 })
	goroutinesBack(c.t, before)
	if got := readSettings(); got != (settings{100, math.MaxInt64}) {
		c.t.Errorf("the runtime is left with %+v", got)
	}
}

func TestAMissedHeartbeatEndsEverything(t *testing.T) {
	clock := newFakeClock()
	c, before := newClient(t, clock), runtime.NumGoroutine()
	press(c)
	clock.advance(2999 * time.Millisecond)
	if got := readSettings(); got != (settings{73, 3_000_000_000}) {
		t.Fatalf("the settings are %+v before the lease is over", got)
	}
	clock.advance(time.Millisecond)
	relieved(c, before)
	if n := c.s.core.acts.expired.Load(); n != 1 {
		t.Errorf("%d leases have expired", n)
	}
	c.refused("POST", "/heap", `{"run":"r1","bytes":1}`, http.StatusPreconditionFailed, "no-lease")
}

func TestTheDeadlineEndsEverythingDespiteHeartbeats(t *testing.T) {
	clock := newFakeClock()
	c, before := newClient(t, clock), runtime.NumGoroutine()
	press(c)
	for range 59 {
		clock.advance(time.Second)
		c.lease()
	}
	if c.held().Goroutines != 60 {
		t.Fatal("the pressure ended before the deadline")
	}
	clock.advance(time.Second)
	relieved(c, before)
}

func TestAHeartbeatDoesNotMoveTheDeadline(t *testing.T) {
	clock := newFakeClock()
	c := newClient(t, clock)
	first := c.ok("POST", "/lease", aLease)
	clock.advance(time.Second)
	second := c.ok("POST", "/lease", `{"run":"r1","ttl_ms":3000,"deadline_ms":3600000}`)
	if first["deadline_unix_ns"] != second["deadline_unix_ns"] {
		t.Errorf("the deadline moved from %v to %v", first["deadline_unix_ns"], second["deadline_unix_ns"])
	}
	if first["expires_unix_ns"] == second["expires_unix_ns"] {
		t.Error("the heartbeat did not move the expiry")
	}
}

func TestDeletingTheLeaseEndsEverythingAndTwiceIsNoError(t *testing.T) {
	c, before := newClient(t, newFakeClock()), runtime.NumGoroutine()
	press(c)
	if a := c.ok("DELETE", "/lease", `{"run":"r1"}`); a["released"] != true {
		t.Errorf("the answer is %v", a)
	}
	relieved(c, before)
	if a := c.ok("DELETE", "/lease", `{"run":"r1"}`); a["released"] != false {
		t.Errorf("the second answer is %v", a)
	}
}

func TestReleaseBeforeAnyAct(t *testing.T) {
	c := newClient(t, newFakeClock())
	c.refused("POST", "/release", `{"run":"r1"}`, http.StatusPreconditionFailed, "no-lease")
	c.lease()
	c.ok("POST", "/release", `{"run":"r1"}`)
	if ended := c.s.core.ended[kindHeap].Load(); ended != 0 {
		t.Errorf("the end of nothing is dated %d", ended)
	}
}

func TestAnotherRunCannotTakeActOrDropTheLease(t *testing.T) {
	c := newClient(t, newFakeClock())
	press(c)
	a := c.refused("POST", "/lease", `{"run":"r2","ttl_ms":3000,"deadline_ms":60000}`, http.StatusConflict, "lease-held")
	if a["holder"] != "r1" {
		t.Errorf("the holder is %v", a["holder"])
	}
	c.refused("POST", "/heap", `{"run":"r2","bytes":1}`, http.StatusPreconditionFailed, "no-lease")
	c.refused("POST", "/release", `{"run":"r2"}`, http.StatusPreconditionFailed, "no-lease")
	if a := c.ok("DELETE", "/lease", `{"run":"r2"}`); a["released"] != false || c.held().Goroutines != 60 {
		t.Errorf("another run released: %v", a)
	}
}

func TestAnExpiredRunCannotComeBackButAnotherCan(t *testing.T) {
	clock := newFakeClock()
	c := newClient(t, clock)
	c.lease()
	clock.advance(3 * time.Second)
	c.refused("POST", "/lease", aLease, http.StatusPreconditionFailed, "lease-expired")
	c.ok("POST", "/lease", `{"run":"r2","ttl_ms":3000,"deadline_ms":60000}`)
}

func TestALeaseWhoseTimerIsLateIsOverAllTheSame(t *testing.T) {
	clock := newFakeClock()
	c := newClient(t, clock)
	c.lease()
	clock.mu.Lock()
	clock.now = clock.now.Add(time.Hour) // no timer runs
	clock.mu.Unlock()
	c.refused("POST", "/churn", `{"run":"r1","rate":1}`, http.StatusPreconditionFailed, "no-lease")
}

func TestOnlyWhatWasChangedIsPutBack(t *testing.T) {
	c := newClient(t, newFakeClock())
	c.lease()
	a := c.ok("POST", "/runtime", `{"run":"r1","gogc":50}`)
	if got := a["after"].(map[string]any)["gogc"]; got != 50.0 {
		t.Errorf("gogc reads back %v", got)
	}
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(5 << 30)) // the application's own change
	c.ok("POST", "/release", `{"run":"r1","what":["runtime"]}`)
	if got := readSettings(); got != (settings{100, 5 << 30}) {
		t.Errorf("the settings are %+v", got)
	}
}

func TestTheOriginalIsWhatWasBeforeTheFirstChange(t *testing.T) {
	c := newClient(t, newFakeClock())
	c.lease()
	c.ok("POST", "/runtime", `{"run":"r1","gogc":50}`)
	a := c.ok("POST", "/runtime", `{"run":"r1","gogc":-1}`)
	before, after, original := a["before"].(map[string]any), a["after"].(map[string]any), a["original"].(map[string]any)
	if before["gogc"] != 50.0 || after["gogc"] != -1.0 || original["gogc"] != 100.0 {
		t.Errorf("before %v, after %v, original %v", before, after, original)
	}
	c.ok("DELETE", "/lease", `{"run":"r1"}`)
	if got := readSettings(); got.GOGC != 100 {
		t.Errorf("GOGC is left at %d", got.GOGC)
	}
}
