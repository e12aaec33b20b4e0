"""One trial through all checks: each ruling guarded, stamped, and demoted if it must not pass."""

from __future__ import annotations

from dataclasses import replace

from chaosmem.evidence.model import Evidence, Trial
from chaosmem.spec.checks import Check, StressEffect, TopAllocations
from chaosmem.verify.checks import Checker, checker
from chaosmem.verify.ground import lost, told, wanted_kill, where
from chaosmem.verify.model import Finding, Outcome
from chaosmem.verify.ruling import Claim, Ruling, Undecided

STRESS_EFFECT = "stress-effect"
_UNPROVEN = f"the fault was not proven (see {STRESS_EFFECT})"


def checks_of(evidence: Evidence) -> tuple[Check, ...]:
    """The declared checks; stress-effect is always among them, first where nobody declared it."""
    declared = evidence.experiment.checks
    if any(check.kind == STRESS_EFFECT for check in declared):
        return declared
    return (StressEffect(), *declared)


def judge_trial(trial: Trial, evidence: Evidence) -> tuple[Finding, ...]:
    """The findings of one trial, in the order of the checks."""
    findings = [_finding(check, trial, evidence) for check in checks_of(evidence)]
    if all(f.outcome is Outcome.PASS for f in findings if f.check == STRESS_EFFECT):
        return tuple(findings)
    pairs = zip(checks_of(evidence), findings, strict=True)
    return tuple(_demoted(f, _UNPROVEN, fail_too=_presumes_fault(check)) for check, f in pairs)


def _presumes_fault(check: Check) -> bool:
    """Whether even a FAIL says nothing: where nothing was injected, nothing can have grown."""
    return isinstance(check, TopAllocations) and check.expect == "present"


def _demoted(finding: Finding, why: str, *, fail_too: bool = False) -> Finding:
    """A PASS that does not hold after all; a FAIL stays a FAIL, unless it presumes what lacks."""
    if finding.outcome is not Outcome.PASS and not (fail_too and finding.outcome is Outcome.FAIL):
        return finding
    alone = "passed" if finding.outcome is Outcome.PASS else "failed"
    reason = f"{why}; by itself the check would have {alone}: {finding.reason}"
    return replace(finding, outcome=Outcome.INCONCLUSIVE, reason=reason)


def _finding(check: Check, trial: Trial, evidence: Evidence) -> Finding:
    deciding = checker(check.kind)
    ruling = _guarded(deciding, check, trial, evidence)
    claim = _claim(deciding, check)
    finding = Finding(
        check=check.kind,
        name=check.name or check.kind,
        outcome=ruling.outcome,
        observed=ruling.observed,
        expected=claim.expected,
        threshold=claim.threshold,
        reason=ruling.reason,
        evidence=ruling.evidence,
        advisory=check.advisory,
        arm=trial.arm,
        trial=trial.trial,
        trial_key=trial.key,
        target=trial.target,
        headline=ruling.headline,
        numbers=dict(ruling.numbers),
        table=ruling.table,
    )
    gone = lost(trial)
    if check.kind == STRESS_EFFECT and wanted_kill(trial) is not None:
        return finding  # the target's end is the effect, and its proof looked at it
    if gone is not None:
        return _cut(finding, told(gone))
    return finding if trial.complete else _demoted(finding, "the trial did not run to its end")


def _cut(finding: Finding, why: str) -> Finding:
    """A finding about a target that was lost: it does not pass, and its reason names the loss."""
    if finding.outcome is Outcome.INCONCLUSIVE and why not in finding.reason:
        return replace(finding, reason=f"{why}; {finding.reason}")
    return _demoted(finding, f"{why}, which cuts the evidence")


def _claim(checker: Checker, check: Check) -> Claim:
    try:
        return checker.claim(check)
    except Exception as error:  # noqa: BLE001 - a crash in a check is that check's finding
        return Claim(f"(not stated: {error})", "")


def _guarded(checker: Checker, check: Check, trial: Trial, evidence: Evidence) -> Ruling:
    """The check's ruling; INCONCLUSIVE where it cannot decide, crashes, or the target was lost."""
    gone = None if checker.outlives else lost(trial)
    if gone is not None:
        return Ruling(
            Outcome.INCONCLUSIVE,
            "not judged",
            f"{told(gone)}, so the evidence is not about one living process",
            evidence=(where(gone),),
        )
    try:
        return checker.judge(check, trial, evidence)
    except Undecided as undecided:
        return Ruling(
            Outcome.INCONCLUSIVE,
            undecided.observed,
            undecided.reason,
            evidence=undecided.evidence,
            numbers=undecided.numbers,
        )
    except Exception as error:  # noqa: BLE001 - a crash in a check is that check's finding
        reason = f"the check itself crashed: {type(error).__name__}: {error}"
        return Ruling(Outcome.INCONCLUSIVE, "not judged", reason)
