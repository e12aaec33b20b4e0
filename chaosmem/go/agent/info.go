package agent

import (
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"time"
)

// started is when this package was initialised, some milliseconds into the process.
var started = time.Now()

type infoAnswer struct {
	Agent           string            `json:"agent"`
	Go              string            `json:"go"`
	PID             int               `json:"pid"`
	StartUnixNs     int64             `json:"start_unix_ns"`
	NowUnixNs       int64             `json:"now_unix_ns"`
	GOMAXPROCS      int               `json:"gomaxprocs"`
	NumCPU          int               `json:"num_cpu"`
	Module          string            `json:"module"`
	Main            string            `json:"main"`
	BuildSettings   map[string]string `json:"build_settings"`
	GODEBUG         string            `json:"godebug"`
	GOGC            int64             `json:"gogc"`
	GOMEMLIMIT      int64             `json:"gomemlimit"`
	MemProfileRate  int               `json:"memprofilerate"`
	HeapPoints      []string          `json:"heap_points"`
	GoroutinePoints []string          `json:"goroutine_points"`
	Limits          infoLimits        `json:"limits"`
}

type infoLimits struct {
	HeapBytes  int64 `json:"heap_bytes"`
	Goroutines int64 `json:"goroutines"`
}

func (c *core) info() any {
	s := readSettings()
	c.mu.Lock()
	limits := c.limits
	c.mu.Unlock()
	a := &infoAnswer{
		Agent: protocolVersion, Go: runtime.Version(), PID: os.Getpid(),
		StartUnixNs: started.UnixNano(), NowUnixNs: c.clock.Now().UnixNano(),
		GOMAXPROCS: runtime.GOMAXPROCS(0), NumCPU: runtime.NumCPU(),
		GODEBUG: os.Getenv("GODEBUG"), GOGC: s.GOGC, GOMEMLIMIT: s.GOMEMLIMIT, MemProfileRate: runtime.MemProfileRate,
		Limits: infoLimits(limits),
	}
	a.HeapPoints, a.GoroutinePoints = points.names()
	a.addBuild()
	return a
}

func (a *infoAnswer) addBuild() {
	a.BuildSettings = map[string]string{}
	b, ok := debug.ReadBuildInfo()
	if !ok {
		return
	}
	a.Module, a.Main = b.Main.Path, b.Path
	for _, s := range b.Settings {
		if tellable(s.Key) {
			a.BuildSettings[s.Key] = s.Value
		}
	}
}

// tellable keeps linker and compiler flags in: -X has carried secrets before.
func tellable(key string) bool {
	switch key {
	case "DefaultGODEBUG", "-race", "-tags", "-compiler", "-buildmode", "CGO_ENABLED":
		return true
	}
	return strings.HasPrefix(key, "GO") || strings.HasPrefix(key, "vcs")
}
