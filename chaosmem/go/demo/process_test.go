package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	token = "a token for the demo's tests"
	// clientEnv makes this test binary the client that TestAKilledClient kills.
	clientEnv = "DEMO_TEST_CLIENT"
	agentPath = "/debug/chaosmem/v1"
	ttl       = 500 * time.Millisecond
)

var binary string

func TestMain(m *testing.M) {
	if base := os.Getenv(clientEnv); base != "" {
		beClient(base)
	}
	os.Exit(build(m))
}

func build(m *testing.M) int {
	dir, err := os.MkdirTemp("", "demo")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "demo")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// service is one running demo.
type service struct {
	t     *testing.T
	cmd   *exec.Cmd
	bases []string // of the addresses it listens on
	lines *bufio.Scanner
}

func start(t *testing.T, listeners int, args ...string) *service {
	t.Helper()
	s := &service{t: t, cmd: exec.Command(binary, append([]string{"-addr", "127.0.0.1:0"}, args...)...)}
	s.cmd.Env = append(os.Environ(), "CHAOSMEM_AGENT_TOKEN="+token)
	pipe, err := s.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = s.cmd.Process.Kill()
		_ = s.cmd.Wait()
	})
	s.lines = bufio.NewScanner(pipe)
	for range listeners {
		if !s.lines.Scan() {
			t.Fatal("it ended before it listened")
		}
		_, addr, ok := strings.Cut(s.lines.Text(), "listening on ")
		if !ok {
			t.Fatalf("it said %q", s.lines.Text())
		}
		s.bases = append(s.bases, "http://"+addr)
	}
	return s
}

func do(base, method, path, body string) (int, []byte, error) {
	r, err := http.NewRequest(method, base+path, strings.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Close = true // a kept connection would hold a goroutine of the demo's
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	return answer.StatusCode, b, err
}

func (s *service) do(method, path, body string) []byte {
	s.t.Helper()
	status, b, err := do(s.bases[0], method, path, body)
	if err != nil || status >= 300 {
		s.t.Fatalf("%s %s: %d %s %v", method, path, status, b, err)
	}
	return b
}

type sample struct {
	Goroutines int
	Metrics    map[string]float64
	Held       struct {
		HeapBytes  int64 `json:"heap_bytes"`
		Goroutines int64
	}
	Acts struct{ Expired int }
}

func (s *service) sample() (v sample) {
	s.t.Helper()
	if err := json.Unmarshal(s.do("GET", agentPath+"/sample", ""), &v); err != nil {
		s.t.Fatal(err)
	}
	return v
}

func (s *service) eventually(what string, f func(sample) bool) {
	s.t.Helper()
	var last sample
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if last = s.sample(); f(last) {
			return
		}
	}
	s.t.Fatalf("%s: not in 10 s: %+v", what, last)
}

// beClient presses on a demo and keeps its lease up until it is killed.
func beClient(base string) {
	lease := fmt.Sprintf(`{"run":"client","ttl_ms":%d,"deadline_ms":60000}`, ttl.Milliseconds())
	for i := 0; ; i++ {
		if status, b, err := do(base, "POST", agentPath+"/lease", lease); status != http.StatusOK {
			fmt.Println(status, string(b), err)
			os.Exit(1)
		}
		if i == 0 {
			_, _, _ = do(base, "POST", agentPath+"/heap", `{"run":"client","bytes":16777216}`)
			_, _, _ = do(base, "POST", agentPath+"/goroutines", `{"run":"client","count":200,"state":"sleeping"}`)
			_, _, _ = do(base, "POST", agentPath+"/goroutines", `{"run":"client","count":100,"point":"inventory.(*Pool).Start"}`)
			_, _, _ = do(base, "POST", agentPath+"/runtime", `{"run":"client","gogc":-1}`)
		}
		time.Sleep(ttl / 5)
	}
}

func TestThePressureOfAKilledClientEndsByItself(t *testing.T) {
	s := start(t, 1)
	before := s.sample().Goroutines
	client := exec.Command(os.Args[0])
	client.Env = append(os.Environ(), clientEnv+"="+s.bases[0])
	if err := client.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Wait() })
	pressed := func(v sample) bool {
		return v.Held.Goroutines == 300 && v.Held.HeapBytes == 16<<20 && v.Metrics["/gc/gogc:percent"] > 1<<62
	}
	s.eventually("the pressure", pressed)
	time.Sleep(2 * ttl)
	if v := s.sample(); !pressed(v) {
		t.Fatalf("the heartbeat does not keep the lease: %+v", v)
	}
	if err := client.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	killed := time.Now()
	s.eventually("the end of the pressure", func(v sample) bool {
		return v.Held.Goroutines == 0 && v.Held.HeapBytes == 0 && v.Metrics["/gc/gogc:percent"] == 100 && v.Acts.Expired == 1 && v.Goroutines <= before+1
	})
	if took := time.Since(killed); took > ttl+time.Second {
		t.Errorf("it took %v, the lease has %v", took, ttl)
	}
}

