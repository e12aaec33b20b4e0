package agent

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

const testToken = "a token for the tests"

// fakeClock moves only when it is told to.
type fakeClock struct {
	mu     sync.Mutex
	now    time.Time
	timers []*fakeTimer
}

type fakeTimer struct {
	clock   *fakeClock
	at      time.Time
	f       func()
	stopped bool
}

func newFakeClock() *fakeClock { return &fakeClock{now: time.Unix(1_000_000, 0)} }

func (c *fakeClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *fakeClock) AfterFunc(d time.Duration, f func()) stopper {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := &fakeTimer{clock: c, at: c.now.Add(d), f: f}
	c.timers = append(c.timers, t)
	return t
}

func (t *fakeTimer) Stop() bool {
	t.clock.mu.Lock()
	defer t.clock.mu.Unlock()
	was := t.stopped
	t.stopped = true
	return !was
}

// advance moves the clock and runs what is due, in the caller's goroutine.
func (c *fakeClock) advance(d time.Duration) {
	c.mu.Lock()
	c.now = c.now.Add(d)
	var due []*fakeTimer
	for _, t := range c.timers {
		if !t.stopped && !t.at.After(c.now) {
			t.stopped = true
			due = append(due, t)
		}
	}
	c.mu.Unlock()
	for _, t := range due {
		t.f()
	}
}

// client speaks the protocol to a server of its own.
type client struct {
	t *testing.T
	s *server
}

func newClient(t *testing.T, c clock, opts ...Option) *client {
	t.Helper()
	core := newCore(c)
	t.Cleanup(func() {
		core.mu.Lock()
		var holds []*hold
		if core.lease != nil {
			holds = core.endLease()
		}
		core.mu.Unlock()
		releaseAll(holds)
	})
	return &client{t: t, s: newServer(core, newConfig(opts), testToken)}
}

func (c *client) do(method, path, body string) *httptest.ResponseRecorder {
	c.t.Helper()
	r := httptest.NewRequest(method, DefaultPrefix+"/v1"+path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+testToken)
	w := httptest.NewRecorder()
	c.s.ServeHTTP(w, r)
	return w
}

// ok does a request that must succeed, and decodes the answer.
func (c *client) ok(method, path, body string) map[string]any {
	c.t.Helper()
	w := c.do(method, path, body)
	if w.Code != http.StatusOK {
		c.t.Fatalf("%s %s %s: %d %s", method, path, body, w.Code, w.Body)
	}
	return decoded(c.t, w.Body.Bytes())
}

// refused does a request that must fail so.
func (c *client) refused(method, path, body string, status int, code string) map[string]any {
	c.t.Helper()
	w := c.do(method, path, body)
	answer := decoded(c.t, w.Body.Bytes())
	if w.Code != status || answer["code"] != code {
		c.t.Errorf("%s %s %s: %d %s, want %d %s", method, path, body, w.Code, w.Body, status, code)
	}
	return answer
}

func decoded(t *testing.T, b []byte) map[string]any {
	t.Helper()
	var answer map[string]any
	if err := json.Unmarshal(b, &answer); err != nil {
		t.Fatalf("not JSON: %v: %s", err, b)
	}
	return answer
}

const aLease = `{"run":"r1","ttl_ms":3000,"deadline_ms":60000}`

func (c *client) lease() { c.t.Helper(); c.ok("POST", "/lease", aLease) }

func (c *client) held() heldAnswer { return c.s.core.held.answer() }

func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		if f() {
			return
		}
	}
	t.Fatalf("not in 10 s: %s", what)
}

// goroutinesBack fails unless the count comes back to what it was.
func goroutinesBack(t *testing.T, before int) {
	t.Helper()
	eventually(t, "as many goroutines as before", func() bool { return runtime.NumGoroutine() <= before })
}

func liveHeap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
