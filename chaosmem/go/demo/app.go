package main

import (
	"io"
	"net/http"
	"net/http/pprof"

	"chaosmem/agent"
	"chaosmem/demo/cart"
	"chaosmem/demo/inventory"
	"chaosmem/demo/metrics"
)

const (
	cacheCapacity = 8 << 20
	maxCarts      = 10_000
	workers       = 4
)

// app is the service, apart from what it listens on.
type app struct {
	carts    *cart.Service
	requests *metrics.Requests
}

// newApp makes the service and declares its injection points.
func newApp(d defect) (*app, error) {
	s := &cart.Service{
		Store: cart.NewStore(maxCarts),
		Cache: inventory.NewCache(cacheCapacity, d.cache),
		Pool:  inventory.NewPool(workers, d.pool),
	}
	agent.HeapPoint("inventory.(*Cache).Fill", s.Cache.Fill)
	agent.GoroutinePoint("inventory.(*Pool).Start", s.Pool.Start)
	if d.before != nil {
		before, err := d.before()
		if err != nil {
			return nil, err
		}
		s.Before = before
	}
	if d.start != nil {
		d.start()
	}
	return &app{carts: s, requests: metrics.NewRequests()}, nil
}

// handler serves the shop, and with it the debug paths unless they have a port of
// their own.
func (a *app) handler(withDebug bool) http.Handler {
	shop := http.NewServeMux()
	a.carts.Routes(shop)
	shop.HandleFunc("GET /healthz", ok)
	shop.HandleFunc("GET /readyz", ok)
	mux := http.NewServeMux()
	mux.Handle("/", a.requests.Wrap(shop))
	if withDebug {
		a.debug(mux)
	}
	return mux
}

func (a *app) debugHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", ok)
	a.debug(mux)
	return mux
}

func (a *app) debug(mux *http.ServeMux) {
	mux.HandleFunc("GET /metrics", a.metrics)
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	agent.Mount(mux)
}

func ok(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok\n") }

func (a *app) metrics(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", metrics.ContentType)
	m := metrics.NewWriter(w)
	metrics.WriteGo(m)
	metrics.WriteProcess(m)
	a.requests.Write(m)
	m.Single("demo_carts", "gauge", "Carts in memory.", float64(a.carts.Store.Len()))
	m.Single("demo_cache_bytes", "gauge", "Bytes of products in the cache, about.", float64(a.carts.Cache.Bytes()))
}
