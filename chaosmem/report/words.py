"""Words and numbers that all reports share, and the order in which checks are told."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from chaosmem.evidence.model import Evidence, RunState, UndoRecord
from chaosmem.spec.base import Phase
from chaosmem.units import human_bytes, human_seconds
from chaosmem.verify.model import Comparison, Finding, Number, Outcome, Pointer, Verdict, worst

GLYPH = {Outcome.PASS: "✓", Outcome.FAIL: "✗", Outcome.INCONCLUSIVE: "?"}
EVERY_ARM = "every arm"
_NO_LIMIT = str(2**63 - 1)  # math.MaxInt64: what the runtime reports without GOMEMLIMIT
_NOTHING = 1e-9  # what the arithmetic of equal numbers leaves over
_URGENCY = {Outcome.FAIL: 0, Outcome.INCONCLUSIVE: 1, Outcome.PASS: 2}

# C0 and C1 controls (terminal escapes among them), bidirectional overrides, line separators,
# byte-order mark, lone surrogates: what could move a cursor, reorder text or break an encoder.
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u2028\u2029\ufeff\ud800-\udfff]"
)


def plain(text: str) -> str:
    """`text` on one line, its white space folded and every unsafe character shown as U+FFFD."""
    return _UNSAFE.sub("\ufffd", " ".join(text.split()))


def amount(value: float, unit: str) -> str:
    """`value` for eyes: bytes and seconds scaled, shares as percent, counts as they are."""
    if unit == "By":
        return human_bytes(value)
    if unit == "s":
        return human_seconds(value)
    value = 0.0 if abs(value) < _NOTHING else float(value)
    text = f"{value:,.0f}" if value.is_integer() else f"{value:.4g}"
    return text if unit in {"1", ""} else f"{text} {unit}"


def number(given: Number) -> str:
    """A number with its error, if it has one."""
    error = "" if given.error is None else f" ± {amount(given.error, given.unit)}"
    return amount(given.value, given.unit) + error


def pointer(given: Pointer) -> str:
    """Where evidence is: `series/agent.npz, 20.0-25.0 s (goroutines)` or `journal.jsonl:12`."""
    line = "" if given.line is None else f":{given.line}"
    when = "" if given.start is None else f", {given.start:.1f} s"
    if given.end is not None and given.end != given.start:
        when = f"{when.removesuffix(' s')}\u2013{given.end:.1f} s"
    what = f" ({given.what})" if given.what else ""
    return f"{given.file}{line}{when}{what}"


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
    def tally(self) -> str:
        """`1 of 3 trials, shown: trial 2`: how many ended like the shown one, and which that is.

        Empty for a single finding.
        """
        if len(self.findings) == 1:
            return ""
        alike = sum(f.outcome is self.outcome for f in self.findings)
        arm = f"{self.shown.arm} " if self.arm == EVERY_ARM else ""
        shown = f", shown: {arm}trial {self.shown.trial}" if self.shown.trial is not None else ""
        return f"{alike} of {len(self.findings)} trials{shown}"


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


def says(verdict: Verdict) -> str:
    """What decided, without the outcome's word, which stands beside it already."""
    return verdict.says.removeprefix(f"{verdict.outcome}: ")


def compared(comparison: Comparison) -> str:
    """What a comparison says, without the check's name, which stands beside it already."""
    return comparison.says.removeprefix(f"{comparison.name}: ")


def facts(evidence: Evidence) -> dict[str, str]:
    """The run's facts, with no limit called that."""
    return {
        name: "none" if value == _NO_LIMIT and name.endswith("gomemlimit") else value
        for name, value in evidence.facts.items()
    }


@dataclass(frozen=True, slots=True)
class TargetRow:
    """One target of several: its worst outcome, and the checks that decided it."""

    name: str
    outcome: Outcome
    why: str


def by_target(verdict: Verdict) -> tuple[TargetRow, ...]:
    """Each target's own verdict, advisory checks left out; empty where there is only one."""
    names = list(dict.fromkeys(f.target for f in verdict.findings if f.target))
    if len(names) < 2:  # noqa: PLR2004 - one target needs no roll-up
        return ()
    return tuple(_target_row(name, verdict) for name in names)


def _target_row(name: str, verdict: Verdict) -> TargetRow:
    found = [f for f in verdict.findings if f.target == name and not f.advisory]
    outcome = worst(f.outcome for f in found)
    deciding = dict.fromkeys(f.name for f in found if f.outcome is outcome)
    words = "every check holds" if outcome is Outcome.PASS else ", ".join(deciding)
    return TargetRow(name, outcome, words)


def not_undone(evidence: Evidence) -> tuple[UndoRecord, ...]:
    """What is still changed on a target."""
    return tuple(u for u in evidence.undo if not u.done)


def shape(evidence: Evidence) -> str:
    """`2 arms, 3 trials each of 40 s`; says so where fewer ran than were planned."""
    arms, trials = len(evidence.experiment.arms), evidence.experiment.trials
    planned = len(evidence.plan.trials)
    whole = sum(t.complete for t in evidence.trials)
    each = " each" if arms > 1 else ""
    words = f"{_count(arms, 'arm')}, " if arms > 1 else ""
    words += f"{_count(trials, 'trial')}{each} of {human_seconds(evidence.plan.trial_seconds)}"
    targets = len(evidence.plan.targets)
    words += f" on {targets} targets" if targets > 1 else ""
    return words if whole == planned else f"{words}; only {whole} of {planned} complete"


def _count(many: int, what: str) -> str:
    return f"{many} {what}" if many == 1 else f"{many} {what}s"


def ending(evidence: Evidence) -> str:
    """How the run ended, with the reason where it did not simply complete."""
    words = {
        RunState.COMPLETED: "ran to its end",
        RunState.ABORTED: "aborted by a guard",
        RunState.INTERRUPTED: "interrupted by the operator",
        RunState.ERROR: "ended by an error",
        RunState.UNFINISHED: "unfinished: the journal just stops",
    }[evidence.end.state]
    return f"{words}: {evidence.end.reason}" if evidence.end.reason else words


def span(begin: Phase, end: Phase) -> str:
    """The phases of a fault in words; one name where both are one."""
    return str(begin) if begin is end else f"{begin}\u2013{end}"
