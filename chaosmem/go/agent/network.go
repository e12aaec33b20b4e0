package agent

import (
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"time"
)

const (
	descriptorReserve = 64 // left to the application
	pairTimeout       = 5 * time.Second
)

// checkDescriptors refuses a surge that the process's file descriptors cannot carry.
func checkDescriptors(count int64) error {
	limit, ok := descriptorLimit()
	if !ok {
		return nil
	}
	spare := max(0, limit-openDescriptors()-descriptorReserve)
	if count+1 <= spare {
		return nil
	}
	return overLimit("%d network goroutines need as many file descriptors: %d are to spare of the %d that ulimit -n allows; ask for fewer or raise it",
		count, spare, limit)
}

func openDescriptors() int64 {
	entries, err := os.ReadDir("/dev/fd")
	if err != nil {
		return 0
	}
	return int64(len(entries))
}

// surgeNetwork starts goroutines in IO wait: one at each end of loopback
// connections on which nobody ever writes.
func (c *core) surgeNetwork(h *hold, q *goroutinesRequest) {
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		c.surgeFailed(err)
		return
	}
	defer l.Close()
	spare := net.Conn(nil) // the other end of a pair whose first end is used
	q.pacer(ownTick, 1).run(h.stop, func(int64) bool {
		conn := spare
		spare = nil
		if conn == nil {
			if conn, spare, err = loopbackPair(l); err != nil {
				c.surgeFailed(err)
				return false
			}
			h.keepSlow(closer(conn))
			h.keepSlow(closer(spare))
		}
		h.spawn(&c.held.network, func() { networkGoroutine(conn) })
		return true
	})
}

func (c *core) surgeFailed(err error) {
	c.acts.failed.Add(1)
	log.Printf("chaosmem agent: the network surge stopped: %v", err)
}

func closer(conn net.Conn) func() { return func() { conn.Close() } }

// networkGoroutine waits in the network poller until its connection is closed.
//
//go:noinline
func networkGoroutine(conn net.Conn) {
	var b [1]byte
	_, _ = io.ReadFull(conn, b[:])
}

// loopbackPair connects to the listener. Both ends reset on close, so that ending
// a surge leaves no ports in TIME_WAIT.
func loopbackPair(l *net.TCPListener) (near, far net.Conn, err error) {
	dialer := net.Dialer{Timeout: pairTimeout, KeepAlive: -1}
	near, err = dialer.Dial("tcp", l.Addr().String())
	if err != nil {
		return nil, nil, fmt.Errorf("connecting to itself: %w", err)
	}
	if far, err = acceptFrom(l, near.LocalAddr().String()); err != nil {
		near.Close()
		return nil, nil, err
	}
	_ = near.(*net.TCPConn).SetLinger(0)
	_ = far.(*net.TCPConn).SetLinger(0)
	return near, far, nil
}

// acceptFrom accepts the connection of that address and turns away any stranger
// who found the port meanwhile.
func acceptFrom(l *net.TCPListener, from string) (net.Conn, error) {
	if err := l.SetDeadline(time.Now().Add(pairTimeout)); err != nil {
		return nil, err
	}
	for {
		conn, err := l.Accept()
		if err != nil {
			return nil, fmt.Errorf("accepting from itself: %w", err)
		}
		if conn.RemoteAddr().String() == from {
			return conn, nil
		}
		conn.Close()
	}
}
