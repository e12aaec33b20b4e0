//go:build linux

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// The load mode sends HTTP requests at a fixed rate (open loop) from inside the cluster.
// Latency counts from a request's due time, so that a target that stalls is not hidden by
// a client that waits (coordinated omission).

const (
	loadName    = "load"
	maxLoadRate = 20000
	keptResults = 200000
	maxBacklog  = 10 * time.Second
	// Each idle connection holds a goroutine of the target; those of a burst would look
	// like goroutines that do not come back.
	idleTimeout = time.Second
)

// Kinds of errors, in the order of the results' numbers; -1 is none.
const (
	kindStatus = iota
	kindTimeout
	kindConnect
	kindBroken
	kindOverrun
)

type shot struct {
	Method  string            `json:"method"`
	Path    string            `json:"path"`
	Weight  int               `json:"weight"`
	Headers map[string]string `json:"headers"`
	Body    *string           `json:"body"`
}

type loadRequest struct {
	Run         string  `json:"run"`
	URL         string  `json:"url"`
	Rate        float64 `json:"rate"`
	TimeoutMs   int64   `json:"timeout_ms"`
	Connections int     `json:"connections"`
	Seed        uint64  `json:"seed"`
	Mix         []shot  `json:"mix"`
}

func (q *loadRequest) check() error {
	target, err := url.Parse(q.URL)
	switch {
	case err != nil || target.Scheme != "http" || target.Host == "":
		return badRequest("url is %q: an address such as http://10.0.0.7:8080", q.URL)
	case !(q.Rate > 0 && q.Rate <= maxLoadRate):
		return badRequest("rate is %g: above 0, at most %d a second", q.Rate, maxLoadRate)
	case q.TimeoutMs < 1 || q.Connections < 1 || len(q.Mix) == 0:
		return badRequest("timeout_ms and connections must be at least 1, and mix must not be empty")
	}
	for _, s := range q.Mix {
		if s.Weight < 1 || !strings.HasPrefix(s.Path, "/") {
			return badRequest("each of mix needs a weight of at least 1 and a path that begins with /")
		}
	}
	return nil
}

// result is one request: due and done in Unix nanoseconds, status, kind of error or -1.
type result [4]int64

// loader is the load of one run.
type loader struct {
	h      *helper
	mu     sync.Mutex
	rows   []result
	first  int64 // number of rows[0]
	sent   atomic.Int64
	cancel context.CancelFunc
	done   chan struct{}
}

func runLoad(args []string) int {
	listen, deadline := ":9798", time.Time{}
	f := flag.NewFlagSet(programName+" load", flag.ContinueOnError)
	f.StringVar(&listen, "listen", listen, "address to listen on")
	f.Func("deadline", "RFC 3339 time at which the program ends", func(v string) (err error) {
		deadline, err = time.Parse(time.RFC3339, v)
		return err
	})
	if err := f.Parse(args); err != nil {
		return exitUsage
	}
	token := os.Getenv(tokenEnv)
	if deadline.IsZero() || len(token) < minToken || f.NArg() > 0 {
		fmt.Fprintf(os.Stderr, "%s load: --deadline and a token in %s are needed\n", programName, tokenEnv)
		return exitUsage
	}
	listener, err := net.Listen("tcp", listen)
	if err != nil {
		fmt.Fprintln(os.Stderr, programName+": cannot listen:", err)
		return exitUsage
	}
	fmt.Println("listening on", listener.Addr())
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	l := newLoader(systemClock{}, config{deadline: deadline})
	s := &http.Server{Handler: l.server(token), ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = s.Serve(listener) }()
	<-ctx.Done()
	l.stop()
	_ = s.Close()
	return 0
}

func newLoader(c clock, cfg config) *loader {
	return &loader{h: &helper{cfg: cfg, clock: c}}
}

func (l *loader) server(token string) *server {
	s := newServer(l.h, token)
	s.routes = map[string]map[string]handler{
		"/info":    {"GET": answer(func() any { return map[string]any{"load": protocolVersion, "now_unix_ns": time.Now().UnixNano()} })},
		"/lease":   {"POST": body(func(q *leaseRequest) (any, error) { return l.h.renew(q) }), "DELETE": body(l.drop)},
		"/load":    {"POST": body(l.begin)},
		"/results": {"GET": l.results},
		"/release": {"POST": body(l.release)},
	}
	return s
}

type loadAnswer struct {
	UnixNs int64 `json:"unix_ns"`
	Sent   int64 `json:"sent"`
}

func (l *loader) begin(q *loadRequest) (any, error) {
	if err := q.check(); err != nil {
		return nil, err
	}
	l.h.mu.Lock()
	err := l.h.live(q.Run)
	l.h.mu.Unlock()
	if err != nil {
		return nil, err
	}
	l.stop()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	l.mu.Lock()
	l.cancel, l.done = cancel, done
	l.mu.Unlock()
	begin := time.Now()
	go l.pace(ctx, done, q, begin)
	return loadAnswer{begin.UnixNano(), l.sent.Load()}, nil
}

