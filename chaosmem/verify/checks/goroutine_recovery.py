"""(a) After release the goroutine count is back in the baseline band in time, and stays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chaosmem.evidence.model import Evidence, Series, Trial, Window
from chaosmem.metrics import GOROUTINES
from chaosmem.spec.base import Phase
from chaosmem.spec.checks import GoroutineRecovery
from chaosmem.spec.faults import GoroutinesFault
from chaosmem.units import human_seconds
from chaosmem.verify import ground, steady
from chaosmem.verify.explain import goroutine_growth
from chaosmem.verify.model import Number, Outcome, Pointer
from chaosmem.verify.recovery import Recovery, Release, recovery
from chaosmem.verify.ruling import Claim, Ruling, Undecided, bounds, number, of_series
from chaosmem.verify.steady import OUT, Steady
from chaosmem.verify.words import plain, several, span

_SURGE_SHARE = 0.5
"""A band wider than this share of the surge could hide half of it: then nothing is decided."""
_GAP_INTERVALS = 3.0
"""A stretch without samples that is longer than the dwell and than this many sampling intervals
breaks the dwell: nobody saw whether the count stayed."""
_TAIL = 10
"""Samples whose median says how many goroutines are left over."""


def claim(spec: GoroutineRecovery) -> Claim:
    """What is expected."""
    band = spec.band
    return Claim(
        f"the goroutine count returns to the baseline band within {human_seconds(spec.within)} "
        f"after release and stays for {human_seconds(spec.dwell)}",
        f"recovery time <= {human_seconds(spec.within)}; band = baseline median ± "
        f"max({band.mad:g}·MAD, {band.share * 100:g} %, {band.count:g})",
    )


@dataclass(frozen=True, slots=True)
class _Seen:
    """Everything that the ruling rests on."""

    spec: GoroutineRecovery
    trial: Trial
    baseline: Series
    band: Steady
    release: Release
    after: Series
    window_end: float
    recovery: Recovery


def judge(spec: GoroutineRecovery, trial: Trial, _: Evidence) -> Ruling:
    """Rule on one trial."""
    t, u = ground.release(trial)
    baseline = _baseline(spec, trial)
    band = steady.steady(baseline.v, spec.band)
    _surge_left_the_band(trial, band)
    end = ground.phase(trial, Phase.RECOVER).end
    after = ground.samples(trial, GOROUTINES, Window(t - u, end), 1, "the time after release")
    found = recovery(
        after.t,
        after.u,
        steady.states(after, trial.captures, band),
        Release(t, u),
        dwell=spec.dwell,
        max_gap=max(spec.dwell, _GAP_INTERVALS * _interval(trial)),
    )
    return _rule(_Seen(spec, trial, baseline, band, Release(t, u), after, end, found))


def _baseline(spec: GoroutineRecovery, trial: Trial) -> Series:
    """Baseline samples that none of chaosmem's own captures can have touched."""
    window = ground.phase(trial, Phase.BASELINE)
    series = ground.samples(trial, GOROUTINES, window, spec.min_samples, "the baseline phase")
    alone = steady.watched(series, trial.captures) == 0
    kept = Series(series.metric, series.t[alone], series.u[alone], series.v[alone], series.file)
    if len(kept) >= spec.min_samples:
        return kept
    raise Undecided(
        f"only {several(len(kept), 'baseline sample')} of {len(series)} were taken while no "
        f"capture was running, and {spec.min_samples} are needed; lengthen the baseline phase",
        observed=several(len(kept), "usable baseline sample"),
        evidence=(of_series(series),),
    )


def _interval(trial: Trial) -> float:
    """Median time between samples, in seconds."""
    t = trial.of(GOROUTINES).t
    return float(np.median(np.diff(t))) if len(t) > 1 else 0.0


def _surge_left_the_band(trial: Trial, band: Steady) -> None:
    """A goroutine fault that never left the band, or could hide in it, decides nothing."""
    for record in trial.faults:
        fault = record.planned.fault
        if not isinstance(fault, GoroutinesFault):
            continue
        if band.half > _SURGE_SHARE * fault.count:
            raise Undecided(
                f"the baseline band is ±{plain(band.half)} wide (MAD {plain(band.mad)}), so a "
                f"surge of {fault.count} could hide in it; lengthen or quieten the baseline, or "
                f"raise the count above {plain(2 * band.half)}",
                observed=f"baseline {plain(band.median)} ± {plain(band.half)}",
            )
        acted = trial.of(GOROUTINES).within(ground.acts(record, trial))
        if not (steady.states(acted, trial.captures, band) == OUT).any():
            raise Undecided(
                f"the surge of {fault.count} goroutines was never seen outside the baseline band "
                f"{plain(band.median)} ± {plain(band.half)} ({several(len(acted), 'sample')} while "
                "it acted): there was nothing to recover from",
                evidence=(of_series(acted),) if len(acted) else (),
            )


