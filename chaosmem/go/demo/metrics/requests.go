package metrics

import (
	"net/http"
	"sort"
	"strconv"
	"sync"
	"time"
)

var durationBounds = []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5}

type requestKey struct {
	method, route string
	code          int
}

type durations struct {
	buckets []uint64 // one a bound, not yet cumulative
	count   uint64
	sum     float64
}

// Requests counts and times requests by route.
type Requests struct {
	mu      sync.Mutex
	counts  map[requestKey]uint64
	byRoute map[string]*durations
}

// NewRequests makes an empty record.
func NewRequests() *Requests {
	return &Requests{counts: map[requestKey]uint64{}, byRoute: map[string]*durations{}}
}

type statusRecorder struct {
	http.ResponseWriter
	status int
}

func (r *statusRecorder) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController reach the writer beneath.
func (r *statusRecorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// Wrap records the requests to mux under the patterns that match them.
func (q *Requests) Wrap(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begin := time.Now()
		recorder := &statusRecorder{ResponseWriter: w, status: http.StatusOK}
		_, pattern := mux.Handler(r)
		if pattern == "" {
			pattern = "none"
		}
		mux.ServeHTTP(recorder, r)
		q.observe(requestKey{r.Method, pattern, recorder.status}, time.Since(begin).Seconds())
	})
}

func (q *Requests) observe(key requestKey, seconds float64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.counts[key]++
	d := q.byRoute[key.route]
	if d == nil {
		d = &durations{buckets: make([]uint64, len(durationBounds)+1)}
		q.byRoute[key.route] = d
	}
	d.buckets[sort.SearchFloat64s(durationBounds, seconds)]++
	d.count++
	d.sum += seconds
}

// Write writes the counter and the histogram.
func (q *Requests) Write(w *Writer) {
	q.mu.Lock()
	defer q.mu.Unlock()
	w.Family("demo_http_requests_total", counter, "Requests by method, route and status code.")
	for _, key := range q.sortedKeys() {
		w.Sample("", float64(q.counts[key]), "method", key.method, "route", key.route, "code", strconv.Itoa(key.code))
	}
	w.Family("demo_http_request_duration_seconds", "histogram", "Time to answer by route.")
	for _, route := range sortedRoutes(q.byRoute) {
		q.byRoute[route].write(w, route)
	}
}

func (d *durations) write(w *Writer, route string) {
	cumulative := uint64(0)
	for i, bound := range durationBounds {
		cumulative += d.buckets[i]
		w.Sample("_bucket", float64(cumulative), "route", route, "le", number(bound))
	}
	w.Sample("_bucket", float64(d.count), "route", route, "le", "+Inf")
	w.Sample("_sum", d.sum, "route", route)
	w.Sample("_count", float64(d.count), "route", route)
}

func (q *Requests) sortedKeys() []requestKey {
	keys := make([]requestKey, 0, len(q.counts))
	for key := range q.counts {
		keys = append(keys, key)
	}
	sort.Slice(keys, func(i, j int) bool {
		a, b := keys[i], keys[j]
		if a.route != b.route {
			return a.route < b.route
		}
		if a.method != b.method {
			return a.method < b.method
		}
		return a.code < b.code
	})
	return keys
}

func sortedRoutes(m map[string]*durations) []string {
	routes := make([]string, 0, len(m))
	for route := range m {
		routes = append(routes, route)
	}
	sort.Strings(routes)
	return routes
}
