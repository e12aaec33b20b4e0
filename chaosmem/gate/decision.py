"""The decision: does the gate open, with what exit code, and why. Pure.

Precedence of exit codes as everywhere: undo incomplete (5), aborted (4), fail or regression (1),
inconclusive (3), pass (0). The first two fail the gate whatever the policy says.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from chaosmem.errors import Exit
from chaosmem.gate.policy import FailOn, Policy
from chaosmem.history.against import Compared
from chaosmem.verify.model import Finding, Outcome, Verdict
from chaosmem.verify.words import several

Source = Literal["check", "baseline"]
_UNASKED = (Exit.UNDO_INCOMPLETE, Exit.ABORTED)
_STOPPED = {
    Exit.UNDO_INCOMPLETE: "something is still changed on a target; `chaosmem undo` finishes it",
    Exit.ABORTED: "the run was aborted",
}


@dataclass(frozen=True, slots=True)
class Item:
    """One finding, where it comes from, and whether it fails the gate."""

    finding: Finding
    source: Source
    fails: bool

    @property
    def name(self) -> str:
        """The check's name; of the baseline's finding, that it is one."""
        against = " against the baseline" if self.source == "baseline" else ""
        return f"{self.finding.name}{against}"

    @property
    def let_through(self) -> bool:
        """Not PASS, and it would decide if the policy did not say otherwise."""
        return not (self.fails or self.finding.advisory or self.finding.outcome is Outcome.PASS)


@dataclass(frozen=True, slots=True)
class Looked:
    """What became of the baseline: the comparison, or why there is none (`why_not`)."""

    compared: Compared | None = None
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """The gate's answer.

    `notes` are what a reader has to know besides: what was let through, what was not compared.
    """

    exit_code: Exit
    says: str
    items: tuple[Item, ...]
    notes: tuple[str, ...]
    verdict: Verdict
    baseline: Looked
    policy: Policy

    @property
    def passed(self) -> bool:
        """Whether the gate is open."""
        return self.exit_code is Exit.PASS

    @property
    def regression(self) -> Outcome | None:
        """What the baseline says; None: nothing was compared."""
        return self.baseline.compared.outcome if self.baseline.compared else None


def decide(
    verdict: Verdict, baseline: Looked, policy: Policy, notes: Sequence[str] = ()
) -> Decision:
    """Weigh the verdict, then the baseline, by the policy."""
    items = tuple(_items(verdict, baseline, policy))
    code, says = _answer(verdict, items, baseline, policy)
    told = (*notes, *_notes(items, verdict, baseline, policy))
    return Decision(code, says, items, told, verdict, baseline, policy)


def _items(verdict: Verdict, baseline: Looked, policy: Policy) -> Iterator[Item]:
    for finding in verdict.findings:
        yield Item(finding, "check", _fails(finding, policy, FailOn.FAIL, undecided=True))
    required = policy.baseline == "required"
    for finding in baseline.compared.findings if baseline.compared else ():
        fails = _fails(finding, policy, FailOn.REGRESSION, undecided=required)
        yield Item(finding, "baseline", fails)


def _fails(finding: Finding, policy: Policy, on: FailOn, *, undecided: bool) -> bool:
    if finding.advisory:
        return False
    if finding.outcome is Outcome.FAIL:
        return on in policy.fail_on
    inconclusive = finding.outcome is Outcome.INCONCLUSIVE
    return inconclusive and undecided and FailOn.INCONCLUSIVE in policy.fail_on


def _answer(
    verdict: Verdict, items: Sequence[Item], baseline: Looked, policy: Policy
) -> tuple[Exit, str]:
    if verdict.exit_code in _UNASKED:
        code = Exit(verdict.exit_code)
        return code, f"{_STOPPED[code]} ({verdict.says})"
    failing = [i for i in items if i.fails and i.finding.outcome is Outcome.FAIL]
    if failing:
        return Exit.FAIL, _first(failing)
    undecided = [i for i in items if i.fails]
    if undecided:
        return Exit.INCONCLUSIVE, _first(undecided)
    strict = FailOn.INCONCLUSIVE in policy.fail_on
    if strict and verdict.outcome is Outcome.INCONCLUSIVE:
        return Exit.INCONCLUSIVE, verdict.says
    if strict and policy.baseline == "required" and baseline.compared is None:
        return Exit.INCONCLUSIVE, f"a baseline is required, and {baseline.why_not}"
    return Exit.PASS, _open(verdict, baseline)


def _first(items: Sequence[Item]) -> str:
    first, more = items[0], len(items) - 1
    others = f" (and {several(more, 'more finding')})" if more else ""
    return f"{first.finding.outcome}: {first.name}: {first.finding.reason}{others}"


def _open(verdict: Verdict, baseline: Looked) -> str:
    compared = baseline.compared
    if compared is None or compared.outcome is Outcome.INCONCLUSIVE:
        return f"{verdict.says} Nothing is said about a regression."
    return f"{verdict.says} Against the baseline: {compared.says}"


def _notes(
    items: Sequence[Item], verdict: Verdict, baseline: Looked, policy: Policy
) -> Iterator[str]:
    through = [i for i in items if i.let_through and i.source == "check"]
    if through or (verdict.outcome is not Outcome.PASS and policy.fail_on != frozenset(FailOn)):
        yield f"the verdict is {verdict.outcome}; the gate fails on {policy.words} only"
    yield from (f"let through: {i.finding.outcome} {i.name}: {i.finding.reason}" for i in through)
    yield from _of_baseline(items, baseline, policy)


def _of_baseline(items: Sequence[Item], baseline: Looked, policy: Policy) -> Iterator[str]:
    if policy.baseline == "none":
        yield "the baseline was not looked at (--baseline none): no regression would be seen"
    elif baseline.compared is None:
        yield f"no baseline: {baseline.why_not}; no regression would be seen"
    else:
        told = [i for i in items if i.let_through and i.source == "baseline"]
        if told:
            yield f"the baseline {baseline.compared.baseline} says {baseline.compared.says}"


def shown(decision: Decision) -> tuple[Finding, ...]:
    """All findings for a report that knows only findings: what does not fail it is advisory."""
    return tuple(_shown(item) for item in decision.items)


def _shown(item: Item) -> Finding:
    finding = replace(item.finding, name=item.name)
    if item.let_through:
        reason = f"let through by the gate's rules: {finding.reason}"
        return replace(finding, advisory=True, reason=reason)
    return finding
