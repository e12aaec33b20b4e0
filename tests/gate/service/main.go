// Command service lets go of its goroutines as DRAIN says: after so long, or "never".
//
// With INERT it starts none, so that the fault cannot be proven. With FLAKY, a file, it
// counts its starts there, and every second one never lets go.
package main

import (
	"flag"
	"net/http"
	"os"
	"time"

	"chaosmem/agent"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:0", "`address` to listen on")
	flag.Parse()
	drain, never := behaviour()
	agent.GoroutinePoint("main.start", func(n int) (stop func()) {
		if os.Getenv("INERT") != "" {
			n = 0
		}
		quit := make(chan struct{})
		for range n {
			go func() { <-quit }()
		}
		return func() {
			if !never {
				time.AfterFunc(drain, func() { close(quit) })
			}
		}
	})
	mux := http.NewServeMux()
	mux.HandleFunc("/healthz", func(http.ResponseWriter, *http.Request) {})
	agent.Mount(mux)
	server := http.Server{Addr: *addr, Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	if err := server.ListenAndServe(); err != nil {
		panic(err)
	}
}

func behaviour() (drain time.Duration, never bool) {
	if os.Getenv("DRAIN") == "never" || secondStart(os.Getenv("FLAKY")) {
		return 0, true
	}
	drain, _ = time.ParseDuration(os.Getenv("DRAIN"))
	return drain, false
}

func secondStart(file string) bool {
	if file == "" {
		return false
	}
	starts, _ := os.ReadFile(file)
	if err := os.WriteFile(file, append(starts, '.'), 0o600); err != nil {
		panic(err)
	}
	return len(starts)%2 == 1
}
