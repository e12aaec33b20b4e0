"""Findings that fit the sample run; no check has computed them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from chaosmem import metrics
from chaosmem.evidence.model import Evidence, Trial
from chaosmem.spec.base import Phase
from chaosmem.verify.model import (
    Finding,
    Number,
    Outcome,
    Pointer,
    Verdict,
    worst,
)
from chaosmem.verify.together import compare, summarise


def verdict(given: Evidence) -> Verdict:
    """A verdict that fits `evidence()`."""
    findings = [f for t in given.trials for f in _findings(t)]
    outcome = worst(f.outcome for f in findings if not f.advisory)
    left = any(not u.done for u in given.undo)
    says = {
        Outcome.PASS: "All checks passed in every trial.",
        Outcome.FAIL: "goroutine-recovery failed: 210 goroutines never came back.",
        Outcome.INCONCLUSIVE: "The run was aborted before the checks could decide.",
    }[outcome]
    code = 5 if left else {Outcome.PASS: 0, Outcome.FAIL: 1, Outcome.INCONCLUSIVE: 4}[outcome]
    arms = [a.name for a in given.experiment.arms]
    return Verdict(
        given.run_id,
        given.experiment.metadata.name,
        outcome,
        says,
        tuple(findings),
        summarise(findings, arms),
        compare(findings, arms),
        code,
    )


def _findings(given: Trial) -> Iterable[Finding]:
    finished = given.complete
    count = given.of(metrics.GOROUTINES)
    leaks = finished and count.v[-1] > 100
    release = given.phases[Phase.HOLD].end
    seconds = (
        15.0 if leaks else round(2.1 + 0.3 * (given.trial % 3) + 0.4 * (given.arm != "default"), 2)
    )
    recovery = Finding(
        "goroutine-recovery",
        "goroutine-recovery",
        Outcome.FAIL if leaks else Outcome.PASS,
        "228 goroutines 15.0 s after release"
        if leaks
        else f"back in the band after {seconds} s ± 0.05 s",
        "16 to 20 goroutines within 5 s of release, for at least 1 s",
        "5 s",
        "210 goroutines are blocked in cart.(*Queue).Wait since the fault was released"
        if leaks
        else "the count entered the band and stayed there to the end of the trial",
        (
            Pointer(count.file, "goroutines.count@v1", start=release, end=release + 5),
            Pointer(
                f"trials/{given.key}/captures/goroutine-recover.end.pb.gz", "goroutine profile"
            ),
        ),
        headline=Number(seconds, "s", 0.05),
        numbers={
            "baseline median": Number(18, "1", 2),
            "baseline MAD": Number(1, "1"),
            "released at": Number(release + 0.02, "s", 0.004),
            "recovery time": Number(seconds, "s", 0.05),
        },
    )
    if not finished:
        recovery = replace(
            recovery,
            outcome=Outcome.INCONCLUSIVE,
            observed="no sample after release",
            headline=None,
            reason="the trial was aborted in its hold phase: nothing to recover from",
        )
    for finding in (recovery, _gc(given), _top(given), _pause()):
        yield replace(
            finding, arm=given.arm, trial=given.trial, trial_key=given.key, target=given.target
        )


def _gc(given: Trial) -> Finding:
    hold = given.phases[Phase.HOLD]
    return Finding(
        "next-gc-prediction",
        "next-gc-prediction",
        Outcome.PASS,
        "7 cycles; goal off by at most 0.4 % (0.3 MiB); largest overshoot 1.2 MiB",
        "the goal within 2 % or 1 MiB of the formula; overshoot at most 10 % or 8 MiB",
        "2 %, 10 % and 8 MiB",
        "live + (live + stacks + globals) x GOGC/100 gave every goal",
        (Pointer(given.cycles.file, "cycles", start=hold.start, end=hold.end),),
        headline=Number(0.4, "%"),
        numbers={"cycles": Number(7, "1"), "formula_error": Number(0.4, "%")},
        table=(
            ("cycle", "live", "goal", "predicted"),
            *((str(60 + i), "86.1 MiB", "173.2 MiB", "173.1 MiB") for i in range(7)),
        ),
    )


def _top(given: Trial) -> Finding:
    return Finding(
        "top-allocations",
        "top-allocations",
        Outcome.PASS,
        "inventory.(*Cache).Fill is on 2 of the 10 top stacks, 97 % ± 8 % of the growth",
        "at least 50 % of the growth under inventory.(*Cache).Fill",
        "50 %",
        "the lower end of the share (89 %) is above the threshold",
        (Pointer(f"trials/{given.key}/captures/heap-hold.end.pb.gz", "heap profile"),),
        headline=Number(97, "%", 8),
        numbers={"share": Number(97, "%", 8)},
        table=(
            ("rank", "stack", "growth"),
            ("1", "inventory.newEntry", "57.6 MiB"),
            ("2", "runtime.makeslice", "6.4 MiB"),
        ),
    )


def _pause() -> Finding:
    return Finding(
        "pause",
        "pause",
        Outcome.INCONCLUSIVE,
        "43 pauses, the longest under 100 µs",
        "99 % of at least 100 pauses at most 10 ms",
        "10 ms",
        "43 pauses cannot show a 99th percentile",
        advisory=True,
        numbers={"pauses": Number(43, "1")},
    )
