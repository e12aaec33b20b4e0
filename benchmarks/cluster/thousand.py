"""Evidence of 1,000 pods at 4 Hz: the engine's own sampler, source and recorder, one core.

python benchmarks/cluster/thousand.py [PODS] [HZ] [SECONDS]

A Go program with the real agent answers on 127.a.b.c for every pod; it runs on the other core.
Reported: samples kept a second, missed ones, CPU, resident memory, bytes and requests a pod.
"""

from __future__ import annotations

import asyncio
import os
import resource
import secrets
import subprocess
import sys
import tempfile
from pathlib import Path

from chaosmem.clock import RunClock
from chaosmem.drivers import gotool
from chaosmem.drivers.agent import Agent
from chaosmem.drivers.http import Http
from chaosmem.drivers.sources import AgentSource
from chaosmem.run.guards import Seen
from chaosmem.run.recorder import Recorder
from chaosmem.run.sampler import Sampler

HERE = Path(__file__).parent
TOKEN = secrets.token_urlsafe(24)
CLIENT_CORE, SERVER_CORE = 0, 1


def address(number: int) -> str:
    """A loopback address for each pod."""
    return f"127.{1 + number // 65536}.{number // 256 % 256}.{number % 256}"


async def sample(pods: int, rate: float, seconds: float, port: int, where: Path) -> None:
    """All samplers side by side for `seconds`, and what they cost."""
    clock = RunClock.start()
    missed = 0
    recorders = [Recorder(where / f"p{n}") for n in range(pods)]
    https = [Http(f"http://{address(n)}:{port}", clock) for n in range(pods)]

    def trouble(source: str, text: str, count: int) -> None:
        nonlocal missed
        del source, count
        missed += bool(text)

    def sampler(number: int) -> Sampler:
        agent = Agent(https[number], path="/debug/chaosmem", token=TOKEN, run_id="bench")
        return Sampler(
            AgentSource(agent),
            recorders[number],
            Seen(),
            clock,
            rate=rate,
            timeout=2.0,
            pid=lambda: None,
            on_reading=lambda _: None,
            on_trouble=trouble,
        )

    before = resource.getrusage(resource.RUSAGE_SELF)
    began = clock.now()
    tasks = []
    for number in range(pods):
        tasks.append(asyncio.create_task(sampler(number).run()))
        await asyncio.sleep(1 / rate / pods)  # as their trials begin: not all in one instant
    await asyncio.sleep(seconds)
    took = clock.now() - began
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    after = resource.getrusage(resource.RUSAGE_SELF)
    for recorder in recorders:
        recorder.close()
    for http in https:
        await http.close()
    size = sum(f.stat().st_size for f in where.rglob("samples.col"))
    row = (where / "p0" / "samples.col").read_bytes().partition(b"\n")[0].count(b'"') // 2 - 1
    kept = size / (8 * row) / took
    cpu = (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / took
    print(
        f"{pods} pods at {rate:g} Hz for {took:.1f} s: {kept:.0f} samples/s kept "
        f"({kept / (pods * rate):.1%} of those asked), {missed} stretches without an answer, "
        f"{cpu:.0%} of one core, {after.ru_maxrss / 1024:.0f} MB resident, "
        f"{size / pods / took:.0f} bytes on disk a pod a second, 1 request a sample"
    )


def main() -> None:
    """Start the server, sample, stop it."""
    pods, rate, seconds = (float(a) for a in [*sys.argv[1:], "1000", "4", "15"][:3])
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    go = gotool.find()
    with tempfile.TemporaryDirectory() as scratch:
        binary = Path(scratch) / "manyd"
        subprocess.run([go.program, "build", "-o", binary, "."], cwd=HERE / "manyd", check=True)
        server = subprocess.Popen(
            ["taskset", "-c", str(SERVER_CORE), binary],
            env=os.environ | {"CHAOSMEM_AGENT_TOKEN": TOKEN},
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert server.stdout is not None
            port = int(server.stdout.readline())
            os.sched_setaffinity(0, {CLIENT_CORE})
            asyncio.run(sample(int(pods), rate, seconds, port, Path(scratch) / "series"))
        finally:
            server.terminate()
            server.wait()


if __name__ == "__main__":
    main()
