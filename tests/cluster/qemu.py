"""A real kernel with cgroup v2 in emulation, for machines whose own hierarchy is v1.

Debian's cloud kernel, unpacked and not installed, boots an initramfs that holds one static program:
2 to 3 s from start to power-off. Emulation without KVM needs no device and no right of root.
"""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.cluster import build, packages
from tests.cluster.cpio import Entry, archive
from tests.cluster.shell import ClusterProblem, locked, run

_KERNELS = ("linux-image-6.12-cloud-amd64", "linux-image-cloud-amd64")
_EXIT = re.compile(r"^vm: exit (-?\d+)\r?$", re.MULTILINE)
_SHOWN = 4000


@dataclass(frozen=True, slots=True)
class Ran:
    """What a program did in the machine: its output, its exit code (128 + signal), the console."""

    output: str
    code: int
    console: str


def run_under_v2(
    program: Path,
    *,
    args: Sequence[str] = (),
    env: Mapping[str, str] | None = None,
    files: Mapping[str, Path | bytes] | None = None,
    cmdline: str = "",
    memory_mib: int = 1024,
    timeout: float = 60,
) -> Ran:
    """Run a static program as root on a kernel with cgroup v2 only and all controllers on.

    /proc, /sys, /sys/fs/cgroup, /dev, /tmp and /run are mounted; `files` stand at the absolute
    paths that they are named by, and are executable. ClusterProblem when the machine does not power
    off in `timeout` seconds of real time, or the program could not be started.
    """
    order = {"argv": ["/program", *args], "env": [f"{k}={v}" for k, v in (env or {}).items()]}
    console, output = boot(
        build.once("vm", build.HERE / "vm"),
        files={"/program": program, "/order.json": json.dumps(order).encode(), **(files or {})},
        cmdline=cmdline,
        memory_mib=memory_mib,
        timeout=timeout,
    )
    exit_line = _EXIT.search(console)
    if exit_line is None or int(exit_line[1]) < 0:
        raise ClusterProblem(f"the program did not run in the machine:\n{console[-_SHOWN:]}")
    return Ran(output, int(exit_line[1]), console)


def boot(
    init: Path,
    *,
    files: Mapping[str, Path | bytes] | None = None,
    cmdline: str = "",
    memory_mib: int = 1024,
    timeout: float = 60,
) -> tuple[str, str]:
    """Boot with a static program as /init, which must power off; the two serial lines' output."""
    packages.require(packages.EMULATOR)
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        (place / "initrd").write_bytes(_initramfs({"/init": init, **(files or {})}))
        _emulate(place, cmdline=cmdline, memory_mib=memory_mib, timeout=timeout)
        return _text(place / "ttyS0"), _text(place / "ttyS1")


def _emulate(place: Path, *, cmdline: str, memory_mib: int, timeout: float) -> None:
    kernel_line = f"console=ttyS0 quiet panic=-1 psi=1 {cmdline}"
    argv = ["qemu-system-x86_64", "-accel", "tcg", "-m", str(memory_mib), "-display", "none"]
    argv += ["-no-reboot", "-monitor", "none", "-nic", "none", "-kernel", str(kernel())]
    argv += ["-initrd", str(place / "initrd"), "-append", kernel_line]
    argv += ["-serial", f"file:{place}/ttyS0", "-serial", f"file:{place}/ttyS1"]
    try:
        subprocess.run(argv, check=True, capture_output=True, text=True, timeout=timeout)
    except subprocess.TimeoutExpired as err:
        seen = _text(place / "ttyS0") + _text(place / "ttyS1")
        raise ClusterProblem(f"no power-off in {timeout:g} s:\n{seen[-_SHOWN:]}") from err
    except subprocess.CalledProcessError as err:
        raise ClusterProblem(f"the emulator failed: {err.stderr[-_SHOWN:]}") from err


def _text(serial: Path) -> str:
    raw = serial.read_bytes() if serial.exists() else b""
    return raw.replace(b"\r\n", b"\n").decode(errors="replace")


def _initramfs(files: Mapping[str, Path | bytes]) -> bytes:
    entries = [Entry.character_device("/dev/console", 5, 1)]
    for name, content in files.items():
        data = content if isinstance(content, bytes) else content.read_bytes()
        entries.append(Entry.file(name, data, mode=0o755))
    return archive(entries)


def kernel() -> Path:
    """The newest of Debian's cloud kernels, fetched once."""
    place = build.cache() / "kernel"
    with locked(build.cache() / "kernel.lock"):
        found = sorted(place.glob("vmlinuz-*"))
        return found[-1] if found else _fetch_kernel(place)


def _fetch_kernel(place: Path) -> Path:
    packages.refresh()
    with tempfile.TemporaryDirectory() as name:
        where = Path(name)
        run(["apt-get", "--quiet", "download", _kernel_package()], cwd=where, timeout=600)
        run(["dpkg", "--extract", next(where.glob("*.deb")), where / "tree"])
        image = next((where / "tree" / "boot").glob("vmlinuz-*"))
        place.mkdir(parents=True, exist_ok=True)
        half = place / f".{image.name}"
        half.write_bytes(image.read_bytes())
        return half.replace(place / image.name)


def _kernel_package() -> str:
    for meta in _KERNELS:
        try:
            depends = run(["apt-cache", "depends", meta])
        except ClusterProblem:
            continue
        match = re.search(r"Depends: (linux-image-\S+)", depends)
        if match:
            return match[1]
    raise ClusterProblem(f"apt knows none of {', '.join(_KERNELS)}")
