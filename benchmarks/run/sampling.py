"""CPU that sampling at 10/s adds to an idle target, from the kernel's own nanosecond account.

    python benchmarks/run/sampling.py

/proc/PID/schedstat's first field is the time a task ran, in ns (of the main thread only, so the
sum over /proc/PID/task). Stretches with and without sampling alternate.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import statistics
import subprocess
from pathlib import Path

from common import ROOT, build, machine

from chaosmem.clock import RunClock
from chaosmem.drivers import process
from chaosmem.drivers.agent import Agent
from chaosmem.drivers.http import Http
from chaosmem.drivers.sources import AgentSource

RATE, SECONDS, ROUNDS = 10.0, 5.0, 6
TOKEN = secrets.token_urlsafe(24)


def cpu(pid: int) -> float:
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((t / "schedstat").read_text().split()[0]) for t in tasks) / 1e9


async def stretch(pid: int, source: AgentSource, *, sampled: bool) -> float:
    before, clock = cpu(pid), RunClock.start()
    for tick in range(int(RATE * SECONDS)):
        await clock.until(tick / RATE)
        if sampled:
            await source.read(timeout=1.0)
    await clock.until(SECONDS)
    return (cpu(pid) - before) / SECONDS


async def main() -> None:
    port = process.free_port()
    binary = build(ROOT / "chaosmem/go", "./demo")
    target = subprocess.Popen(  # noqa: ASYNC220 - before anything is measured
        [binary, "-addr", f"127.0.0.1:{port}"],
        env=os.environ | {"CHAOSMEM_AGENT_TOKEN": TOKEN},
        stderr=subprocess.DEVNULL,
    )
    try:
        await asyncio.sleep(1)
        async with Http(f"http://127.0.0.1:{port}", RunClock.start()) as http:
            agent = Agent(http, path="/debug/chaosmem", token=TOKEN, run_id="bench")
            source = AgentSource(agent)
            on, off = [], []
            for _ in range(ROUNDS):
                off.append(await stretch(target.pid, source, sampled=False))
                on.append(await stretch(target.pid, source, sampled=True))
    finally:
        target.kill()
        target.wait()
    added = statistics.median(on) - statistics.median(off)
    print(machine())
    print(f"without sampling  {statistics.median(off):.4%} of one CPU")
    print(f"sampled at 10/s   {statistics.median(on):.4%} of one CPU")
    print(f"added             {added:.4%} of one CPU (asked: at most 0.5%)")


if __name__ == "__main__":
    asyncio.run(main())