func TestSIGTERMEndsItInOrder(t *testing.T) {
	s := start(t, 1)
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if s.lines.Scan() {
		t.Errorf("it said %q", s.lines.Text())
	}
	if err := s.cmd.Wait(); err != nil {
		t.Errorf("it ended with %v", err)
	}
}

func TestAPortInUseIsNamed(t *testing.T) {
	s := start(t, 1)
	out, err := exec.Command(binary, "-addr", strings.TrimPrefix(s.bases[0], "http://")).CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || !strings.Contains(string(out), "address already in use") {
		t.Errorf("%v: %s", err, out)
	}
}

func TestTheDebugPathsCanHaveAPortOfTheirOwn(t *testing.T) {
	s := start(t, 2, "-debug-addr", "127.0.0.1:0")
	for i, want := range []map[string]int{
		{"/readyz": 200, "/cart/1": 200, "/metrics": 404, "/debug/pprof/": 404, agentPath + "/info": 404},
		{"/healthz": 200, "/cart/1": 404, "/metrics": 200, "/debug/pprof/": 200, agentPath + "/info": 200},
	} {
		for path, code := range want {
			if got, _, err := do(s.bases[i], "GET", path, ""); got != code {
				t.Errorf("address %d: %s is %d %v, want %d", i, path, got, err, code)
			}
		}
	}
}

func TestTheListOfDefectsNamesThemAndAnUnknownOneIsRefused(t *testing.T) {
	out, err := exec.Command(binary, "-defect", "list").Output()
	for _, d := range defects {
		if err != nil || !strings.Contains(string(out), d.name+" ") {
			t.Errorf("no %s: %v\n%s", d.name, err, out)
		}
	}
	if out, err := exec.Command(binary, "-defect", "bad-luck").CombinedOutput(); err == nil || !strings.Contains(string(out), "-defect list") {
		t.Errorf("%v: %s", err, out)
	}
}

const (
	requests  = 20
	injection = `{"run":"test","ttl_ms":20000,"deadline_ms":60000}`
)

// afterExperiment is how many goroutines and bytes of live heap an experiment leaves:
// some requests, a surge of 100 and a fill of 16 MiB, both released.
func afterExperiment(s *service) (goroutines int, live float64) {
	s.do("POST", agentPath+"/lease", injection)
	s.do("GET", "/debug/pprof/heap?gc=1", "")
	before := s.sample()
	for range requests {
		s.do("GET", "/cart/1", "")
	}
	s.do("POST", agentPath+"/goroutines", `{"run":"test","count":100,"point":"inventory.(*Pool).Start"}`)
	s.do("POST", agentPath+"/heap", `{"run":"test","bytes":16777216,"point":"inventory.(*Cache).Fill"}`)
	s.eventually("the pressure", func(v sample) bool { return v.Held.Goroutines == 100 && v.Held.HeapBytes == 16<<20 })
	s.do("POST", agentPath+"/release", `{"run":"test"}`)
	s.eventually("the release", func(v sample) bool { return v.Held.Goroutines == 0 && v.Held.HeapBytes == 0 })
	time.Sleep(500 * time.Millisecond)
	s.do("GET", "/debug/pprof/heap?gc=1", "")
	after := s.sample()
	return after.Goroutines - before.Goroutines, after.Metrics["/gc/heap/live:bytes"] - before.Metrics["/gc/heap/live:bytes"]
}

func TestEachDefectLeavesWhatItSays(t *testing.T) {
	for name, want := range map[string]struct{ least, most, leastHeap, mostHeap int }{
		"none":                 {-5, 3, -2 << 20, 1 << 20},
		"wrong-site":           {-5, 3, -2 << 20, 1 << 20},
		"gc-off":               {-5, 3, -2 << 20, 1 << 20},
		"goroutine-leak":       {97, 103, -2 << 20, 2 << 20},
		"slow-drain":           {97, 103, -2 << 20, 2 << 20},
		"cache-never-evicts":   {-5, 3, 16 << 20, 18 << 20},
		"idle-connection-leak": {3*requests - 3, 3*requests + 3, -2 << 20, 4 << 20},
		"ticker-leak":          {requests - 3, requests + 3, -2 << 20, 1 << 20},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			goroutines, live := afterExperiment(start(t, 1, "-defect", name))
			if goroutines < want.least || goroutines > want.most {
				t.Errorf("%d goroutines are left, want %d to %d", goroutines, want.least, want.most)
			}
			if live < float64(want.leastHeap) || live > float64(want.mostHeap) {
				t.Errorf("%.0f bytes are left, want %d to %d", live, want.leastHeap, want.mostHeap)
			}
		})
	}
}
