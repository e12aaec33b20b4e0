"""The cluster engine: makes the Job, follows it, and brings home what its pods have written.

Whoever runs this can be killed at any line: the Job goes on by itself, and `resume` finds it by
its name, which was written down before it existed.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import platform
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from chaosmem.campaign.cluster import gathering
from chaosmem.campaign.cluster import objects as made
from chaosmem.campaign.cluster.jobstate import Progress, progress, words
from chaosmem.campaign.cluster.packed import from_directory, pack
from chaosmem.campaign.directory import CampaignDir, append, take
from chaosmem.campaign.events import JobPlanned, SessionEnded, SessionStarted
from chaosmem.campaign.model import Prepared
from chaosmem.campaign.runner import Ending
from chaosmem.campaign.state import settled, standing
from chaosmem.drivers import procfs
from chaosmem.drivers.kube import objects
from chaosmem.drivers.kube.connect import Cluster
from chaosmem.drivers.kube.kinds import CONFIG_MAP, POD, JsonObject, Ref
from chaosmem.errors import ChaosmemError, ClusterNotFound, ClusterUnreachable, UsageError

Say = Callable[[str], None]
_POLL = 1.0
_STOPPED_WITHIN = 180.0
"""Seconds for pods to undo and end after the Job was suspended; their grace is 120 s."""


def run(home: CampaignDir, say: Say) -> Ending:
    """Run the campaign's Job, or go on with it, to its end; then fetch the results."""
    held = take(home.lock)
    if held is None:
        raise UsageError(f"campaign {home.root.name} is being followed by another process")
    try:
        return asyncio.run(_Session(home, home.prepared(), say).execute())
    finally:
        os.close(held)


def gather(home: CampaignDir, say: Say) -> int:
    """Fetch what is new; how many files that were."""
    prepared = home.prepared()
    if prepared.engine != "cluster":
        raise UsageError("this campaign is a local one: its results are here already")
    return asyncio.run(_gather(home, prepared, say))


def status(home: CampaignDir) -> str:
    """Where the campaign's Job stands now, in words; that it cannot be asked, in words too."""
    planned = [e for e in home.entries() if isinstance(e, JobPlanned)]
    if not planned:
        return "no Job was made"
    try:
        return asyncio.run(_status(planned[-1]))
    except ChaosmemError as problem:
        return f"Job {planned[-1].job}: {problem}"


async def _status(planned: JobPlanned) -> str:
    async with Cluster.open(context=planned.context or None) as cluster:
        now = progress(await objects.read(cluster, made.JOB, planned.namespace, planned.job))
    state = now.ended or ("suspended" if now.suspended else "goes on")
    why = f" ({now.reason}: {now.message})" if now.reason else ""
    counts = f"{now.succeeded} done, {now.active} running"
    return f"Job {planned.namespace}/{planned.job} {state}{why}: {counts}"


async def _gather(home: CampaignDir, prepared: Prepared, say: Say) -> int:
    async with Cluster.open(context=prepared.campaign.cluster.context) as cluster:
        return await gathering.gather(cluster, home, say)


