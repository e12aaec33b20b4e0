"""When a sampled count came back for good: an interval, because sampling sees only moments.

The release happened at r ± u, sample i at t_i ± u_i. If sample a is the last one out of the band
and b the first of the stretch that stays in it, the count came back in (a, b], so the recovery time
lies in [(t_a - u_a) - (r + u), (t_b + u_b) - (r - u)] (an interval-censored observation).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chaosmem.evidence.model import Floats
from chaosmem.verify.steady import IN, OUT, UNKNOWN, States


@dataclass(frozen=True, slots=True)
class Recovery:
    """What the samples say, in seconds after the release; `hi` None: never seen to come back.

    Attributes:
        lo: it was still out of the band this long after the release, or 0.
        hi: it was back, to stay for the dwell, at the latest this long after.
        relapse: first stretch (start, end on the run's clock) of at least the dwell in which it was
            out of the band again after it had come back.
        longest_gap: longest time without a usable sample between release and the decision.
        last: time of the last usable sample after the release, in seconds after it.
    """

    lo: float
    hi: float | None
    relapse: tuple[float, float] | None
    longest_gap: float
    last: float


@dataclass(frozen=True, slots=True)
class Release:
    """The moment of release on the run's clock, and its uncertainty, in seconds."""

    t: float
    u: float


def recovery(
    t: Floats, u: Floats, state: States, release: Release, *, dwell: float, max_gap: float
) -> Recovery:
    """Judge the samples from the release on; `t` ascending, `state` IN, OUT or UNKNOWN."""
    usable = (state != UNKNOWN) & (t + u >= release.t - release.u)
    t, u, state = t[usable], u[usable], state[usable]
    back = _settles(t, state, dwell, max_gap)
    until = len(t) if back is None else back
    out = np.flatnonzero(state[:until] == OUT)
    lo = 0.0
    if len(out):
        a = int(out[-1])
        lo = max(0.0, float(t[a] - u[a]) - (release.t + release.u))
    hi = None if back is None else max(lo, float(t[back] + u[back]) - (release.t - release.u))
    relapse = None if back is None else _relapse(t[back:], state[back:], dwell, max_gap)
    seen = t[: until + 1]
    gaps = np.diff(np.concatenate(([release.t], seen[seen > release.t])))
    longest = float(gaps.max()) if len(gaps) else 0.0
    last = float(t[-1]) - release.t if len(t) else 0.0
    return Recovery(lo, hi, relapse, longest, last)


def _settles(t: Floats, state: States, dwell: float, max_gap: float) -> int | None:
    """First sample of a stretch that stays IN for `dwell`, seen without a gap above `max_gap`."""
    begin: int | None = None
    for i in range(len(t)):
        if state[i] != IN:
            begin = None
            continue
        if begin is None or t[i] - t[i - 1] > max_gap:
            begin = i
        if t[i] - t[begin] >= dwell:
            return begin
    return None


def _relapse(t: Floats, state: States, dwell: float, max_gap: float) -> tuple[float, float] | None:
    """First stretch of only OUT samples, at least two and without a gap, of at least `dwell`."""
    begin: int | None = None
    for i in range(len(t)):
        if state[i] != OUT:
            begin = None
            continue
        if begin is None or t[i] - t[i - 1] > max_gap:
            begin = i
        if i > begin and t[i] - t[begin] >= dwell:
            rest = np.flatnonzero(state[i:] != OUT)
            end = i + int(rest[0]) - 1 if len(rest) else len(t) - 1
            return float(t[begin]), float(t[end])
    return None
