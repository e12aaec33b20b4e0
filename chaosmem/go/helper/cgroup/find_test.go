package cgroup

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const (
	uid        = "01234567-89ab-cdef-0123-456789abcdef"
	underlined = "01234567_89ab_cdef_0123_456789abcdef"
	id         = "4f1c0c1a0f9a6f3f4b1d7c0de5a8b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3"
	otherID    = "000000000000000000000000000000000000000000000000000000000000dead"
)

// mountWith makes a cgroup mount of literal directories.
func mountWith(t *testing.T, version int, dirs ...string) string {
	t.Helper()
	mount := t.TempDir()
	root := mount
	if version == 1 {
		root = filepath.Join(mount, "memory")
		write(t, filepath.Join(root, "memory.usage_in_bytes"), "1\n")
		write(t, filepath.Join(mount, "unified", "cgroup.controllers"), "\n")
	} else {
		write(t, filepath.Join(root, "cgroup.controllers"), "cpuset cpu io memory pids\n")
	}
	for _, dir := range dirs {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return mount
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestAContainerIsFoundWhereverARuntimePutsIt(t *testing.T) {
	slice := "kubepods-burstable-pod" + underlined + ".slice"
	for _, c := range []struct{ name, path, driver, runtime string }{
		{"guaranteed, cgroupfs", "/kubepods/pod" + uid + "/" + id, "cgroupfs", ""},
		{"burstable, cgroupfs", "/kubepods/burstable/pod" + uid + "/" + id, "cgroupfs", ""},
		{"best effort, cgroupfs", "/kubepods/besteffort/pod" + uid + "/" + id, "cgroupfs", ""},
		{"containerd, systemd", "/kubepods.slice/kubepods-burstable.slice/" + slice + "/cri-containerd-" + id + ".scope", "systemd", "containerd"},
		{"guaranteed, systemd", "/kubepods.slice/kubepods-pod" + underlined + ".slice/cri-containerd-" + id + ".scope", "systemd", "containerd"},
		{"CRI-O", "/kubepods.slice/kubepods-burstable.slice/" + slice + "/crio-" + id + ".scope", "systemd", "crio"},
		{"docker", "/kubepods.slice/kubepods-burstable.slice/" + slice + "/docker-" + id + ".scope", "systemd", "docker"},
		{"kind, seen from its node", "/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-burstable.slice/kubelet-" + slice + "/cri-containerd-" + id + ".scope", "systemd", "containerd"},
		{"kind, seen from the machine", "/system.slice/docker-" + otherID + ".scope/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-burstable.slice/kubelet-" + slice + "/cri-containerd-" + id + ".scope", "systemd", "containerd"},
		{"kind, cgroupfs", "/docker/" + otherID + "/kubelet/kubepods/burstable/pod" + uid + "/" + id, "cgroupfs", ""},
	} {
		for version := 1; version <= 2; version++ {
			t.Run(c.name, func(t *testing.T) {
				mount := mountWith(t, version, c.path, filepath.Join(filepath.Dir(c.path), otherID))
				p, err := Find(mount, uid, "containerd://"+id)
				if err != nil {
					t.Fatal(err)
				}
				if p.Path != c.path || p.Driver != c.driver || p.Runtime != c.runtime || p.Version != version {
					t.Errorf("found %+v", p)
				}
			})
		}
	}
}

func TestNothingElseIsEverTaken(t *testing.T) {
	for name, dirs := range map[string][]string{
		"nothing is there":            nil,
		"only the pod":                {"/kubepods/burstable/pod" + uid},
		"only another container":      {"/kubepods/burstable/pod" + uid + "/" + otherID},
		"the container, another pod":  {"/kubepods/burstable/pod" + strings.Replace(uid, "0", "9", 1) + "/" + id},
		"the container without a pod": {"/system.slice/docker-" + id + ".scope", "/" + id},
		"a name that only begins so":  {"/kubepods/burstable/pod" + uid + "/" + id + "0"},
		"a conmon beside it":          {"/kubepods.slice/kubepods-pod" + underlined + ".slice/crio-conmon-" + id + ".scope"},
		"a slice that is no pod's":    {"/user.slice/my-pod" + underlined + ".slice/cri-containerd-" + id + ".scope"},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := Find(mountWith(t, 2, dirs...), uid, id)
			if err == nil || !strings.Contains(err.Error(), "no cgroup of container") {
				t.Errorf("%+v, %v", p, err)
			}
		})
	}
}

func TestTwoThatFitAreRefused(t *testing.T) {
	_, err := Find(mountWith(t, 2, "/kubepods/pod"+uid+"/"+id, "/kubepods/burstable/pod"+uid+"/"+id), uid, id)
	if err == nil || !strings.Contains(err.Error(), "2 cgroups fit") {
		t.Errorf("%v", err)
	}
}

func TestNamesThatAreNoneAreRefused(t *testing.T) {
	mount := mountWith(t, 2, "/kubepods/pod"+uid+"/"+id)
	for _, c := range [][2]string{{"", id}, {uid, ""}, {"../../..", id}, {uid, "containerd://"}, {uid, "a/../../b-and-more"}, {uid, "*"}} {
		if p, err := Find(mount, c[0], c[1]); err == nil || !strings.Contains(err.Error(), "is no ") {
			t.Errorf("%q: %+v, %v", c, p, err)
		}
	}
}

func TestAMountWithoutAMemoryControllerIsNamed(t *testing.T) {
	mount := t.TempDir()
	write(t, filepath.Join(mount, "cgroup.controllers"), "cpu io\n")
	if _, err := Find(mount, uid, id); err == nil || !strings.Contains(err.Error(), "no memory controller") {
		t.Errorf("%v", err)
	}
}

func TestAHybridMountWithMemoryOnV2IsRead(t *testing.T) {
	mount := t.TempDir()
	write(t, filepath.Join(mount, "unified", "cgroup.controllers"), "memory\n")
	write(t, filepath.Join(mount, "unified", "kubepods", "pod"+uid, id, "memory.current"), "1\n")
	p, err := Find(mount, uid, id)
	if err != nil || p.Version != 2 || p.Root != filepath.Join(mount, "unified") {
		t.Errorf("%+v, %v", p, err)
	}
}