@dataclass(slots=True)
class _Session:
    home: CampaignDir
    prepared: Prepared
    say: Say
    _stop: asyncio.Event = field(default_factory=asyncio.Event)
    _sign: str = ""

    async def execute(self) -> Ending:
        ticks = procfs.started_ticks(os.getpid()) or 0
        host = platform.node()
        append(
            self.home.root, SessionStarted(t=time.time(), host=host, pid=os.getpid(), ticks=ticks)
        )
        wanted = self.prepared.campaign.cluster
        with self._signals():
            async with Cluster.open(context=wanted.context) as cluster:
                ending = await self._job(cluster)
                new = await gathering.gather(cluster, self.home, self.say)
                self.say(f"{new} files fetched")
        entry = SessionEnded(t=time.time(), state=ending.state, reason=ending.reason)
        append(self.home.root, entry)
        return ending

    async def _job(self, cluster: Cluster) -> Ending:
        name = await self._current(cluster)
        if name is None:
            return Ending("finished")
        return await self._follow(cluster, name)

    async def _current(self, cluster: Cluster) -> str | None:
        """The Job that has to be followed: the one there is, or a new one for what is left."""
        planned = [e for e in self.home.entries() if isinstance(e, JobPlanned)]
        if planned:
            last = planned[-1]
            there = await self._read(cluster, last.job)
            if there is not None and not progress(there).ended:
                await self._resume(cluster, there)
                return last.job
            if there is not None:
                await gathering.gather(cluster, self.home, self.say)
        left = self._left()
        if not left:
            return None
        # A Job that was planned and never made gets its name again; one that has ended does not.
        again = planned and await self._read(cluster, planned[-1].job) is None
        number = len(planned) if again else len(planned) + 1
        return await self._make(cluster, made.job_name(self.prepared, number), left)

    def _left(self) -> tuple[int, ...]:
        most = self.prepared.campaign.attempts
        return tuple(
            cell.index
            for cell in self.prepared.cells
            if not settled(standing(self.home.cell_entries(cell)), most)
        )

    async def _make(self, cluster: Cluster, name: str, left: tuple[int, ...]) -> str:
        wanted = self.prepared.campaign.cluster
        data = pack(from_directory(self.home, left))
        if name not in [e.job for e in self.home.entries() if isinstance(e, JobPlanned)]:
            planned = JobPlanned(
                t=time.time(), job=name, namespace=wanted.namespace, context=wanted.context or ""
            )
            append(self.home.root, planned)
        await self._claim(cluster)
        body = made.config_map(self.prepared, name, data)
        config = Ref.to(CONFIG_MAP, await objects.create(cluster, CONFIG_MAP, body))
        body = made.job(self.prepared, name, len(left))
        job = Ref.to(made.JOB, await objects.create(cluster, made.JOB, body))
        await self._owned(cluster, config, job)
        self.say(f"Job {job.namespace}/{name}: {len(left)} cell(s)")
        return name

    async def _claim(self, cluster: Cluster) -> None:
        wanted = self.prepared.campaign.cluster
        try:
            await objects.read(cluster, made.CLAIM, wanted.namespace, wanted.storage.claim)
        except ClusterNotFound:
            await objects.create(cluster, made.CLAIM, made.claim(self.prepared))

    async def _owned(self, cluster: Cluster, config: Ref, job: Ref) -> None:
        """The ConfigMap goes with the Job."""
        owner = {"apiVersion": "batch/v1", "kind": "Job", "name": job.name, "uid": job.uid}
        await objects.merge_patch(cluster, config, {"metadata": {"ownerReferences": [owner]}})

    async def _resume(self, cluster: Cluster, body: JsonObject) -> None:
        if progress(body).suspended:
            await self._suspended(cluster, body, suspend=False)

    async def _suspended(self, cluster: Cluster, body: JsonObject, *, suspend: bool) -> None:
        ref = Ref.to(made.JOB, body)
        await objects.merge_patch(cluster, ref, {"spec": {"suspend": suspend}})

    async def _follow(self, cluster: Cluster, name: str) -> Ending:
        """Wait for the Job's end; an API server that is away is waited for."""
        before: Progress | None = None
        while True:
            body = await self._patiently(cluster, name)
            if body is None:
                return Ending("stopped", f"Job {name} was removed by somebody else")
            now = progress(body)
            if now != before:
                self.say(f"{now.succeeded} done, {now.active} running")
                before = now
            if now.ended:
                if now.failed_indices:
                    self.say(f"index {now.failed_indices}: {await self._last_words(cluster, name)}")
                return _ending(now)
            if self._stop.is_set():
                return await self._stopped(cluster, body)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), _POLL)

    async def _last_words(self, cluster: Cluster, name: str) -> str:
        """Why pods of the Job failed, by what the last of them said."""
        namespace = self.prepared.campaign.cluster.namespace
        labels = f"batch.kubernetes.io/job-name={name}"
        said = [
            words(body) for body in await objects.listed(cluster, POD, namespace, labels=labels)
        ]
        return next((w for w in reversed(said) if w), "its pods failed, and said nothing")

    async def _stopped(self, cluster: Cluster, body: JsonObject) -> Ending:
        """Suspend the Job and wait until its pods have undone what they did."""
        self.say("stopping: the Job is suspended, its pods undo what they did")
        await self._suspended(cluster, body, suspend=True)
        deadline = time.monotonic() + _STOPPED_WITHIN
        while time.monotonic() < deadline:
            there = await self._read(cluster, body["metadata"]["name"])
            status = (there or {}).get("status") or {}
            if not status.get("active") and not status.get("terminating"):
                break
            await asyncio.sleep(_POLL)
        return Ending("stopped", f"stopped by {self._sign}")

    async def _patiently(self, cluster: Cluster, name: str) -> JsonObject | None:
        while True:
            try:
                return await self._read(cluster, name)
            except ClusterUnreachable as problem:
                self.say(f"{problem}; the Job goes on, waiting")
                await asyncio.sleep(_POLL)

    async def _read(self, cluster: Cluster, name: str) -> JsonObject | None:
        namespace = self.prepared.campaign.cluster.namespace
        try:
            return await objects.read(cluster, made.JOB, namespace, name)
        except ClusterNotFound:
            return None

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        signs = (signal.SIGINT, signal.SIGTERM)
        before = {sign: signal.getsignal(sign) for sign in signs}
        for sign in signs:
            loop.add_signal_handler(sign, self._asked, sign)
        try:
            yield
        finally:
            for sign, handler in before.items():
                loop.remove_signal_handler(sign)
                signal.signal(sign, handler)

    def _asked(self, sign: signal.Signals) -> None:
        self._sign = sign.name
        self._stop.set()


def _ending(now: Progress) -> Ending:
    """How a campaign ended, by its Job."""
    match now.reason:
        case "PodFailurePolicy":
            return Ending("stop-on", now.message)
        case "DeadlineExceeded":
            return Ending("deadline", "the deadline has passed")
        case _:
            return Ending("finished")
