"""A program runs on a real kernel with cgroup v2, and what it says and how it ends comes back."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cluster import build, qemu
from tests.cluster.shell import ClusterProblem

# The first one may install the emulator and fetch the kernel.
pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]

_SLOW_SECONDS = 90  # 3 s on an idle machine

_PROGRAM = """package main

import (
	"fmt"
	"os"
	"strings"
	"time"
)

func main() {
	switch os.Args[1] {
	case "look":
		controllers, _ := os.ReadFile("/sys/fs/cgroup/cgroup.subtree_control")
		own, _ := os.ReadFile("/proc/self/cgroup")
		given, _ := os.ReadFile("/given/word")
		fmt.Print(strings.TrimSpace(string(controllers)), "|", string(own[:len(own)-1]), "|")
		fmt.Println(string(given), os.Getenv("WORD"), os.Getpid() > 1)
	case "eat":
		group := "/sys/fs/cgroup/eater"
		must(os.Mkdir(group, 0o755))
		must(os.WriteFile(group+"/memory.max", []byte("33554432"), 0o644))
		must(os.WriteFile(group+"/cgroup.procs", []byte("0"), 0o644))
		all := make([]byte, 256<<20)
		for i := 0; i < len(all); i += 4096 {
			all[i] = 1
		}
	case "hang":
		time.Sleep(time.Hour)
	}
	os.Exit(7)
}

func must(err error) {
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("program")
    (place / "go.mod").write_text("module program\n\ngo 1.22\n")
    (place / "main.go").write_text(_PROGRAM)
    build.compile_to(place / "out" / "program", place)
    return place / "out" / "program"


def test_a_program_sees_cgroup_v2_alone_with_all_controllers_on(program: Path) -> None:
    ran = qemu.run_under_v2(
        program,
        args=["look"],
        env={"WORD": "env"},
        files={"/given/word": b"file"},
        timeout=_SLOW_SECONDS,
    )
    controllers, own, words = ran.output.strip().split("|")
    assert {"cpu", "memory", "pids", "io"} <= set(controllers.split())
    assert own == "0::/"
    assert words == "file env true"
    assert ran.code == 7


def test_the_kernel_kills_who_passes_memory_max(program: Path) -> None:
    ran = qemu.run_under_v2(program, args=["eat"], timeout=_SLOW_SECONDS)
    assert ran.code == 128 + 9
    assert "out of memory: Killed process" in ran.console
    assert "memory" not in ran.output  # what the kernel says is kept apart


def test_a_program_that_hangs_is_an_error_and_not_a_result(program: Path) -> None:
    with pytest.raises(ClusterProblem, match="no power-off in 15 s"):
        qemu.run_under_v2(program, args=["hang"], timeout=15)
