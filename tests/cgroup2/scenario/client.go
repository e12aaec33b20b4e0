package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	token         = "a-token-for-tests-only"
	capSysPtrace  = "19"
	capSysAdmin   = "21"
	lastCap       = 63
	prCapbsetDrop = 24
)

// helper is the real one, spoken to over HTTP.
type helper struct {
	cmd *exec.Cmd
	url string
}

func arguments(c *container) []string {
	return []string{"--listen=127.0.0.1:0", "--pod-uid=" + c.uid, "--container-id=containerd://" + c.id,
		"--cgroup-root=" + root, "--deadline=" + time.Now().Add(5*time.Minute).UTC().Format(time.RFC3339)}
}

func startHelper(c *container) *helper { return start(exec.Command("/bin/helper", arguments(c)...)) }

// startConfinedHelper goes through "drop", in a cgroup and a cgroup namespace of its own.
func startConfinedHelper(c *container, capabilities []string) *helper {
	own := filepath.Join(root, "helper-pod")
	must(os.MkdirAll(own, 0o755))
	dir, err := os.Open(own)
	must(err)
	defer dir.Close()
	args := append([]string{"drop", strings.Join(capabilities, ",")}, arguments(c)...)
	cmd := exec.Command("/proc/self/exe", args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: int(dir.Fd())}
	return start(cmd)
}

// dropAndExec becomes the helper, in a new cgroup namespace and with few capabilities.
func dropAndExec(args []string) {
	runtime.LockOSThread()
	must(syscall.Unshare(0x02000000))
	keep := strings.Split(args[0], ",")
	for c := 0; c <= lastCap; c++ {
		if !slices.Contains(keep, strconv.Itoa(c)) {
			syscall.RawSyscall(syscall.SYS_PRCTL, prCapbsetDrop, uintptr(c), 0)
		}
	}
	must(syscall.Exec("/bin/helper", append([]string{"helper"}, args[1:]...), os.Environ()))
}

func start(cmd *exec.Cmd) *helper {
	cmd.Env = []string{"CHAOSMEM_HELPER_TOKEN=" + token}
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	must(err)
	must(cmd.Start())
	line := bufio.NewScanner(out)
	line.Scan()
	address, ok := strings.CutPrefix(line.Text(), "listening on ")
	if !ok {
		panic("the helper does not listen: " + line.Text())
	}
	return &helper{cmd, "http://" + address + "/v1"}
}

func (h *helper) end() {
	_ = h.cmd.Process.Kill()
	_ = h.cmd.Wait()
}

func (h *helper) ask(method, path, body string) (answer any) {
	r, err := http.NewRequest(method, h.url+path, strings.NewReader(body))
	must(err)
	r.Header.Set("Chaosmem-Token", token)
	got, err := http.DefaultClient.Do(r)
	must(err)
	defer got.Body.Close()
	must(json.NewDecoder(got.Body).Decode(&answer))
	return answer
}

func (h *helper) get(path string) any { return h.ask("GET", path, "") }

func (h *helper) lease(ttl int) {
	h.ask("POST", "/lease", fmt.Sprintf(`{"run":"r","ttl_ms":%d,"deadline_ms":120000}`, ttl))
}

func (h *helper) memory(what string) any {
	return h.ask("POST", "/memory", `{"run":"r",`+what+`}`)
}

// until waits for a state; the sample, or the last one after 20 s.
func (h *helper) until(state string) (sample any) {
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		sample = h.get("/sample")
		if at(sample, "stress", "state") == state {
			return sample
		}
	}
	return sample
}

// at walks into decoded JSON.
func at(v any, names ...string) any {
	for _, name := range names {
		m, _ := v.(map[string]any)
		v = m[name]
	}
	return v
}

func remount(option string) {
	must(syscall.Mount("cgroup2", root, "cgroup2", syscall.MS_REMOUNT, option))
}
