//go:build linux

package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"
)

const loadToken = "0123456789abcdef"

func ask(t *testing.T, base, method, path string, in, out any) int {
	t.Helper()
	b, _ := json.Marshal(in)
	r, _ := http.NewRequest(method, base+prefix+path, bytes.NewReader(b))
	r.Header.Set(tokenHeader, loadToken)
	a, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	if out != nil {
		if err := json.NewDecoder(a.Body).Decode(out); err != nil {
			t.Fatal(err)
		}
	}
	return a.StatusCode
}

func loading(t *testing.T) (l *loader, base string, target *httptest.Server, got *atomic.Int64) {
	got = new(atomic.Int64)
	target = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got.Add(1)
		if r.URL.Path == "/bad" {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	t.Cleanup(target.Close)
	l = newLoader(systemClock{}, config{})
	s := httptest.NewServer(l.server(loadToken))
	t.Cleanup(func() { l.stop(); s.Close() })
	return l, s.URL, target, got
}

func order(target string) loadRequest {
	return loadRequest{Run: "r", URL: target, Rate: 200, TimeoutMs: 1000, Connections: 4,
		Mix: []shot{{Method: "GET", Path: "/good", Weight: 1}, {Method: "GET", Path: "/bad", Weight: 1}}}
}

func TestWithoutALeaseNothingIsSent(t *testing.T) {
	_, base, target, got := loading(t)
	if code := ask(t, base, "POST", "/load", order(target.URL), nil); code != http.StatusPreconditionFailed {
		t.Fatalf("status %d", code)
	}
	if got.Load() != 0 {
		t.Fatalf("%d requests without a lease", got.Load())
	}
}

func TestEachRequestIsAccountedForOnce(t *testing.T) {
	_, base, target, got := loading(t)
	ask(t, base, "POST", "/lease", leaseRequest{"r", 3000, 60000}, nil)
	if code := ask(t, base, "POST", "/load", order(target.URL), nil); code != http.StatusOK {
		t.Fatalf("status %d", code)
	}
	time.Sleep(300 * time.Millisecond)
	var first, rest resultsAnswer
	ask(t, base, "GET", "/results?after=0", nil, &first)
	ask(t, base, "POST", "/release", runRequest{"r"}, nil)
	time.Sleep(50 * time.Millisecond)
	ask(t, base, "GET", "/results?after="+jsonNumber(first.First+int64(len(first.Rows))), nil, &rest)
	rows := append(first.Rows, rest.Rows...)
	if len(rows) < 30 || int64(len(rows)) > got.Load() {
		t.Fatalf("%d results of %d requests that were answered", len(rows), got.Load())
	}
	bad := 0
	for _, r := range rows {
		if r[1] < r[0] {
			t.Fatalf("done before it was due: %v", r)
		}
		if r[2] == http.StatusServiceUnavailable && r[3] == kindStatus {
			bad++
		}
	}
	if bad == 0 || bad == len(rows) {
		t.Fatalf("%d of %d failed, half was asked for", bad, len(rows))
	}
}

func TestALostHeartbeatEndsTheLoad(t *testing.T) {
	_, base, target, got := loading(t)
	ask(t, base, "POST", "/lease", leaseRequest{"r", 200, 60000}, nil)
	ask(t, base, "POST", "/load", order(target.URL), nil)
	time.Sleep(400 * time.Millisecond)
	before := got.Load()
	time.Sleep(200 * time.Millisecond)
	if before == 0 || got.Load() != before {
		t.Fatalf("%d requests, %d more after the lease's end", before, got.Load()-before)
	}
}

func TestATargetThatIsNotThereIsCountedAsSuch(t *testing.T) {
	_, base, target, _ := loading(t)
	target.Close()
	ask(t, base, "POST", "/lease", leaseRequest{"r", 3000, 60000}, nil)
	ask(t, base, "POST", "/load", order(target.URL), nil)
	time.Sleep(150 * time.Millisecond)
	var found resultsAnswer
	ask(t, base, "GET", "/results?after=0", nil, &found)
	if len(found.Rows) == 0 || found.Rows[0][3] != kindConnect {
		t.Fatalf("results %v", found.Rows)
	}
}

func jsonNumber(n int64) string {
	b, _ := json.Marshal(n)
	return string(b)
}
