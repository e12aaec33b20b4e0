"""From evidence to a verdict: every trial, the run as a whole, the trials together, the arms."""

from __future__ import annotations

from collections.abc import Sequence

from chaosmem.errors import Exit
from chaosmem.evidence.model import Evidence, RunState
from chaosmem.verify.judge import judge_trial
from chaosmem.verify.model import Finding, Outcome, Verdict, worst
from chaosmem.verify.together import compare, summarise
from chaosmem.verify.whole import judge_run
from chaosmem.verify.words import several

_BY_OUTCOME = {
    Outcome.PASS: Exit.PASS,
    Outcome.FAIL: Exit.FAIL,
    Outcome.INCONCLUSIVE: Exit.INCONCLUSIVE,
}
_STOPPED = (RunState.ABORTED, RunState.INTERRUPTED)


def verify(evidence: Evidence) -> Verdict:
    """Judge a whole run. Pure: the same evidence gives the same verdict, byte for byte."""
    trials = [f for trial in evidence.trials for f in judge_trial(trial, evidence)]
    findings = (*judge_run(evidence), *trials)
    outcome = worst(f.outcome for f in findings if not f.advisory)
    arms = [arm.name for arm in evidence.experiment.arms]
    return Verdict(
        run_id=evidence.run_id,
        experiment=evidence.experiment.metadata.name,
        outcome=outcome,
        says=_says(outcome, findings, evidence),
        findings=findings,
        summaries=summarise(trials, arms),
        comparisons=compare(trials, arms),
        exit_code=int(_exit(evidence, outcome)),
    )


def _exit(evidence: Evidence, outcome: Outcome) -> Exit:
    """5 if anything is still changed, 4 if the run was stopped, else by outcome."""
    if any(not undo.done for undo in evidence.undo):
        return Exit.UNDO_INCOMPLETE
    if evidence.end.state in _STOPPED:
        return Exit.ABORTED
    return _BY_OUTCOME[outcome]


def _says(outcome: Outcome, findings: Sequence[Finding], evidence: Evidence) -> str:
    """One sentence: what decided the outcome."""
    counted = [f for f in findings if not f.advisory]
    if not counted:
        return "INCONCLUSIVE: nothing was judged."
    deciding = [f for f in counted if f.outcome is outcome]
    if outcome is Outcome.PASS:
        names = list(dict.fromkeys(f.name for f in counted))
        held = f"{names[0]} holds" if len(names) == 1 else f"{', '.join(names)} hold"
        return f"PASS: {held} in {_rounds(evidence)}."
    first = deciding[0]
    others = len(deciding) - 1
    more = f" ({several(others, 'more finding')} of this kind)" if others else ""
    return f"{outcome}: {_place(first, len(evidence.trials))}{first.reason}{more}."


def _rounds(evidence: Evidence) -> str:
    """`1 trial on 3 targets`: a trial is one pass through the phases, on all of them."""
    words = several(len({(t.arm, t.trial) for t in evidence.trials}), "trial")
    targets = len(evidence.plan.targets)
    return f"{words} on {targets} targets" if targets > 1 else words


def _place(finding: Finding, trials: int) -> str:
    if finding.trial is None:
        return ""
    if trials == 1:
        return f"{finding.name}: "
    arm = f"arm {finding.arm}, " if finding.arm else ""
    return f"{finding.name} ({arm}trial {finding.trial}): "
