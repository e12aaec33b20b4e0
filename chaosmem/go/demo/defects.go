package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime/debug"
	"time"

	"chaosmem/demo/inventory"
)

const (
	slowDrain  = 8 * time.Second
	leakPeriod = time.Second
)

// defect is one known fault that the demo can be started with. README.md says which
// check each must trip.
type defect struct {
	name, help string
	cache      inventory.CacheDefects
	pool       inventory.PoolDefects
	before     func() (func(*http.Request), error) // makes what runs before each cart request
	start      func()
}

var defects = []defect{
	{name: "none", help: "healthy"},
	{name: "goroutine-leak", help: "the workers of a released surge stay", pool: inventory.PoolDefects{Leaks: true}},
	{name: "slow-drain", help: "the workers of a released surge stay for 8 s", pool: inventory.PoolDefects{Drain: slowDrain}},
	{name: "cache-never-evicts", help: "what the cache was filled with stays", cache: inventory.CacheDefects{NeverEvicts: true}},
	{name: "wrong-site", help: "the cache is filled by another function than the declared point", cache: inventory.CacheDefects{WrongSite: true}},
	{name: "idle-connection-leak", help: "each cart request leaves an idle connection open", before: leakConnections},
	{name: "ticker-leak", help: "each cart request leaves a running time.Ticker and its goroutine", before: leakTickers},
	{name: "gc-off", help: "the garbage collector is off", start: func() { debug.SetGCPercent(-1) }},
}

func findDefect(name string) (defect, error) {
	for _, d := range defects {
		if d.name == name {
			return d, nil
		}
	}
	return defect{}, fmt.Errorf("no defect %q: -defect list shows them", name)
}

func listDefects(w io.Writer) {
	for _, d := range defects {
		fmt.Fprintf(w, "%-22s %s\n", d.name, d.help)
	}
}

// leakConnections asks a price service over a new transport each time. Nobody closes
// the transport, so its connection, and three goroutines, stay.
func leakConnections() (func(*http.Request), error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	prices := &http.Server{ReadHeaderTimeout: headerTimeout, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "100")
	})}
	go prices.Serve(l)
	return func(r *http.Request) {
		client := &http.Client{Transport: &http.Transport{}}
		q, err := http.NewRequestWithContext(r.Context(), http.MethodGet, "http://"+l.Addr().String(), nil)
		if err != nil {
			return
		}
		if response, err := client.Do(q); err == nil {
			_, _ = io.Copy(io.Discard, response.Body)
			response.Body.Close()
		}
	}, nil
}

func leakTickers() (func(*http.Request), error) {
	return func(*http.Request) { go refresh(time.NewTicker(leakPeriod)) }, nil
}

// refresh never ends, since stopping a ticker would not close its channel and nobody
// stops this one anyway.
func refresh(t *time.Ticker) {
	for range t.C {
	}
}
