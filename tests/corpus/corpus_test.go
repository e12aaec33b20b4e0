package corpus

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	token     = "a token for the corpus's tests"
	startTime = 10 * time.Second
)

var binaries string

func TestMain(m *testing.M) {
	// The tests wait for processes most of their time, not for a CPU.
	if err := flag.Set("test.parallel", "12"); err != nil {
		panic(err)
	}
	os.Exit(build(m))
}

// build builds every program at once and without debugging information, which profiles
// do not need: linking is most of the time.
func build(m *testing.M) int {
	dir, err := os.MkdirTemp("", "corpus")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binaries = dir
	if out, err := exec.Command("go", "build", "-ldflags=-s -w", "-o", dir, "./...").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// process is one running program of the corpus.
type process struct {
	t      *testing.T
	cmd    *exec.Cmd
	base   string
	client http.Client
	ended  chan error

	mu     sync.Mutex
	stderr bytes.Buffer
}

func start(t *testing.T, name string) *process {
	t.Helper()
	p := &process{t: t, cmd: exec.Command(filepath.Join(binaries, name)), ended: make(chan error, 1)}
	p.client.Timeout = 3 * time.Second
	p.cmd.Env = append(os.Environ(), "CHAOSMEM_AGENT_TOKEN="+token)
	pipe, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	listening := make(chan string, 1)
	go p.read(pipe, listening)
	t.Cleanup(p.stop)
	select {
	case addr := <-listening:
		p.base = "http://" + addr
	case <-time.After(startTime):
		t.Fatalf("%s does not listen: %s", name, p.log())
	}
	return p
}

func (p *process) read(pipe io.Reader, listening chan<- string) {
	lines := bufio.NewScanner(pipe)
	for lines.Scan() {
		p.mu.Lock()
		fmt.Fprintln(&p.stderr, lines.Text())
		p.mu.Unlock()
		if addr, ok := strings.CutPrefix(lines.Text(), "listening on "); ok {
			listening <- addr
		}
	}
	p.ended <- p.cmd.Wait()
}

func (p *process) log() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stderr.String()
}

func (p *process) stop() {
	_ = p.cmd.Process.Signal(os.Interrupt)
	select {
	case <-p.ended:
	case <-time.After(5 * time.Second):
		_ = p.cmd.Process.Kill()
		<-p.ended
	}
}

func (p *process) do(method, path, body string) (int, []byte, error) {
	r, err := http.NewRequest(method, p.base+path, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	answer, err := p.client.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	return answer.StatusCode, b, err
}

func (p *process) get(path string, into any) {
	p.t.Helper()
	status, b, err := p.do("GET", path, "")
	if err != nil || status != http.StatusOK {
		p.t.Fatalf("GET %s: %d %s %v", path, status, b, err)
	}
	if into != nil {
		if err := json.Unmarshal(b, into); err != nil {
			p.t.Fatalf("GET %s: %v", path, err)
		}
	}
}

func (p *process) act(method, path, body string) {
	p.t.Helper()
	if status, b, err := p.do(method, "/debug/chaosmem/v1"+path, body); err != nil || status != http.StatusOK {
		p.t.Fatalf("%s %s: %d %s %v", method, path, status, b, err)
	}
}

type sample struct {
	NowUnixNs  int64 `json:"now_unix_ns"`
	Goroutines int64
	Metrics    map[string]float64
	Held       struct {
		HeapBytes  int64 `json:"heap_bytes"`
		Goroutines int64
	}
	Ended struct {
		Goroutines int64 `json:"goroutines_unix_ns"`
	}
}

func (p *process) sample() (s sample) {
	p.t.Helper()
	p.get("/debug/chaosmem/v1/sample?cycles_since=0", &s)
	return s
}

type record struct {
	Live      int   `json:"goroutines_live"`
	Peak      int   `json:"goroutines_peak"`
	Stopped   int64 `json:"goroutines_stopped_unix_ns"`
	Ended     int64 `json:"goroutines_ended_unix_ns"`
	HeldBytes int64 `json:"heap_held_bytes"`
}

func (p *process) truth() (r record) {
	p.t.Helper()
	p.get("/truth", &r)
	return r
}

const (
	surge   = 300
	fill    = 32 << 20
	leaseOf = `{"run":"test","ttl_ms":20000,"deadline_ms":60000}`
)

// inject does what every experiment on the corpus does.
func (p *process) inject() {
	p.t.Helper()
	p.act("POST", "/lease", leaseOf)
	p.act("POST", "/goroutines", fmt.Sprintf(`{"run":"test","count":%d,"point":"main.(*Pool).Start"}`, surge))
	p.act("POST", "/heap", fmt.Sprintf(`{"run":"test","bytes":%d,"point":"main.(*Cache).Fill"}`, fill))
}

func (p *process) injected() {
	p.t.Helper()
	p.inject()
	p.eventually("the surge and the fill", func() bool {
		s := p.sample()
		return s.Held.Goroutines == surge && s.Held.HeapBytes == fill
	})
}

func (p *process) release() { p.t.Helper(); p.act("POST", "/release", `{"run":"test"}`) }

func (p *process) eventually(what string, f func() bool) {
	p.t.Helper()
	for end := time.Now().Add(15 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if f() {
			return
		}
	}
	p.t.Fatalf("%s: not in 15 s; %s", what, p.log())
}

// recovery is how long the goroutines stayed after the release, by the program's record.
func (p *process) recovery() time.Duration {
	p.t.Helper()
	p.eventually("the end of the surge", func() bool { return p.truth().Live == 0 })
	r := p.truth()
	return time.Duration(r.Ended - r.Stopped)
}
