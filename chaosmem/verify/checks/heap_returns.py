"""Live heap is back in the baseline band after recovery, as GC cycles after the release find it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chaosmem.evidence.model import Capture, Evidence, Floats, Trial, Window
from chaosmem.metrics import HEAP_LIVE
from chaosmem.spec.base import Phase
from chaosmem.spec.checks import HeapReturns
from chaosmem.units import human_bytes, human_seconds
from chaosmem.verify import ground
from chaosmem.verify.live import LiveHeap, live_heap
from chaosmem.verify.model import Outcome, Pointer
from chaosmem.verify.ruling import Claim, Ruling, Undecided, bounds, number
from chaosmem.verify.words import percent, several


def claim(spec: HeapReturns) -> Claim:
    """What is expected."""
    when = "by the end of the recover phase"
    if spec.within is not None:
        when = f"within {human_seconds(spec.within)} after release"
    return Claim(
        f"the live heap is back at its baseline {when}",
        f"live heap <= baseline median + max({percent(spec.share)}, {human_bytes(spec.slack)})",
    )


@dataclass(frozen=True, slots=True)
class _Seen:
    """Baseline and the cycles after release; `sound` marks those that began after it for sure."""

    spec: HeapReturns
    base: float
    cycles: int
    allowed: float
    release: tuple[float, float]
    after: LiveHeap
    sound: Floats

    @property
    def out(self) -> Floats:
        """Which cycles found more than is allowed."""
        return np.asarray(self.after.live > self.allowed, dtype=np.float64)


def judge(spec: HeapReturns, trial: Trial, _: Evidence) -> Ruling:
    """Rule on one trial."""
    release = ground.release(trial)
    heap = live_heap(trial)
    if not len(heap) and not len(trial.of(HEAP_LIVE)):
        raise Undecided(
            f"{HEAP_LIVE.source} was never measured: the agent reads it, and so does client_golang "
            "with the runtime metrics on; its defaults do not"
        )
    before = heap.within(_baseline(trial))
    if not len(before):
        raise Undecided(
            "no GC cycle ended in the baseline phase, so its live heap is not known; capture a "
            "heap profile at baseline.end (it forces a GC), or lengthen the baseline"
        )
    recover = ground.phase(trial, Phase.RECOVER)
    forced = [c for c in trial.captures if c.gc and not c.error and c.begin > sum(release)]
    end = max([recover.end, *(c.end for c in forced)])
    after = heap.within(Window(sum(release), end))
    if not len(after):
        raise Undecided(
            "no GC cycle ended between release and the end of the recover phase, so nobody knows "
            "what is still live; capture a heap profile at recover.end (it forces a GC)",
            observed="no GC cycle after release",
        )
    base = float(np.median(before.live))
    allowed = base + max(spec.share * base, spec.slack)
    seen = _Seen(spec, base, len(before), allowed, release, after, _sound(after, forced))
    return _at_end(seen) if spec.within is None else _in_time(seen, spec.within)


def _baseline(trial: Trial) -> Window:
    """From the baseline's start to the first fault."""
    window = ground.phase(trial, Phase.BASELINE)
    return Window(window.start, max(window.end, ground.pressure(trial).start))


def _sound(after: LiveHeap, forced: list[Capture]) -> Floats:
    """1 for cycles that began after the release: all but the first, and those of forced GCs.

    The first cycle that ended after the release may have marked what was let go meanwhile.
    """
    sound = np.ones(len(after))
    sound[0] = any(c.begin <= after.t[0] for c in forced)
    return sound


def _at_end(seen: _Seen) -> Ruling:
    last = float(seen.after.live[-1])
    told = f"{human_bytes(last)} live in the last of {several(len(seen.after), 'GC cycle')}"
    if not seen.out[-1]:
        return _ruling(seen, Outcome.PASS, told, f"{told}, {_allowed(seen)}")
    if not seen.sound[-1]:
        why = f"{told}, {_allowed(seen)}; but that cycle may have begun before the release"
        return _ruling(seen, Outcome.INCONCLUSIVE, told, why)
    left = human_bytes(last - seen.base)
    why = f"{told}, {_allowed(seen)}: {left} are still live that were not before"
    return _ruling(seen, Outcome.FAIL, told, why + _once(seen))


def _once(seen: _Seen) -> str:
    if len(seen.after) > 1:
        return ""
    return " (one cycle only: what a sync.Pool holds takes two to go)"


def _in_time(seen: _Seen, within: float) -> Ruling:
    t, (release, u) = seen.after.t, seen.release
    out = np.flatnonzero(seen.out)
    sound = [i for i in out.tolist() if seen.sound[i]]
    lo = max(0.0, float(t[sound[-1]]) - (release + u)) if sound else 0.0
    back = int(out[-1]) + 1 if len(out) else 0
    if lo > within:
        told = f"still out of the band {human_seconds(lo)} after release"
        why = f"{told}, {_allowed(seen)}; allowed are {human_seconds(within)}"
        return _ruling(seen, Outcome.FAIL, told, why)
    if back >= len(t):
        told = f"out of the band {human_seconds(lo)} after release, and no GC cycle later"
        return _ruling(seen, Outcome.INCONCLUSIVE, told, f"{told} to tell; {_allowed(seen)}")
    hi = float(t[back]) - (release - u)
    told = f"back at most {human_seconds(hi)} after release"
    if hi <= within:
        return _ruling(seen, Outcome.PASS, told, f"{told}, {_allowed(seen)}", (lo, hi))
    why = (
        f"{told}, and no GC cycle tells whether within {human_seconds(within)}: the live heap is "
        "known only where a cycle ends"
    )
    return _ruling(seen, Outcome.INCONCLUSIVE, told, why, (lo, hi))


def _allowed(seen: _Seen) -> str:
    return (
        f"baseline {human_bytes(seen.base)} ({several(seen.cycles, 'cycle')}), "
        f"allowed {human_bytes(seen.allowed)}"
    )


def _ruling(
    seen: _Seen, outcome: Outcome, told: str, why: str, took: tuple[float, float] | None = None
) -> Ruling:
    last = number(float(seen.after.live[-1]), "By")
    numbers = {
        "baseline live heap": number(seen.base, "By"),
        "last live heap": last,
        "allowed live heap": number(seen.allowed, "By"),
        "cycles after release": number(len(seen.after), "1"),
    }
    if took is not None:
        numbers["recovery time"] = bounds(*took, "s")
    t = seen.after.t
    where = Pointer(seen.after.file, HEAP_LIVE.name, start=float(t[0]), end=float(t[-1]))
    return Ruling(outcome, told, why, (where,), numbers.get("recovery time", last), numbers)
