"""`chaosmem.profile` against `go tool pprof -top`, in one run, on the same files.

    python benchmarks/profile/against_pprof.py [--batch 200] [--big 3] [--single 10]

Every file goes to the tool and to us by turns, so that a busy machine slows both; outputs must be
equal byte for byte. The tool is built once and started as the program that it is, which spares it
what `go tool` itself takes; the single file is also timed with `go tool`. CPU: user + system.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import synth

from chaosmem.profile import read, top

OURS = [str(Path(sys.executable).with_name("chaosmem")), "profile", "top"]
ENVIRONMENT = {"TZ": "UTC", "HOME": "/nonexistent", "PATH": ""}


@dataclass
class Times:
    """Seconds of every turn."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    def take(self, work: Callable[[], str]) -> str:
        """Runs and times it, with its child processes."""
        cpu, wall = _cpu(), time.perf_counter()
        result = work()
        self.wall.append(time.perf_counter() - wall)
        self.cpu.append(_cpu() - cpu)
        return result


def _cpu() -> float:
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def started(command: list[str], path: Path, **more: object) -> str:
    done = subprocess.run([*command, str(path)], capture_output=True, text=True, check=True, **more)  # type: ignore[call-overload]
    return str(done.stdout)


def in_process(path: Path) -> str:
    return top(read(path.read_bytes()), n=0).text()


def compare(paths: list[Path], pprof: Path) -> tuple[Times, Times]:
    """(theirs, ours) over the files, by turns."""
    theirs, ours = Times(), Times()
    for path in paths:
        command = [str(pprof), "-top"]
        expected = theirs.take(lambda: started(command, path, env=ENVIRONMENT))  # noqa: B023
        found = ours.take(lambda: in_process(path))  # noqa: B023
        assert found == expected, path
    return theirs, ours


def show(name: str, theirs: Times, ours: Times) -> None:
    wall, cpu = sum(theirs.wall) / sum(ours.wall), sum(theirs.cpu) / sum(ours.cpu)
    each = statistics.median(theirs.wall) * 1e3, statistics.median(ours.wall) * 1e3
    print(
        f"{name:<28} {len(ours.wall):>4} files  tool {each[0]:8.1f} ms  ours {each[1]:7.1f} ms"
        f"  ratio {wall:5.1f} (wall) {cpu:5.1f} (CPU)"
    )


def single(path: Path, pprof: Path, turns: int) -> None:
    """One small file, process start counted."""
    go, binary, ours = Times(), Times(), Times()
    for _ in range(turns):
        go.take(lambda: started(["go", "tool", "pprof", "-top"], path))
        binary.take(lambda: started([str(pprof), "-top"], path, env=ENVIRONMENT))
        ours.take(lambda: started(OURS, path))
    for name, times in (("go tool pprof", go), ("the built tool", binary), ("ours", ours)):
        wall, cpu = (statistics.median(column) * 1e3 for column in (times.wall, times.cpu))
        print(f"single small file, {name:<15} {wall:7.1f} ms wall {cpu:7.1f} ms CPU")


def pooled(paths: list[Path], pprof: Path) -> None:
    """A directory with one start of ours and all processors, the tool file by file."""
    theirs, ours = Times(), Times()
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        for number, path in enumerate(paths):
            (directory / f"{number:04}.pb.gz").hardlink_to(path)
        files = sorted(directory.iterdir())
        command = [str(pprof), "-top"]
        expected = theirs.take(
            lambda: "".join(
                f"==> {path} <==\n{started(command, path, env=ENVIRONMENT)}" for path in files
            )
        )
        zone = {**os.environ, "TZ": "UTC"}
        found = ours.take(lambda: started([*OURS, "-n", "0"], directory, env=zone))
    assert found == expected
    show(f"directory of {len(files)}, all CPUs", theirs, ours)


def memory(path: Path, size: int) -> None:
    data = path.read_bytes()
    tracemalloc.start()
    profile = read(data)
    reading = tracemalloc.get_traced_memory()[1]
    tracemalloc.reset_peak()
    top(profile, n=0).text()
    reporting = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    print(
        f"peak memory, {size / 1e6:.1f} MB decompressed: read {reading / size:.1f} times,"
        f" top {reporting / size:.1f} times"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch", type=int, default=200)
    parser.add_argument("--big", type=int, default=3)
    parser.add_argument("--single", type=int, default=10)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        pprof = directory / "pprof"
        module = Path(__file__).parents[2] / "tests" / "profile" / "goprofiles"
        subprocess.run(["go", "build", "-o", str(pprof), "cmd/pprof"], cwd=module, check=True)
        made = {}
        shapes = [("small", 300, 1), *(("mid", 20_000, s) for s in range(20)), ("big", 200_000, 1)]
        for kind, samples, seed in shapes:
            data = synth.heap(samples, seed=seed)
            path = directory / f"{kind}{seed}.pb.gz"
            path.write_bytes(synth.compressed(data))
            made.setdefault(kind, []).append((path, len(data)))
        single(made["small"][0][0], pprof, asked.single)
        in_process(made["mid"][0][0])
        mid = [made["mid"][i % 20][0] for i in range(asked.batch)]
        show("20k samples, 1 MB each", *compare(mid, pprof))
        pooled(mid, pprof)
        show("200k samples, 8 MB each", *compare([made["big"][0][0]] * asked.big, pprof))
        for kind in ("mid", "big"):
            memory(*made[kind][0])


if __name__ == "__main__":
    main()
