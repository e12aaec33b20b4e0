"""Findings gathered into the rows that all reports tell: checks, targets, and which trial first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from chaosmem.evidence.model import Evidence
from chaosmem.report.words import short
from chaosmem.verify.model import Finding, Outcome, Verdict, worst

EVERY_ARM = "every arm"
_URGENCY = {Outcome.FAIL: 0, Outcome.INCONCLUSIVE: 1, Outcome.PASS: 2}


@dataclass(frozen=True, slots=True)
class CheckRow:
    """One check over all trials of one arm, or of all arms where it passed in each (`EVERY_ARM`).

    `shown` is the first of the worst findings.
    """

    name: str
    arm: str
    outcome: Outcome
    shown: Finding
    findings: tuple[Finding, ...]

    @property
    def advisory(self) -> bool:
        """Reported, but does not decide."""
        return self.shown.advisory

    @property
    def targets(self) -> int:
        """How many targets it was judged on."""
        return len({f.target for f in self.findings})

    @property
    def count(self) -> str:
        """`1 of 3 trials`: how many ended like the shown one; empty for a single finding.

        Where there are several targets, each one's trials are counted.
        """
        if len(self.findings) == 1:
            return ""
        alike = sum(f.outcome is self.outcome for f in self.findings)
        what = f"on {self.targets} targets" if self.targets > 1 else "trials"
        return f"{alike} of {len(self.findings)} {what}"

    @property
    def where(self) -> str:
        """`madvise trial 2 of shop-1`: which one is shown; empty where there is only one."""
        if len(self.findings) == 1 or self.shown.trial is None:
            return ""
        arm = f"{self.shown.arm} " if self.arm == EVERY_ARM else ""
        on = f" of {short(self.shown.target)}" if self.targets > 1 else ""
        return f"{arm}trial {self.shown.trial}{on}"

    @property
    def tally(self) -> str:
        """`1 of 3 trials, shown: trial 2`: both."""
        return f"{self.count}, shown: {self.where}" if self.where else self.count


def short_trial(finding: Finding) -> str:
    """`trial 2 of shop-574bf7699-hbnsl`, or `trial 2` where the finding names no target."""
    on = f" of {short(finding.target)}" if finding.target else ""
    return f"trial {finding.trial}{on}"


def check_rows(verdict: Verdict) -> tuple[CheckRow, ...]:
    """The checks, most urgent first, else in the order of the findings; arms side by side."""
    groups: dict[str, dict[str, list[Finding]]] = {}
    for finding in verdict.findings:
        groups.setdefault(finding.name, {}).setdefault(finding.arm, []).append(finding)
    rows = [row for name, arms in groups.items() for row in _rows(name, arms)]
    names = list(dict.fromkeys(row.name for row in rows))

    def urgency(row: CheckRow) -> tuple[bool, int, int]:
        return row.advisory, _URGENCY[row.outcome], names.index(row.name)

    return tuple(sorted(rows, key=urgency))


def _rows(name: str, arms: Mapping[str, Sequence[Finding]]) -> Sequence[CheckRow]:
    """A row for each arm; only one where there is nothing to tell apart."""
    together = [f for found in arms.values() for f in found]
    if len(arms) > 1 and all(f.outcome is Outcome.PASS for f in together):
        return [_row(name, EVERY_ARM, together)]
    return [_row(name, arm, found) for arm, found in arms.items()]


def _row(name: str, arm: str, found: Sequence[Finding]) -> CheckRow:
    outcome = worst(f.outcome for f in found)
    shown = next(f for f in found if f.outcome is outcome)
    return CheckRow(name, arm, outcome, shown, tuple(found))


def tallied(rows: Sequence[CheckRow]) -> str:
    """`1 failed, 8 passed, 2 advisory`: how many checks (each arm's own counted) ended how."""
    counted = [row.outcome for row in rows if not row.advisory]
    words = {Outcome.FAIL: "failed", Outcome.INCONCLUSIVE: "undecided", Outcome.PASS: "passed"}
    told = [f"{counted.count(o)} {word}" for o, word in words.items() if o in counted]
    advisory = len(rows) - len(counted)
    return ", ".join([*told, f"{advisory} advisory"] if advisory else told)


def worst_trial(verdict: Verdict, keys: Sequence[str]) -> str:
    """The key of the trial with the most urgent findings (then the most of them), else the first.

    Returns an empty string where there are no trials.
    """

    def urgency(key: str) -> tuple[int, int]:
        own = [f for f in verdict.findings if f.trial_key == key and not f.advisory]
        outcomes = [f.outcome for f in own]
        return outcomes.count(Outcome.FAIL), outcomes.count(Outcome.INCONCLUSIVE)

    return max(keys, key=urgency, default="")


def outcome_of(verdict: Verdict, key: str) -> Outcome:
    """The worst of one trial's findings, advisory ones left out."""
    return worst(f.outcome for f in verdict.findings if f.trial_key == key and not f.advisory)


@dataclass(frozen=True, slots=True)
class TargetRow:
    """One target of several: its worst outcome, and the checks that decided it.

    Attributes:
        why: those checks.
        detail: what the plan says of it; empty for one that a rollout made.
        arms: under which it ran, where the run has several.
    """

    name: str
    outcome: Outcome
    why: str
    detail: str = ""
    arms: tuple[str, ...] = ()


def by_target(verdict: Verdict, evidence: Evidence) -> tuple[TargetRow, ...]:
    """Each target's own verdict, advisory checks left out; empty where there is only one."""
    names = list(dict.fromkeys(f.target for f in verdict.findings if f.target))
    if len(names) < 2:  # noqa: PLR2004 - one target needs no roll-up
        return ()
    details = {t.name: t.detail for t in evidence.plan.targets}
    many_arms = len(evidence.experiment.arms) > 1
    rows = [_target_row(name, verdict, details.get(name, ""), many_arms) for name in names]
    return tuple(sorted(rows, key=lambda row: _URGENCY[row.outcome]))


def _target_row(name: str, verdict: Verdict, detail: str, many_arms: bool) -> TargetRow:
    found = [f for f in verdict.findings if f.target == name and not f.advisory]
    outcome = worst(f.outcome for f in found)
    deciding = dict.fromkeys(f.name for f in found if f.outcome is outcome)
    words = "every check holds" if outcome is Outcome.PASS else ", ".join(deciding)
    arms = tuple(dict.fromkeys(f.arm for f in found)) if many_arms else ()
    return TargetRow(name, outcome, words, detail, arms)
