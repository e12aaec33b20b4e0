"""What to do about a check that did not pass, by its kind. Pure."""

from __future__ import annotations

from typing import Final

from chaosmem.verify.model import Finding, Outcome

_FAIL: Final = {
    "goroutine-recovery": "see who leaked in the finding's table; open the goroutine capture at "
    "recover.end; fix, and run the same spec",
    "next-gc-prediction": "look for forced collections or a changed GOGC/GOMEMLIMIT in the cycles",
    "top-allocations": "open the flame graph of growth: the memory was kept elsewhere",
    "stress-effect": "the fault was not what was asked: look at its readback, not at the service",
    "no-restart": "read the target's log and exit code around that time",
    "no-oom": "compare the limit with the layers in the report; raise it, or set GOMEMLIMIT below",
    "heap-returns": "compare the heap captures of baseline.end and recover.end: who still holds it",
    "rss-returns": "give recover minutes, or see in the layers what Go does not know of",
    "gc-cpu": "raise GOGC or GOMEMLIMIT, or allocate less (flame graph of alloc_space)",
    "pause": "look for large stacks, many goroutines, or a busy machine at those pauses",
    "promql": "open the query over the run's time",
    "alert": "compare `for` and the scrape interval with the limits of the check",
}
_INCONCLUSIVE: Final = {
    "stress-effect": "the fault is not proven: token, injection point, limits; then run again",
    "run": "the run is not whole; finish its undo, then run again",
    "goroutine-recovery": "lengthen phases.baseline or raise sampling.rate; run again",
    "next-gc-prediction": "more churn or a longer hold, so that enough collections happen",
    "top-allocations": "take both heap captures; retain more, so that sampling can tell",
    "pause": "a longer hold, so that there are more pauses",
    "promql": "a shorter scrape interval, or longer phases",
    "alert": "keep Prometheus reachable to the end of the run",
}


def next_steps(finding: Finding) -> str:
    """A sentence; what was missing is in the finding's own reason."""
    if finding.outcome is Outcome.FAIL:
        return _FAIL.get(finding.check, "see the finding's evidence in the report")
    return _INCONCLUSIVE.get(finding.check, "supply what the reason misses, and run again")
