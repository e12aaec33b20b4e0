// Teller prints numbered lines, each with the time of its start, and fails after the last one.
package main

import (
	"flag"
	"fmt"
	"os"
	"time"
)

func main() {
	lines := flag.Int("lines", 100, "lines to print before it fails")
	every := flag.Duration("every", 10*time.Millisecond, "time between two lines")
	flag.Parse()
	start := time.Now().UnixNano()
	for i := range *lines {
		fmt.Fprintf(os.Stderr, "%d %d\n", start, i)
		time.Sleep(*every)
	}
	fmt.Fprintf(os.Stderr, "%d end\n", start)
	os.Exit(1)
}
