// Command target is a service in a container: it holds exactly the memory that it
// is told to, outside of the Go heap, and says what it holds.
//
// Lines on stdin: "grow BYTES SPEED" (bytes a second, 0: as fast as it can),
// "shrink BYTES", "cache FILE BYTES" (page cache). Each is answered by "ok HELD SECONDS".
package main

import (
	"bufio"
	"fmt"
	"os"
	"syscall"
	"time"
)

const (
	page  = 4096
	chunk = 64 << 10
)

var chunks [][]byte

func main() {
	fmt.Println("ready", os.Getpid())
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		began := time.Now()
		if err := do(in.Text()); err != nil {
			fmt.Println("error", err)
			continue
		}
		fmt.Println("ok", len(chunks)*chunk, time.Since(began).Seconds())
	}
}

func do(line string) error {
	var name, file string
	var bytes, speed int64
	if _, err := fmt.Sscanf(line, "cache %s %d", &file, &bytes); err == nil {
		return cache(file, bytes)
	}
	if n, _ := fmt.Sscanf(line, "%s %d %d", &name, &bytes, &speed); n < 2 {
		return fmt.Errorf("not understood: %s", line)
	}
	if name == "shrink" {
		return shrink(bytes)
	}
	return grow(bytes, speed)
}

func grow(bytes, speed int64) error {
	began := time.Now()
	for done := int64(0); done < bytes; done += chunk {
		b, err := syscall.Mmap(-1, 0, chunk, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_PRIVATE|syscall.MAP_ANON)
		if err != nil {
			return err
		}
		for at := 0; at < chunk; at += page {
			b[at] = 1
		}
		chunks = append(chunks, b)
		if speed > 0 {
			ahead := time.Duration(float64(done)/float64(speed)*1e9) - time.Since(began)
			if ahead > time.Millisecond {
				time.Sleep(ahead)
			}
		}
	}
	return nil
}

func shrink(bytes int64) error {
	for ; bytes > 0 && len(chunks) > 0; bytes -= chunk {
		last := len(chunks) - 1
		if err := syscall.Munmap(chunks[last]); err != nil {
			return err
		}
		chunks = chunks[:last]
	}
	return nil
}

// cache writes a file and leaves it in the page cache.
func cache(name string, bytes int64) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	defer f.Close()
	block := make([]byte, chunk)
	for ; bytes > 0; bytes -= chunk {
		if _, err := f.Write(block); err != nil {
			return err
		}
	}
	return nil
}
