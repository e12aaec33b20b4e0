"""How well the memory helper holds, gives way and lets go, on real cgroups. Needs root.

    python benchmarks/helper/hold.py [SECONDS]

Prints: the error of the hold at 100 looks a second of our own (not the helper's); the fastest
growth of the service that is survived without an OOM kill; how long nothing takes to be left
after each way to end; the CPU that helper and hog use.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from chaosmem.clock import RunClock
from chaosmem.drivers import gotool, procfs
from chaosmem.drivers.agent import Agent
from chaosmem.drivers.helper import HelperSource
from chaosmem.drivers.http import Http
from tests.helper.harness import (
    MIB,
    TOKEN,
    Container,
    Started,
    build,
    container,
    eventually,
    helper,
    tree,
)

TESTS = Path(__file__).resolve().parents[2] / "tests" / "helper"
SPEEDS = (50, 200, 500, 1000, 2000, 0)
ATTEMPTS = 10


class Bench:
    """The two programs."""

    def __init__(self, where: Path) -> None:
        self.helper = build(gotool.builtin_module(), "./helper", where / "helper")
        self.target = build(TESTS / "target", ".", where / "target")


async def pressed(started: Started, percent: float, ttl: float = 60) -> None:
    async with Http(started.url, RunClock.start()) as http:
        agent = Agent(http, path="", token=TOKEN, run_id="bench")
        source = HelperSource(http, token=TOKEN)
        await agent.lease(ttl=ttl, deadline=600)
        await agent.act("memory", {"level_percent": percent})
        for _ in range(2000):
            if (await source.sample(timeout=5))[1].stress.state == "holding":
                return
            await asyncio.sleep(0.005)
        raise AssertionError("the level is not reached")


def working_set(made: Container) -> int:
    stat = (made.directory / "memory.stat").read_text().splitlines()
    wanted = ("total_inactive_file", "inactive_file")
    found = {w: int(v) for w, v in (line.split() for line in stat) if w in wanted}
    return made.usage() - found.get(wanted[0], found[wanted[1]])


def hold(bench: Bench, limit: int, percent: float, seconds: float, service: str) -> None:
    with tree() as top, container(top, bench.target, limit=limit) as made:
        made.tell(f"grow {limit * 15 // 100} 0")
        with helper(bench.helper, made, seconds=600) as started:
            asyncio.run(pressed(started, percent))
            pids = (started.process.pid, made.others()[0])
            cpu, begin, errors = _cpu(pids), time.monotonic(), []
            if service == "breathing":
                made.ask(f"grow {limit * 5 // 100} {limit // 100}")
            while time.monotonic() - begin < seconds:
                errors.append(abs(working_set(made) - limit * percent / 100) / limit * 100)
                time.sleep(0.01)
            spent = [
                (b - a) / (time.monotonic() - begin) for a, b in zip(cpu, _cpu(pids), strict=True)
            ]
    errors.sort()
    p99 = errors[int(len(errors) * 0.99)]
    print(
        f"hold {percent:g} % of {limit // MIB} MiB, {service} service: error p50"
        f" {errors[len(errors) // 2]:.3f} p99 {p99:.3f} max {errors[-1]:.3f} % of the limit,"
        f" {len(errors)} looks; CPU helper {spent[0]:.2%} hog {spent[1]:.2%}"
    )


def _cpu(pids: tuple[int, int]) -> list[float]:
    found = [procfs.usage(pid) for pid in pids]
    return [u.cpu if u is not None else 0.0 for u in found]


def growth(bench: Bench, percent: float, speed: int) -> None:
    clean, lived, reached = 0, 0, []
    for _ in range(ATTEMPTS):
        with tree() as top, container(top, bench.target) as made:
            made.tell(f"grow {40 * MIB} 0")
            with helper(bench.helper, made) as started:
                asyncio.run(pressed(started, percent))
                made.ask(f"grow {180 * MIB} {speed * MIB}")
                with contextlib.suppress(AssertionError):  # killed: no answer
                    _, took = made.answer()
                    reached.append(180 / took)
                    lived += 1
                clean += made.kills() == 0
    name = f"{speed} MiB/s" if speed else "as fast as it can"
    middle = sorted(reached)[len(reached) // 2] if reached else 0
    print(
        f"growth at {percent:g} %, {name} ({middle:.0f} MiB/s reached): {clean} of {ATTEMPTS}"
        f" without any OOM kill, the service alive after {lived}"
    )


def ends(bench: Bench, name: str, ending: signal.Signals | None, ttl: float) -> None:
    times = []
    for _ in range(ATTEMPTS):
        with tree() as top, container(top, bench.target) as made:
            made.tell(f"grow {40 * MIB} 0")
            before = made.usage()
            with helper(bench.helper, made) as started:
                asyncio.run(pressed(started, 80, ttl))
                heard = time.monotonic()
                if ending is not None:
                    os.kill(started.process.pid, ending)
                eventually(
                    "back",
                    lambda made=made, before=before: (  # type: ignore[misc]
                        not made.others() and abs(made.usage() - before) < MIB
                    ),
                    within=10,
                )
                times.append(time.monotonic() - heard)
    times.sort()
    print(f"{name}: nothing left after {times[len(times) // 2]:.3f} s, worst {times[-1]:.3f} s")


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 20
    with tempfile.TemporaryDirectory() as where:
        bench = Bench(Path(where))
        for limit, percent in ((128, 80), (256, 80), (1024, 90)):
            hold(bench, limit * MIB, percent, seconds, "still")
        hold(bench, 256 * MIB, 80, min(seconds, 5), "breathing")
        for percent in (80.0, 95.0):
            for speed in SPEEDS:
                growth(bench, percent, speed)
        ends(bench, "SIGKILL of the helper", signal.SIGKILL, 60)
        ends(bench, "SIGTERM", signal.SIGTERM, 60)
        ends(bench, "a helper that hangs (SIGSTOP)", signal.SIGSTOP, 60)
        ends(bench, "a heartbeat lost, ttl 1 s", None, 1)


if __name__ == "__main__":
    main()
