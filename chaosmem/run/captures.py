"""Profiles and histograms at named moments, kept as the raw bytes that were received."""

from __future__ import annotations

import hashlib

from chaosmem.clock import RunClock
from chaosmem.drivers.agent import Agent
from chaosmem.drivers.http import CAPTURE_LIMIT, Http
from chaosmem.errors import ProbeFailed
from chaosmem.plan.model import PlannedCapture
from chaosmem.rundir import RunDir
from chaosmem.rundir.events import CaptureTaken, HistogramsTaken

_TIMEOUT = 15.0
"""Seconds a profile may take beyond its own length: one of 450 000 goroutines takes 2 s."""


def missed(capture: PlannedCapture, trial: str, now: float, why: str) -> CaptureTaken:
    """The entry for a profile that was not taken."""
    return CaptureTaken(
        t=now,
        trial=trial,
        capture=capture.id,
        profile=capture.profile,
        moment=str(capture.moment),
        begin=now,
        end=now,
        gc=capture.gc,
        error=why,
    )


async def take(
    capture: PlannedCapture,
    http: Http,
    path: str,
    *,
    rundir: RunDir,
    trial: str,
    clock: RunClock,
) -> CaptureTaken:
    """Take one profile; what went wrong is in the entry's `error`."""
    blank = missed(capture, trial, clock.now(), "")
    try:
        answer = await http.get(
            _query(capture, path), timeout=_TIMEOUT + capture.seconds, limit=CAPTURE_LIMIT
        )
    except ProbeFailed as problem:
        return blank.model_copy(update={"error": str(problem), "end": clock.now()})
    file = f"captures/{trial}/{capture.id}-{capture.moment}-{capture.profile}.pb.gz"
    rundir.write(file, answer.body)
    return blank.model_copy(
        update={
            "t": clock.now(),
            "begin": answer.begin,
            "end": answer.end,
            "file": file,
            "sha256": hashlib.sha256(answer.body).hexdigest(),
            "size": len(answer.body),
        }
    )


def _query(capture: PlannedCapture, path: str) -> str:
    base = path.rstrip("/")
    if capture.profile == "cpu":
        return f"{base}/profile?seconds={max(1, round(capture.seconds))}"
    return f"{base}/{capture.profile}" + ("?gc=1" if capture.gc else "")


async def histograms(
    agent: Agent, moment: str, *, rundir: RunDir, trial: str
) -> HistogramsTaken | None:
    """The runtime's cumulative histograms; None where the agent does not give them."""
    try:
        answer = await agent.histograms()
    except ProbeFailed:
        return None
    file = f"captures/{trial}/{moment}-histograms.json"
    rundir.write(file, answer.body)
    return HistogramsTaken(t=answer.t, trial=trial, moment=moment, file=file)
