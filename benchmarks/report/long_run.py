"""A ten-minute run with twelve captures, six of them heaps of 20,000 unique stacks.

The run is the sample of the report's tests, its phases fifteen times as long and sampled at 10/s;
no target is started.
"""

from __future__ import annotations

from dataclasses import replace

from chaosmem.evidence.model import Capture, Evidence, Trial, Window
from chaosmem.spec.base import Phase
from tests.report import sample
from tests.report.sample_profiles import goroutine_stacks, many_stacks, pprof

# (moment, where in its phase from 0 to 1, how much of the heap's stacks there is, goroutines)
MOMENTS = (
    ("baseline.end", Phase.BASELINE, 1.0, 1, 0),
    ("inject.end", Phase.INJECT, 1.0, 2, 500),
    ("hold+75s", Phase.HOLD, 0.5, 3, 500),
    ("hold.end", Phase.HOLD, 1.0, 3, 500),
    ("recover+60s", Phase.RECOVER, 0.3, 2, 210),
    ("recover.end", Phase.RECOVER, 1.0, 2, 210),
)


def evidence() -> Evidence:
    """The run: 600 s, one trial."""
    made = sample.evidence("leak", stretch=15.0)
    return replace(made, trials=tuple(_with_captures(trial) for trial in made.trials))


def _with_captures(trial: Trial) -> Trial:
    files: dict[str, bytes] = {}
    captures: list[Capture] = []
    for moment, phase, share, grown, held in MOMENTS:
        heap = pprof(many_stacks(grown), "heap")
        goroutines = pprof(goroutine_stacks(held), "goroutine")
        for profile, data in (("heap", heap), ("goroutine", goroutines)):
            file = f"captures/{profile}-{moment}.pb.gz"
            files[file] = data
            captures.append(_capture(profile, moment, file, _at(trial.phases[phase], share), data))
    return replace(trial, captures=tuple(captures), read=files.__getitem__)


def _at(window: Window, share: float) -> float:
    return window.start + share * window.seconds


def _capture(profile: str, moment: str, file: str, t: float, data: bytes) -> Capture:
    name = f"{profile}@{moment}"
    return Capture(
        name, profile, moment, t - 0.08, t, file, "ab" * 32, len(data), profile == "heap"
    )
