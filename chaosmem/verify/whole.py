"""Findings about the run as a whole: how it ended, what is damaged, missing, or still changed."""

from __future__ import annotations

from chaosmem.evidence.model import Evidence, RunState
from chaosmem.verify.ground import JOURNAL
from chaosmem.verify.model import Finding, Outcome, Pointer
from chaosmem.verify.words import several


def judge_run(evidence: Evidence) -> tuple[Finding, ...]:
    """INCONCLUSIVE findings for whatever keeps the run from being whole; none if it is."""
    found = (_end(evidence), _missing(evidence), _damage(evidence), _undo(evidence))
    return tuple(f for f in found if f is not None)


def _whole(name: str, observed: str, expected: str, reason: str, *at: Pointer) -> Finding:
    return Finding("run", name, Outcome.INCONCLUSIVE, observed, expected, "", reason, evidence=at)


def _end(evidence: Evidence) -> Finding | None:
    end = evidence.end
    if end.state is RunState.COMPLETED:
        return None
    observed = {
        RunState.ABORTED: "a guard aborted the run",
        RunState.INTERRUPTED: "the operator interrupted the run",
        RunState.ERROR: "the run ended with an error",
        RunState.UNFINISHED: "the journal ends in the middle of the run (killed, or no power)",
    }[end.state]
    why = f"{observed}: {end.reason}" if end.reason else observed
    at = Pointer(JOURNAL, "end of the run", line=end.line or None)
    return _whole("run-end", observed, "the run completes", why, at)


def _missing(evidence: Evidence) -> Finding | None:
    planned = [t.key for t in evidence.plan.trials]
    ran = {t.key for t in evidence.trials}
    missing = [key for key in planned if key not in ran]
    if planned and not missing:
        return None
    observed = f"{len(planned) - len(missing)} of {several(len(planned), 'trial')} ran"
    why = f"{observed}; missing: {', '.join(missing)}" if missing else "no trial was planned"
    return _whole("trials", observed, "every planned trial is run", why)


def _damage(evidence: Evidence) -> Finding | None:
    if not evidence.damage:
        return None
    return _whole(
        "damage",
        several(len(evidence.damage), "damaged place"),
        "the run directory is whole",
        f"the run directory is damaged: {'; '.join(evidence.damage)}",
    )


def _undo(evidence: Evidence) -> Finding | None:
    """Advisory: what is still changed decides the exit code (5), not the outcome."""
    left = [u for u in evidence.undo if not u.done]
    if not left:
        return None
    named = [f"{u.what} ({u.id}{': ' + u.error if u.error else ''})" for u in left]
    return Finding(
        "run",
        "undo",
        Outcome.INCONCLUSIVE,
        f"{len(left)} of {several(len(evidence.undo), 'change')} still in place",
        "everything that was changed is undone",
        "",
        f"still changed: {'; '.join(named)}; finish it with `chaosmem undo {evidence.run_id}`",
        evidence=tuple(Pointer(JOURNAL, u.id, line=u.line or None) for u in left),
        advisory=True,
    )
