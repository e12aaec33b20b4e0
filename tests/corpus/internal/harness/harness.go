// Package harness is what the programs of the corpus share: one HTTP port with
// pprof, the agent and the program's own record of the truth.
package harness

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/pprof"
	"os"
	"os/signal"
	"syscall"
	"time"

	"chaosmem/agent"
)

const (
	headerTimeout = 5 * time.Second
	idleTimeout   = 3 * time.Second // idle connections hold goroutines
	drainTimeout  = time.Second
)

// Wrap is a misbehaviour: it gets the handler of all paths and returns another.
type Wrap = func(http.Handler) http.Handler

// Serve serves until SIGTERM or SIGINT. It reads -addr, and prints one line,
// "listening on ADDRESS", to stderr.
func Serve(wraps ...Wrap) {
	addr := flag.String("addr", "127.0.0.1:0", "`address` to listen on; port 0 takes a free one")
	flag.Parse()
	handler := http.Handler(newMux())
	for _, wrap := range wraps {
		handler = wrap(handler)
	}
	l, err := net.Listen("tcp", *addr)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	s := &http.Server{Handler: handler, ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	go s.Serve(l)
	fmt.Fprintf(os.Stderr, "listening on %s\n", l.Addr())
	<-ctx.Done()
	deadline, cancel := context.WithTimeout(context.Background(), drainTimeout)
	defer cancel()
	_ = s.Shutdown(deadline)
}

func newMux() *http.ServeMux {
	mux := http.NewServeMux()
	ok := func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok\n") }
	mux.HandleFunc("/healthz", ok)
	mux.HandleFunc("/readyz", ok)
	mux.HandleFunc("/truth", serveTruth)
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	agent.Mount(mux)
	return mux
}
