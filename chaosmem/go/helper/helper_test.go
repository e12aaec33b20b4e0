//go:build linux

package main

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"chaosmem/helper/cgroup"
	"chaosmem/helper/control"
)

const testToken = "a token for the tests"

// handClock moves only when it is told to.
type handClock struct {
	now time.Time
	due []func()
}

type never struct{}

func (never) Stop() bool { return true }

func (c *handClock) Now() time.Time { return c.now }

func (c *handClock) AfterFunc(_ time.Duration, f func()) stopper {
	c.due = append(c.due, f)
	return never{}
}

type client struct {
	t     *testing.T
	h     *helper
	clock *handClock
	s     *server
}

// newClient speaks to a helper of a container made of literal files.
func newClient(t *testing.T, files map[string]string) *client {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		file := filepath.Join(root, "c", name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	c := &client{t: t, clock: &handClock{now: time.Unix(1000, 0)}}
	c.h = &helper{clock: c.clock, place: cgroup.Place{Version: 2, Root: root, Path: "/c", Driver: "cgroupfs"}, node: node{"/proc"}, spawn: newSpawner()}
	c.s = newServer(c.h, testToken)
	return c
}

func aContainer() map[string]string {
	return map[string]string{
		"cgroup.procs": "", "memory.current": "1000\n", "memory.max": "104857600\n",
		"memory.stat": "inactive_file 400\nanon 600\nfile 400\n", "memory.events": "oom 0\noom_kill 0\n",
	}
}

func (c *client) ask(method, path, body string) (int, map[string]any) {
	c.t.Helper()
	r := httptest.NewRequest(method, prefix+path, strings.NewReader(body))
	r.Header.Set(tokenHeader, testToken)
	w := httptest.NewRecorder()
	c.s.ServeHTTP(w, r)
	var answer map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
		c.t.Fatalf("%s %s: %v: %s", method, path, err, w.Body)
	}
	if w.Header().Get("Content-Length") == "" {
		c.t.Errorf("%s %s: no Content-Length", method, path)
	}
	return w.Code, answer
}

func (c *client) lease(run string) (int, map[string]any) {
	return c.ask("POST", "/lease", `{"run":"`+run+`","ttl_ms":3000,"deadline_ms":5000}`)
}

func TestALeaseEndsAtItsHeartbeatAndAtItsDeadline(t *testing.T) {
	c := newClient(t, aContainer())
	c.lease("r1")
	c.clock.now = c.clock.now.Add(2 * time.Second)
	if code, _ := c.lease("r1"); code != http.StatusOK {
		t.Fatalf("renewing: %d", code)
	}
	c.clock.now = c.clock.now.Add(2900 * time.Millisecond)
	c.lease("r1")
	c.clock.now = c.clock.now.Add(200 * time.Millisecond)
	if code, a := c.lease("r1"); code != http.StatusPreconditionFailed || a["code"] != "lease-expired" {
		t.Errorf("after the deadline: %d %v", code, a)
	}
	if code, _ := c.lease("r2"); code != http.StatusOK {
		t.Errorf("another run: %d", code)
	}
}

func TestALeaseNeverGoesBeyondTheProgramsDeadline(t *testing.T) {
	c := newClient(t, aContainer())
	c.h.cfg.deadline = c.clock.now.Add(time.Second)
	_, a := c.lease("r1")
	if got := int64(a["deadline_unix_ns"].(float64)); got > c.h.cfg.deadline.UnixNano()+1000 {
		t.Errorf("the deadline is %d", got)
	}
}

func TestAnotherRunsLeaseIsNamedAndLeftAlone(t *testing.T) {
	c := newClient(t, aContainer())
	c.lease("r1")
	if code, a := c.lease("r2"); code != http.StatusConflict || a["holder"] != "r1" {
		t.Errorf("%d %v", code, a)
	}
	if code, a := c.ask("DELETE", "/lease", `{"run":"r2"}`); code != http.StatusOK || a["released"] != false {
		t.Errorf("%d %v", code, a)
	}
	if code, a := c.ask("POST", "/release", `{"run":"r2"}`); code != http.StatusPreconditionFailed || a["holder"] != "r1" {
		t.Errorf("%d %v", code, a)
	}
}

func TestRequestsThatAreNoneAreNamed(t *testing.T) {
	c := newClient(t, aContainer())
	c.lease("r1")
	for _, bad := range []struct {
		method, path, body string
		status             int
		code               string
	}{
		{"POST", "/memory", `{"run":"r1","level_percent":1001}`, 400, "bad-request"},
		{"POST", "/memory", `{"run":"r1","level_percent":50}{}`, 400, "bad-request"},
		{"POST", "/memory", `{"run":"","level_percent":50}`, 400, "bad-request"},
		{"POST", "/memory", `{"run":"r1","level_percent":50}`, 422, "target-gone"}, // no process in it
		{"POST", "/lease", `{"run":"r1","ttl_ms":1,"deadline_ms":5000}`, 400, "bad-request"},
		{"POST", "/memory", `{"run":"` + strings.Repeat("x", maxBody) + `"}`, 413, "too-large"},
		{"POST", "/sample", `{}`, 405, "method-not-allowed"},
		{"GET", "/nothing", ``, 404, "not-found"},
	} {
		if code, a := c.ask(bad.method, bad.path, bad.body); code != bad.status || a["code"] != bad.code {
			t.Errorf("%s %.60s: %d %v", bad.path, bad.body, code, a)
		}
	}
}

