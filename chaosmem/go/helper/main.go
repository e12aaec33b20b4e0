//go:build linux

// Command helper observes and stresses the memory of one container of one pod, from
// a pod of its own on the same node. docs/helper-protocol.md describes it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"chaosmem/helper/cgroup"
)

const (
	exitUsage    = 2
	exitNotFound = 3
	podRoot      = "/host/cgroup"
	hostRoot     = "/sys/fs/cgroup"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == hogName {
		os.Exit(hog(os.Args[2:]))
	}
	if len(os.Args) > 1 && os.Args[1] == loadName {
		os.Exit(runLoad(os.Args[2:]))
	}
	log.SetFlags(log.LstdFlags | log.Lmicroseconds | log.LUTC)
	os.Exit(run(os.Args[1:]))
}

type options struct {
	config
	listen, token string
	proc          string
}

func run(args []string) int {
	o, err := parse(args)
	if err != nil {
		fmt.Fprintln(os.Stderr, programName+":", err)
		return exitUsage
	}
	place, err := cgroup.Find(o.cgroupRoot, o.podUID, o.containerID)
	if err != nil {
		fmt.Fprintln(os.Stderr, programName+":", err)
		return exitNotFound
	}
	h := &helper{cfg: o.config, clock: systemClock{}, place: place, node: node{o.proc}, spawn: newSpawner()}
	listener, err := net.Listen("tcp", o.listen)
	if err != nil {
		fmt.Fprintln(os.Stderr, programName+": cannot listen:", err)
		return exitUsage
	}
	fmt.Println("listening on", listener.Addr())
	return h.serve(listener, o.token)
}

// serve answers until a signal or the deadline. The main goroutine starts the hogs:
// it has the one thread that surely lives as long as the process.
func (h *helper) serve(l net.Listener, token string) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if !h.cfg.deadline.IsZero() {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, h.cfg.deadline)
		defer cancel()
		// the last word, should something below hang: it takes the hog along
		time.AfterFunc(time.Until(h.cfg.deadline)+goneTime+time.Second, func() { os.Exit(0) })
	}
	s := &http.Server{Handler: newServer(h, token), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10}
	go func() {
		if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			log.Printf("chaosmem helper: %v", err)
			stop()
		}
	}()
	h.spawn.serve(ctx.Done())
	h.shutdown()
	_ = s.Close()
	return 0
}

// shutdown ends whatever there is.
func (h *helper) shutdown() {
	h.mu.Lock()
	var s *stress
	if h.lease != nil {
		s = h.endLease()
	}
	h.closed = true
	h.mu.Unlock()
	letGo(s)
}

func parse(args []string) (options, error) {
	o := options{token: os.Getenv(tokenEnv)}
	f := flag.NewFlagSet(programName, flag.ContinueOnError)
	f.StringVar(&o.listen, "listen", ":9797", "address to listen on")
	f.StringVar(&o.cgroupRoot, "cgroup-root", defaultRoot(), "the node's cgroup file system")
	f.StringVar(&o.proc, "proc-root", "/proc", "a /proc that shows the node's processes")
	f.StringVar(&o.podUID, "pod-uid", "", "metadata.uid of the pod")
	f.StringVar(&o.containerID, "container-id", "", "containerID of the container's status")
	f.BoolVar(&o.observeOnly, "observe-only", false, "refuse every act")
	f.Func("deadline", "RFC 3339 time at which the program ends", func(v string) (err error) {
		o.deadline, err = time.Parse(time.RFC3339, v)
		return err
	})
	o.nodeReserve = 256 << 20
	f.Func("node-reserve", "memory of the node that stays free (default 256MiB)", size(&o.nodeReserve))
	f.Func("max-bytes", "the most that is ever held", size(&o.maxBytes))
	if err := f.Parse(args); err != nil {
		return o, err
	}
	return o, o.check(f.Args())
}

func (o *options) check(rest []string) error {
	switch {
	case len(rest) > 0:
		return fmt.Errorf("%q is not understood: all arguments are flags", rest[0])
	case o.podUID == "" || o.containerID == "":
		return errors.New("--pod-uid and --container-id are needed")
	case o.deadline.IsZero() && !o.observeOnly:
		return errors.New("--deadline is needed: what stresses must end by itself")
	case len(o.token) < minToken:
		return fmt.Errorf("%s has %d characters, at least %d are needed", tokenEnv, len(o.token), minToken)
	}
	return nil
}

func defaultRoot() string {
	if _, err := os.Stat(podRoot); err == nil {
		return podRoot
	}
	return hostRoot
}

// size reads bytes, with KiB, MiB or GiB behind or nothing.
func size(into *int64) func(string) error {
	return func(v string) error {
		number, shift := v, 0
		for unit, by := range map[string]int{"KiB": 10, "MiB": 20, "GiB": 30} {
			if n, ok := strings.CutSuffix(v, unit); ok {
				number, shift = n, by
			}
		}
		n, err := strconv.ParseInt(number, 10, 64)
		if err != nil || n < 0 || n > 1<<32 && shift > 0 {
			return fmt.Errorf("%q is no size: bytes, or with KiB, MiB or GiB", v)
		}
		*into = n << shift
		return nil
	}
}
