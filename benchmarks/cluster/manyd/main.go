// Command manyd answers as many pods at once: a real agent behind every address of 127.0.0.0/8.
package main

import (
	"fmt"
	"net"
	"net/http"
	"os"

	"chaosmem/agent"
)

func main() {
	mux := http.NewServeMux()
	agent.Mount(mux)
	listener, err := net.Listen("tcp", ":0")
	if err != nil {
		fmt.Fprintln(os.Stderr, "manyd:", err)
		os.Exit(1)
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	_ = http.Serve(listener, mux)
}