def _rule(seen: _Seen) -> Ruling:
    got, within = seen.recovery, seen.spec.within
    if got.hi is None:
        return _never_back(seen) if got.lo > within else _unfinished(seen)
    if got.relapse is not None:
        return _relapsed(seen, got.relapse)
    took = span(got.lo, got.hi)
    if got.hi <= within:
        why = f"recovered {took} after release, within the allowed {human_seconds(within)}"
        return _ruling(seen, Outcome.PASS, f"recovered {took} after release", why)
    if got.lo > within:
        why = f"recovered only {took} after release; allowed are {human_seconds(within)}"
        return _ruling(seen, Outcome.FAIL, f"recovered {took} after release", why)
    why = (
        f"recovered {took} after release: the deadline of {human_seconds(within)} lies between, so "
        f"the sampling cannot decide (longest gap {human_seconds(got.longest_gap)}); sample faster"
    )
    return _ruling(seen, Outcome.INCONCLUSIVE, f"recovered {took} after release", why)


def _never_back(seen: _Seen) -> Ruling:
    left = _left_over(seen)
    still = human_seconds(seen.recovery.lo)
    return _ruling(
        seen,
        Outcome.FAIL,
        f"{plain(left)} goroutines above the baseline, {still} after release",
        f"the count was still out of the band {still} after release (allowed "
        f"{human_seconds(seen.spec.within)}), and was not seen to come back and stay: "
        f"{plain(left)} goroutines are left over",
        {"left over": number(left, "1", seen.band.half)},
    )


def _unfinished(seen: _Seen) -> Ruling:
    got, spec = seen.recovery, seen.spec
    last = human_seconds(got.last)
    why = (
        f"the last usable sample is {last} after release, too early to see a return within "
        f"{human_seconds(spec.within)} and a dwell of {human_seconds(spec.dwell)}"
    )
    if got.last >= spec.within + spec.dwell:
        why = (
            f"the count came back and left again, or the samples have gaps (longest "
            f"{human_seconds(got.longest_gap)}): no stay of {human_seconds(spec.dwell)} was seen, "
            f"and none was ruled out within {human_seconds(spec.within)}"
        )
    trouble = ground.trouble(seen.trial, Window(seen.release.t, seen.window_end))
    mend = "; the recover phase must outlast within + dwell, with samples all along"
    return _ruling(
        seen, Outcome.INCONCLUSIVE, f"observed for {last} after release", why + trouble + mend
    )


def _relapsed(seen: _Seen, relapse: tuple[float, float]) -> Ruling:
    begin, end = (t - seen.release.t for t in relapse)
    hi = human_seconds(seen.recovery.hi or 0.0)
    return _ruling(
        seen,
        Outcome.FAIL,
        f"back after at most {hi}, out of the band again from {human_seconds(begin)} to "
        f"{human_seconds(end)} after release",
        f"the count came back but did not stay: it was out of the band again for "
        f"{human_seconds(end - begin)}, and the dwell is {human_seconds(seen.spec.dwell)}",
    )


def _left_over(seen: _Seen) -> float:
    return float(np.median(seen.after.v[-_TAIL:])) - seen.band.median


def _ruling(
    seen: _Seen,
    outcome: Outcome,
    observed: str,
    reason: str,
    more: dict[str, Number] | None = None,
) -> Ruling:
    got, band = seen.recovery, seen.band
    window = seen.baseline.t
    headline = None if got.hi is None else bounds(got.lo, got.hi, "s")
    file, name = seen.after.file, GOROUTINES.name
    return Ruling(
        outcome,
        observed,
        f"{reason} (band {plain(band.median)} ± {plain(band.half)} from {band.samples} samples)",
        evidence=(
            Pointer(file, f"{name}, baseline", start=float(window[0]), end=float(window[-1])),
            Pointer(file, f"{name}, after release", start=seen.release.t, end=seen.window_end),
        ),
        headline=headline,
        numbers={
            "baseline median": number(band.median, "1", band.half),
            "baseline MAD": number(band.mad, "1"),
            "released at": number(seen.release.t, "s", seen.release.u),
            "out of the band for at least": number(got.lo, "s"),
            "longest gap": number(got.longest_gap, "s"),
            **({} if headline is None else {"recovery time": headline}),
            **(more or {}),
        },
        table=goroutine_growth(seen.trial),
    )
