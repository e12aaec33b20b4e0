// Command demo is a small shop service for trying chaosmem on: carts, a product
// cache, a worker pool, Prometheus metrics, pprof and the chaosmem agent. It can be
// started with one known defect; see README.md.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

const (
	headerTimeout = 5 * time.Second
	// idleTimeout is short, because each idle keep-alive connection holds a goroutine
	// and would otherwise look like one that does not come back.
	idleTimeout  = 3 * time.Second
	drainTimeout = 5 * time.Second
)

type options struct {
	addr, debugAddr, defect string
}

func parse(args []string) (options, error) {
	o := options{addr: "127.0.0.1:8080"}
	if port := os.Getenv("PORT"); port != "" {
		o.addr = ":" + port
	}
	flags := flag.NewFlagSet("demo", flag.ContinueOnError)
	flags.StringVar(&o.addr, "addr", o.addr, "`address` to listen on; port 0 takes a free one (default :$PORT where set)")
	flags.StringVar(&o.debugAddr, "debug-addr", "", "`address` for metrics, pprof and the agent, when they shall not share -addr")
	flags.StringVar(&o.defect, "defect", "none", "start with this known `defect`; list shows them")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	return o, nil
}

func main() {
	o, err := parse(os.Args[1:])
	switch {
	case errors.Is(err, flag.ErrHelp):
		return
	case err != nil:
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(2)
	case o.defect == "list":
		listDefects(os.Stdout)
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

// run serves until the context ends, then lets the requests under way finish.
func run(ctx context.Context, o options) error {
	d, err := findDefect(o.defect)
	if err != nil {
		return err
	}
	a, err := newApp(d)
	if err != nil {
		return err
	}
	if o.debugAddr == "" {
		return serve(ctx, listenerAt{"listening", o.addr, a.handler(true)})
	}
	return serve(ctx,
		listenerAt{"listening", o.addr, a.handler(false)},
		listenerAt{"debug listening", o.debugAddr, a.debugHandler()})
}

type listenerAt struct {
	what, addr string
	handler    http.Handler
}

func serve(ctx context.Context, at ...listenerAt) error {
	failed := make(chan error, len(at))
	servers := make([]*http.Server, 0, len(at))
	for _, a := range at {
		l, err := net.Listen("tcp", a.addr)
		if err != nil {
			return err
		}
		s := &http.Server{Handler: a.handler, ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout}
		servers = append(servers, s)
		go func() { failed <- s.Serve(l) }()
		fmt.Fprintf(os.Stderr, "%s on %s\n", a.what, l.Addr())
	}
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	deadline, cancel := context.WithTimeout(context.Background(), drainTimeout)
	defer cancel()
	for _, s := range servers {
		if err := s.Shutdown(deadline); err != nil {
			return fmt.Errorf("shutting down: %w", err)
		}
	}
	return nil
}