// pace sends each request when it is due, as long as the run's lease is alive.
func (l *loader) pace(ctx context.Context, done chan struct{}, q *loadRequest, begin time.Time) {
	defer close(done)
	timeout := time.Duration(q.TimeoutMs) * time.Millisecond
	transport := &http.Transport{MaxConnsPerHost: q.Connections, MaxIdleConnsPerHost: q.Connections, IdleConnTimeout: idleTimeout, DisableCompression: true}
	client := &http.Client{Transport: transport, Timeout: timeout, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	defer transport.CloseIdleConnections()
	draw := newDraw(q)
	var flying sync.WaitGroup
	defer flying.Wait()
	gate := make(chan struct{}, 4*q.Connections)
	for number := 0; ; number++ {
		due := begin.Add(time.Duration(float64(number) / q.Rate * float64(time.Second)))
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Until(due)):
		}
		if l.ended(q.Run) {
			return
		}
		l.sent.Add(1)
		s := draw()
		select {
		case gate <- struct{}{}:
		default:
			if time.Since(due) > maxBacklog {
				l.keep(result{due.UnixNano(), time.Now().UnixNano(), 0, kindOverrun})
				continue
			}
			gate <- struct{}{}
		}
		flying.Add(1)
		go func() {
			defer func() { <-gate; flying.Done() }()
			status, kind := fire(ctx, client, q.URL, s)
			if ctx.Err() == nil {
				l.keep(result{due.UnixNano(), time.Now().UnixNano(), int64(status), int64(kind)})
			}
		}()
	}
}

// ended tells whether the run's lease is no more: the dead-man.
func (l *loader) ended(run string) bool {
	l.h.mu.Lock()
	defer l.h.mu.Unlock()
	return l.h.live(run) != nil
}

func newDraw(q *loadRequest) func() shot {
	random := rand.New(rand.NewPCG(q.Seed, 0))
	total := 0
	for _, s := range q.Mix {
		total += s.Weight
	}
	return func() shot {
		at := random.IntN(total)
		for _, s := range q.Mix {
			if at -= s.Weight; at < 0 {
				return s
			}
		}
		return q.Mix[0]
	}
}

func fire(ctx context.Context, client *http.Client, base string, s shot) (status, kind int) {
	var body io.Reader
	if s.Body != nil {
		body = strings.NewReader(*s.Body)
	}
	request, err := http.NewRequestWithContext(ctx, s.Method, strings.TrimRight(base, "/")+s.Path, body)
	if err != nil {
		return 0, kindBroken
	}
	for name, value := range s.Headers {
		request.Header.Set(name, value)
	}
	response, err := client.Do(request)
	if err == nil {
		_, err = io.Copy(io.Discard, response.Body)
		_ = response.Body.Close()
	}
	if err != nil {
		return 0, kindOf(err)
	}
	if response.StatusCode >= http.StatusInternalServerError {
		return response.StatusCode, kindStatus
	}
	return response.StatusCode, -1
}

func kindOf(err error) int {
	var netError net.Error
	var opError *net.OpError
	switch {
	case errors.As(err, &netError) && netError.Timeout():
		return kindTimeout
	case errors.As(err, &opError) && opError.Op == "dial":
		return kindConnect
	}
	return kindBroken
}

// keep remembers a result until it is read; the oldest go first.
func (l *loader) keep(r result) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rows = append(l.rows, r)
	if over := len(l.rows) - keptResults; over > 0 {
		l.rows = append([]result(nil), l.rows[over:]...)
		l.first += int64(over)
	}
}

type resultsAnswer struct {
	NowUnixNs int64    `json:"now_unix_ns"`
	First     int64    `json:"first"`
	Sent      int64    `json:"sent"`
	Rows      []result `json:"rows"`
}

const maxRows = 20000

// results answers the results from number `after` on; those before are forgotten.
func (l *loader) results(w http.ResponseWriter, r *http.Request) error {
	var after int64
	if _, err := fmt.Sscan(r.URL.Query().Get("after"), &after); err != nil || after < 0 {
		return badRequest("after is %q: the number of the first result that is wanted", r.URL.Query().Get("after"))
	}
	l.mu.Lock()
	if drop := after - l.first; drop > 0 {
		drop = min(drop, int64(len(l.rows)))
		l.rows, l.first = l.rows[drop:], l.first+drop
	}
	rows := append([]result{}, l.rows[:min(len(l.rows), maxRows)]...)
	first := l.first
	l.mu.Unlock()
	return encode(w, resultsAnswer{time.Now().UnixNano(), first, l.sent.Load(), rows})
}

func (l *loader) release(q *runRequest) (any, error) {
	if err := checkRun(q.Run); err != nil {
		return nil, err
	}
	at := time.Now().UnixNano()
	l.stop()
	return map[string]int64{"released_unix_ns": at, "sent": l.sent.Load()}, nil
}

func (l *loader) drop(q *runRequest) (any, error) {
	l.stop()
	return l.h.drop(q)
}

// stop ends the load and waits for its last request. Idempotent.
func (l *loader) stop() {
	l.mu.Lock()
	cancel, done := l.cancel, l.done
	l.cancel, l.done = nil, nil
	l.mu.Unlock()
	if cancel != nil {
		cancel()
		<-done
	}
}
