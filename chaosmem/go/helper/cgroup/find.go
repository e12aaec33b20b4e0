// Package cgroup finds a pod's container below a cgroup mount and reads what the
// kernel says of its memory, in both versions of cgroups.
package cgroup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
)

// Place is where one container's memory is accounted.
type Place struct {
	Version int    // 1 or 2
	Root    string // directory of the hierarchy: v1's memory controller, v2's mount
	Path    string // below Root, with a leading slash
	Driver  string // cgroupfs or systemd
	Runtime string // containerd, crio, docker, or "" where the name does not tell
}

// Dir is the container's directory.
func (p Place) Dir() string { return filepath.Join(p.Root, p.Path) }

// maxDepth bounds the search: a kind node's pods are about eight levels down.
const maxDepth = 16

var (
	wellFormed = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z_.-]{7,127}$`)
	scopes     = map[string]string{"cri-containerd": "containerd", "crio": "crio", "docker": "docker", "libpod": "podman"}
)

// Find looks for the container below the cgroup mount. Pod and container must both
// fit, in this order of nesting; there is no second best.
func Find(mount, podUID, containerID string) (Place, error) {
	id := bareID(containerID)
	for what, value := range map[string]string{"pod UID": podUID, "container ID": id} {
		if !wellFormed.MatchString(value) {
			return Place{}, fmt.Errorf("%q is no %s", value, what)
		}
	}
	version, root, err := hierarchy(mount)
	if err != nil {
		return Place{}, err
	}
	found, err := search(root, podUID, id)
	if err != nil {
		return Place{}, err
	}
	return only(found, Place{Version: version, Root: root}, podUID, id)
}

func only(found []string, p Place, podUID, id string) (Place, error) {
	if len(found) == 0 {
		return Place{}, fmt.Errorf("no cgroup of container %s of pod %s below %s: does it run on this node, and is %s the node's cgroup file system?", id, podUID, p.Root, p.Root)
	}
	if len(found) > 1 {
		return Place{}, fmt.Errorf("%d cgroups fit container %s of pod %s: %s", len(found), id, podUID, strings.Join(found, ", "))
	}
	p.Path = found[0]
	p.Driver, p.Runtime, _ = containerName(path.Base(p.Path), id)
	return p, nil
}

// bareID takes the runtime's name off: containerd://ID.
func bareID(id string) string {
	if _, bare, ok := strings.Cut(id, "://"); ok {
		return bare
	}
	return id
}

// hierarchy tells the version, and where memory is accounted. A hybrid mount has v2
// without the memory controller beside v1.
func hierarchy(mount string) (int, string, error) {
	for _, try := range []struct {
		version int
		root    string
		mark    string
	}{
		{2, mount, "cgroup.controllers"},
		{1, filepath.Join(mount, "memory"), "memory.usage_in_bytes"},
		{2, filepath.Join(mount, "unified"), "cgroup.controllers"},
	} {
		if b, err := os.ReadFile(filepath.Join(try.root, try.mark)); err == nil {
			if try.version == 1 || contains(strings.Fields(string(b)), "memory") {
				return try.version, try.root, nil
			}
		}
	}
	return 0, "", fmt.Errorf("no memory controller of cgroups below %s: is the node's /sys/fs/cgroup mounted there?", mount)
}

func contains(list []string, wanted string) bool {
	for _, s := range list {
		if s == wanted {
			return true
		}
	}
	return false
}

// search walks the tree. Cgroups come and go under it, which is no error.
func search(root, podUID, id string) (found []string, err error) {
	err = filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil && p != root && (errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission)):
			return fs.SkipDir
		case err != nil:
			return err
		case !d.IsDir():
			return nil
		}
		below := strings.TrimPrefix(p, root)
		if _, _, ok := containerName(d.Name(), id); ok && underPod(path.Dir(below), podUID) {
			found = append(found, below)
			return fs.SkipDir
		}
		if strings.Count(below, "/") >= maxDepth {
			return fs.SkipDir
		}
		return nil
	})
	return found, err
}

// underPod tells whether the last part of the path is the pod's own cgroup.
func underPod(parent, podUID string) bool {
	name := path.Base(parent)
	slice := "pod" + strings.ReplaceAll(podUID, "-", "_") + ".slice"
	return name == "pod"+podUID || strings.HasSuffix(name, "-"+slice) && strings.Contains(name, "kubepods")
}

// containerName tells whether a directory is the container's, by which driver and runtime.
func containerName(name, id string) (driver, runtime string, ok bool) {
	if name == id {
		return "cgroupfs", "", true
	}
	prefix, scoped := strings.CutSuffix(name, "-"+id+".scope")
	runtime, known := scopes[prefix]
	return "systemd", runtime, scoped && known
}
