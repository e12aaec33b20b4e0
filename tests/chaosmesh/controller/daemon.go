package main

import (
	"context"
	"flag"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/dustin/go-humanize"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/chaos-mesh/chaos-mesh/pkg/chaosdaemon/pb"
)

// daemon stands in for chaos-daemon: it starts and ends stressors, or misbehaves as its file says.
//
// Words of the behaviour file, any of them: `nothing` (says that it injected, and did not),
// `apply-fails`, `cancel-fails` (the controller swallows this one).
type daemon struct {
	pb.UnimplementedChaosDaemonServer
	behaviour string
	stressor  string
	lock      sync.Mutex
	running   map[string]*exec.Cmd
}

// serveDaemon listens on loopback, as the real daemon does on its node; the port.
func serveDaemon(behaviour, stressor string) (int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	server := grpc.NewServer()
	running := map[string]*exec.Cmd{}
	pb.RegisterChaosDaemonServer(server, &daemon{behaviour: behaviour, stressor: stressor, running: running})
	go func() { fail(server.Serve(listener)) }()
	return listener.Addr().(*net.TCPAddr).Port, nil
}

func (d *daemon) told(word string) bool {
	text, err := os.ReadFile(d.behaviour)
	if err != nil {
		fail(err)
	}
	for _, said := range strings.Fields(string(text)) {
		if said == word {
			return true
		}
	}
	return false
}

// ExecStressors starts the stressor in the container's cgroup.
func (d *daemon) ExecStressors(_ context.Context, req *pb.ExecStressRequest) (*pb.ExecStressResponse, error) {
	if d.told("apply-fails") {
		return nil, fmt.Errorf("stand-in: told to fail")
	}
	if req.MemoryStressors == "" { // no workers: the real daemon starts nothing, and is content
		return &pb.ExecStressResponse{}, nil
	}
	now := time.Now().UnixMilli()
	if d.told("nothing") {
		return &pb.ExecStressResponse{MemoryInstance: "1", MemoryStartTime: now}, nil
	}
	command, err := d.start(req)
	if err != nil {
		return nil, err
	}
	pid := strconv.Itoa(command.Process.Pid)
	d.lock.Lock()
	defer d.lock.Unlock()
	d.running[pid] = command
	return &pb.ExecStressResponse{MemoryInstance: pid, MemoryStartTime: now}, nil
}

// start moves the stressor into the cgroup before it is let go, as the real one's `pause` does.
func (d *daemon) start(req *pb.ExecStressRequest) (*exec.Cmd, error) {
	_, id, _ := strings.Cut(req.Target, "://")
	group, err := cgroupOf(id)
	if err != nil {
		return nil, err
	}
	args, err := arguments(req)
	if err != nil {
		return nil, err
	}
	command := exec.Command(d.stressor, args...)
	command.Stderr = os.Stderr
	command.Env = []string{"GOMAXPROCS=1"}
	gate, err := command.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := command.Start(); err != nil {
		return nil, err
	}
	pid := []byte(strconv.Itoa(command.Process.Pid))
	if err := os.WriteFile(filepath.Join(group, "cgroup.procs"), pid, 0); err != nil {
		_ = command.Process.Kill()
		_ = command.Wait()
		return nil, err
	}
	_, err = gate.Write([]byte{'\n'})
	return command, err
}

// arguments of the stressor from those of memStress, whose size go-humanize reads.
func arguments(req *pb.ExecStressRequest) ([]string, error) {
	flags := flag.NewFlagSet("memStress", flag.ContinueOnError)
	flags.Int("workers", 1, "")
	size := flags.String("size", "0KB", "")
	ramp := flags.Duration("time", 0, "")
	if err := flags.Parse(strings.Fields(req.MemoryStressors)); err != nil {
		return nil, err
	}
	bytes, err := humanize.ParseBytes(*size)
	if err != nil {
		return nil, err
	}
	return []string{strconv.Itoa(int(req.OomScoreAdj)), strconv.FormatUint(bytes, 10), ramp.String()}, nil
}

// CancelStressors ends the stressor; one that it does not know of is no error, as with the real one.
func (d *daemon) CancelStressors(_ context.Context, req *pb.CancelStressRequest) (*emptypb.Empty, error) {
	if d.told("cancel-fails") {
		return nil, fmt.Errorf("stand-in: told to fail")
	}
	d.lock.Lock()
	defer d.lock.Unlock()
	if command := d.running[req.MemoryInstance]; command != nil {
		_ = command.Process.Kill()
		_ = command.Wait()
		delete(d.running, req.MemoryInstance)
	}
	return &emptypb.Empty{}, nil
}

// cgroupOf finds the memory cgroup that is named after the container, v1 or v2.
func cgroupOf(id string) (string, error) {
	root := "/sys/fs/cgroup/memory"
	if _, err := os.Stat(root); err != nil {
		root = "/sys/fs/cgroup"
	}
	found := ""
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() && id != "" && strings.Contains(entry.Name(), id) {
			found = path
			return fs.SkipAll
		}
		return nil
	})
	if err == nil && found == "" {
		err = fmt.Errorf("stand-in: no cgroup of container %q", id)
	}
	return found, err
}
