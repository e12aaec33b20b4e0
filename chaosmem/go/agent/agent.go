// Package agent applies memory pressure inside a Go process and reads its
// runtime, on behalf of chaosmem.
//
// A service mounts it beside net/http/pprof:
//
//	agent.Mount(mux)
//	agent.HeapPoint("inventory.(*Cache).Fill", cache.Fill)
//
// The agent is off, and answers 404 to everything, unless the environment
// variable CHAOSMEM_AGENT_TOKEN holds a token of at least 16 characters. When on,
// it does nothing but answer until a client takes a lease. A lease ends at its
// deadline, when its heartbeat is missed, or when it is deleted; whatever ends it,
// everything is released and every runtime setting is put back.
//
// The protocol is documented in docs/agent-protocol.md.
package agent

import (
	"log"
	"net/http"
	"os"
	"strings"
	"sync"
)

// TokenEnv names the environment variable that holds the token.
const TokenEnv = "CHAOSMEM_AGENT_TOKEN"

// TokenHeader carries the token where Authorization does not arrive: the Kubernetes
// API server's pod proxy keeps that one to itself.
const TokenHeader = "Chaosmem-Token"

// DefaultPrefix is the path below which the agent answers.
const DefaultPrefix = "/debug/chaosmem"

const (
	protocolVersion = "1"
	minTokenLength  = 16
)

// Limits bound what one process lets the agent hold at any moment.
type Limits struct {
	HeapBytes  int64 // retained bytes, the application's heap points included
	Goroutines int64 // goroutines, the application's goroutine points included
}

var defaultLimits = Limits{HeapBytes: 4 << 30, Goroutines: 1_000_000}

type config struct {
	prefix string
	limits Limits
}

// An Option changes how the agent is mounted.
type Option func(*config)

// WithPrefix moves the agent from DefaultPrefix to another path.
func WithPrefix(prefix string) Option {
	return func(c *config) { c.prefix = "/" + strings.Trim(prefix, "/") }
}

// WithLimits sets the process's limits. A field that is zero or less keeps its default.
func WithLimits(l Limits) Option {
	return func(c *config) { c.limits = l }
}

func newConfig(opts []Option) config {
	c := config{prefix: DefaultPrefix}
	for _, o := range opts {
		o(&c)
	}
	return c
}

// Mount registers the agent on mux. It is cheap, starts no goroutine, and may be
// called for several muxes: they share one agent.
func Mount(mux *http.ServeMux, opts ...Option) {
	mux.Handle(newConfig(opts).prefix+"/", Handler(opts...))
}

// Handler returns the agent for routers other than http.ServeMux. It wants the
// whole path, prefix included.
func Handler(opts ...Option) http.Handler {
	cfg := newConfig(opts)
	token := os.Getenv(TokenEnv)
	if len(token) < minTokenLength {
		if token != "" {
			log.Printf("chaosmem agent: off: %s has %d characters, at least %d are needed", TokenEnv, len(token), minTokenLength)
		}
		return http.HandlerFunc(off)
	}
	return newServer(theCore(), cfg, token)
}

// off answers as if nothing were mounted, without even a body to tell it by.
func off(w http.ResponseWriter, _ *http.Request) {
	w.WriteHeader(http.StatusNotFound)
}

// theCore is the process's one agent state: GOGC, GOMEMLIMIT and the heap are the
// process's, so two states would undo each other's settings.
var theCore = sync.OnceValue(func() *core { return newCore(systemClock{}) })
