"""Reader of the memory helper; docs/helper-protocol.md describes both sides.

Its acts (lease, memory, release) are the agent's protocol: `drivers.agent.Agent` with `path=""`.
"""

from __future__ import annotations

from typing import Literal

from chaosmem import metrics
from chaosmem.drivers.agent import Message, parsed
from chaosmem.drivers.http import Answer, Http
from chaosmem.drivers.sources import Reading

TOKEN_HEADER = "Chaosmem-Token"  # noqa: S105 - the header's name
"""Carries the token through the API server's pod proxy, which keeps Authorization to itself."""

StressState = Literal["off", "ramping", "holding", "yielding", "gone", "oom", "refused"]


class CgroupPlace(Message):
    """The container's cgroup and settings; bytes, 0 is none (`swap_limit`: -1)."""

    version: Literal[1, 2]
    driver: Literal["cgroupfs", "systemd"]
    runtime: str = ""
    path: str
    limit: int
    high: int = 0
    swap_limit: int = -1
    oom_group: bool = False


class NodeMemory(Message):
    """The node's memory in bytes, and its CPUs."""

    mem_total: int
    mem_available: int
    swap_total: int = 0
    cpus: int = 0


class Possible(Message):
    """Whether a stress can work, and if not, why."""

    possible: bool
    why: str = ""


class HelperInfo(Message):
    """`GET /info`."""

    helper: str
    go: str
    pid: int
    start_unix_ns: int
    now_unix_ns: int
    deadline_unix_ns: int = 0
    kernel: str = ""
    observe_only: bool = False
    cgroup: CgroupPlace
    node: NodeMemory
    stress: Possible


class CgroupMemory(Message):
    """What is charged to the container, in bytes; -1 where the kernel does not tell."""

    usage: int
    working_set: int
    inactive_file: int
    active_file: int = -1
    anon: int
    cache: int
    shmem: int = -1
    kernel: int = -1
    swap: int = -1
    limit: int


class CgroupEvents(Message):
    """Counts since the cgroup was made; -1 where the kernel does not tell."""

    oom: int = -1
    oom_kill: int = -1
    oom_group_kill: int = -1
    max: int = -1
    high: int = -1


class Target(Message):
    """The container's own processes; `rss` -1 where they cannot be seen."""

    pids: int
    rss: int


class Hog(Message):
    """The process that holds the memory."""

    pid: int
    rss: int
    swap: int = 0
    threads: int = 0
    oom_score_adj: int = 0
    started: int = 0


class Psi(Message):
    """Pressure stall: cumulative microseconds, and percent over 10 s."""

    some_us: int
    full_us: int
    some_avg10: float = 0
    full_avg10: float = 0


class Stress(Message):
    """What the stress is doing; bytes."""

    state: StressState
    why: str = ""
    level: int = 0
    setpoint: int = 0
    error: int = 0
    reserve: int = 0
    oom: str = ""
    yields: int = 0
    kills: int = 0
    looks: int = 0
    worst_error: int = 0


class Held(Message):
    """What the hog holds, by its own count."""

    bytes: int


class HelperSample(Message):
    """`GET /sample`; `cgroup` is None when the container is gone."""

    now_unix_ns: int
    cgroup: CgroupMemory | None
    events: CgroupEvents | None = None
    target: Target
    hog: Hog | None = None
    psi: Psi | None = None
    stress: Stress
    held: Held


class HelperSource:
    """The helper as a source: the container's memory, and the stress upon it.

    `last` is the last whole sample, for what a metric cannot say (state, why).
    """

    name = "helper"

    def __init__(self, http: Http, *, token: str, path: str = "") -> None:
        self._http = http
        self._base = path.rstrip("/") + "/v1"
        self._headers = {"Authorization": f"Bearer {token}", TOKEN_HEADER: token}
        self.last: HelperSample | None = None

    async def info(self, *, timeout: float = 2.0) -> HelperInfo:
        """What the helper found; ProbeFailed where there is none."""
        answer = await self._get("/info", timeout)
        return parsed(HelperInfo, answer, who="helper")

    async def sample(self, *, timeout: float) -> tuple[Answer, HelperSample]:
        """One sample."""
        answer = await self._get("/sample", timeout)
        sample = parsed(HelperSample, answer, who="helper")
        self.last = sample
        return answer, sample

    async def read(self, *, timeout: float) -> Reading:
        """One sample as metrics; what the kernel does not tell is left out."""
        answer, sample = await self.sample(timeout=timeout)
        return Reading(answer.t, answer.u, values(sample), (), sample.now_unix_ns)

    async def _get(self, path: str, timeout: float) -> Answer:
        return await self._http.get(self._base + path, timeout=timeout, headers=self._headers)


def values(sample: HelperSample) -> dict[str, float]:
    """The sample's numbers by metric name; unknown ones (-1) are no numbers."""
    found: dict[metrics.Metric, int] = {
        metrics.STRESS_HELD: sample.held.bytes,
        metrics.STRESS_LEVEL: sample.stress.setpoint,
    }
    if sample.cgroup is not None:
        found |= _charged(sample.cgroup)
        found[metrics.TARGET_RSS] = sample.target.rss
    if sample.events is not None:
        found[metrics.CGROUP_OOM_KILLS] = sample.events.oom_kill
    return {metric.name: float(value) for metric, value in found.items() if value >= 0}


def _charged(cgroup: CgroupMemory) -> dict[metrics.Metric, int]:
    return {
        metrics.CGROUP_USAGE: cgroup.usage,
        metrics.CGROUP_WORKING_SET: cgroup.working_set,
        metrics.CGROUP_ANON: cgroup.anon,
        metrics.CGROUP_CACHE: cgroup.cache,
        metrics.CGROUP_LIMIT: cgroup.limit or -1,
    }