func TestASampleOfAContainerThatIsGoneSaysSo(t *testing.T) {
	c := newClient(t, nil)
	_, a := c.ask("GET", "/sample", "")
	if a["cgroup"] != nil || a["events"] != nil || a["stress"].(map[string]any)["state"] != "gone" {
		t.Errorf("%v", a)
	}
}

func TestAGoalIsWorkedOutOfTheContainersOwnLimit(t *testing.T) {
	percent, bytes, reserve := 12.5, int64(5<<20), int64(3<<20)
	m := cgroup.Memory{Limit: 400 << 20, WorkingSet: 7}
	for _, c := range []struct {
		q    memoryRequest
		want control.Goal
	}{
		{memoryRequest{LevelPercent: &percent, RampMs: 50}, control.Goal{Limit: 400 << 20, Level: 50 << 20, Reserve: 4 << 20, From: 7, Ramp: 50 * time.Millisecond, Most: 400 << 20}},
		{memoryRequest{LevelBytes: &bytes, ReserveBytes: &reserve}, control.Goal{Limit: 400 << 20, Level: 5 << 20, Reserve: 3 << 20, From: 7, Most: 400 << 20}},
		{memoryRequest{LevelBytes: &bytes, OOM: "expected"}, control.Goal{Limit: 400 << 20, Level: 5 << 20, From: 7, Expected: true, Most: 800 << 20}},
	} {
		if got := c.q.goal(m, 0); got != c.want {
			t.Errorf("%+v, want %+v", got, c.want)
		}
	}
}

func TestSizesAreReadWithBinaryUnitsOnly(t *testing.T) {
	for text, want := range map[string]int64{"0": 0, "12": 12, "1KiB": 1024, "3MiB": 3 << 20, "2GiB": 2 << 30, "1MB": -1, "-1": -1, "": -1, "MiB": -1} {
		got := int64(-1)
		if err := size(&got)(text); (err != nil) != (want < 0) || got != want {
			t.Errorf("%q: %d, %v", text, got, err)
		}
	}
}

func TestTheStoreHoldsWhatItIsToldToThePage(t *testing.T) {
	s := &store{page: os.Getpagesize()}
	for _, want := range []int64{0, 4096, chunkSize - 4096, chunkSize, chunkSize + 4096, 5*chunkSize + 8192, 2*chunkSize + 4096, chunkSize, 12288, 0} {
		if err := s.hold(want + 100); err != nil {
			t.Fatal(err)
		}
		chunks := (want + chunkSize - 1) / chunkSize
		if s.held != want || int64(len(s.chunks)) != chunks {
			t.Errorf("told %d: holds %d in %d chunks", want, s.held, len(s.chunks))
		}
	}
}

func TestOtherThanAnAnswerOfTheHogIsAnError(t *testing.T) {
	a := &arm{lines: make(chan string, 1), ended: make(chan struct{})}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	a.in = w
	if err := a.hold(4096, leastYield); err != errSlow {
		t.Errorf("no answer: %v", err)
	}
	a.lines <- "error mmap: out of memory"
	if err := a.hold(4096, leastYield); err == nil || err.Error() != "mmap: out of memory" {
		t.Errorf("an error: %v", err)
	}
	close(a.ended)
	if err := a.hold(4096, leastYield); err == nil {
		t.Error("an ended hog gave an answer")
	}
}

func TestPatienceIsHalfOfWhatTheServiceLeaves(t *testing.T) {
	for spare, want := range map[time.Duration]time.Duration{time.Hour: yieldTime, 20 * time.Millisecond: 10 * time.Millisecond, 0: leastYield} {
		if got := patience(true, spare); got != want {
			t.Errorf("%s: %s", spare, got)
		}
	}
	if got := patience(false, 0); got != ackTime {
		t.Errorf("to grow: %s", got)
	}
}

func TestWhoHoldsMemoryForATestIsToldByTheCommandLine(t *testing.T) {
	for line, hog := range map[string]bool{
		"chaosmem-helper\x00hog\x00/group\x00": true,
		"memStress\x00--size\x0064MB\x00":      true,
		"/usr/local/bin/memStress\x00":         true,
		"/app/shop\x00-addr\x00memStress\x00":  false,
		"chaosmem-helper\x00load\x00":          false,
		"":                                     false,
	} {
		proc := t.TempDir()
		if err := errors.Join(
			os.Mkdir(filepath.Join(proc, "7"), 0o700),
			os.WriteFile(filepath.Join(proc, "7", "cmdline"), []byte(line), 0o600),
		); err != nil {
			t.Fatal(err)
		}
		if (node{proc}).isHog(7) != hog {
			t.Errorf("%q: want %v", line, hog)
		}
	}
}
