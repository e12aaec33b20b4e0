"""What is told of a verdict, of a guard that tripped, and of nothing at all (a test)."""

from __future__ import annotations

import platform
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from chaosmem.clock import wall
from chaosmem.errors import ChaosmemError, Exit
from chaosmem.evidence.model import Evidence, FaultRecord
from chaosmem.notify.message import Amount, Notification, Told, Tripped
from chaosmem.plan.model import Plan, PlannedTarget
from chaosmem.rundir import RunDir, layout
from chaosmem.rundir.events import GuardTripped
from chaosmem.spec.notify import Occasion
from chaosmem.verify.model import Finding, Outcome, Verdict

MOST_FINDINGS: Final = 20
"""More are counted; the report has them all."""
MOST_TEXT: Final = 1000
"""Longest text of one field, characters: 20 findings stay below Slack's 40,000."""
MOST_TARGETS: Final = 20
_UNSAFE: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u2028\u2029\ud800-\udfff]"
)
_BY_EXIT: Final[dict[int, Occasion]] = {
    Exit.PASS: "pass",
    Exit.FAIL: "fail",
    Exit.ABORTED: "aborted",
    Exit.UNDO_INCOMPLETE: "undo-incomplete",
}
_RANK: Final = {Outcome.FAIL: 0, Outcome.INCONCLUSIVE: 1, Outcome.PASS: 2}


@dataclass(frozen=True, slots=True)
class About:
    """The run that is told of."""

    plan: Plan
    rundir: RunDir
    labels: dict[str, str]


def plain(text: str) -> str:
    """One line, bounded, without what could move a cursor or reorder text."""
    line = _UNSAFE.sub("\ufffd", " ".join(text.split()))
    return line if len(line) <= MOST_TEXT else f"{line[: MOST_TEXT - 1]}…"


def of_verdict(about: About, seen: Evidence, verdict: Verdict) -> Notification:
    """A verdict: what did not pass, with its numbers, and what was done."""
    occasion = _BY_EXIT.get(verdict.exit_code, "inconclusive")
    bad = [f for f in verdict.findings if f.outcome is not Outcome.PASS]
    bad.sort(key=lambda f: (f.advisory, _RANK[f.outcome]))
    return _note(
        about,
        event="verdict",
        occasion=occasion,
        title=_title(occasion, about),
        says=plain(verdict.says),
        outcome=verdict.outcome.value,
        exit_code=verdict.exit_code,
        did=tuple(_did(about.plan, seen)),
        findings=tuple(map(_told, bad[:MOST_FINDINGS])),
        left_out=max(0, len(bad) - MOST_FINDINGS),
        report=str(about.rundir.path(layout.REPORT).absolute()),
    )


def of_guard(about: About, entry: GuardTripped) -> Notification:
    """A guard that has just tripped."""
    words = plain(entry.text)
    return _note(
        about,
        event="guard",
        occasion="guard",
        title=_title("guard", about),
        says=f"{entry.guard}: {words}; the run is being stopped and undone",
        did=tuple(_planned(about.plan)),
        guard=Tripped(guard=entry.guard, text=words, t=entry.t, trial=entry.trial),
    )


def of_failure(about: About, problem: BaseException) -> Notification:
    """A run that has no verdict, because its directory could not be kept or read."""
    code = problem.exit_code if isinstance(problem, ChaosmemError) else Exit.INTERNAL
    return _note(
        about,
        event="verdict",
        occasion="undo-incomplete" if code is Exit.UNDO_INCOMPLETE else "inconclusive",
        title=_title("inconclusive", about),
        says=plain(f"there is no verdict: {problem}"),
        outcome=Outcome.INCONCLUSIVE.value,
        exit_code=int(code),
        did=tuple(_planned(about.plan)),
    )


def of_test(experiment: str = "") -> Notification:
    """A message that says that messages arrive."""
    name = experiment or "any experiment"
    return Notification(
        event="test",
        title=f"chaosmem: TEST {experiment}".rstrip(),
        says=f"this is a test: verdicts and guards of {name} are told here",
        experiment=experiment,
        at=wall(),
        host=platform.node(),
    )


def _note(about: About, **fields: object) -> Notification:
    names = [plain(_who(target)) for target in about.plan.targets]
    more = (f"and {len(names) - MOST_TARGETS} more",) if len(names) > MOST_TARGETS else ()
    common: dict[str, object] = {
        "experiment": about.plan.experiment,
        "run_id": about.rundir.run_id,
        "at": wall(),
        "host": platform.node(),
        "labels": about.labels,
        "targets": (*names[:MOST_TARGETS], *more),
    }
    return Notification.model_validate(common | fields)


def _who(target: PlannedTarget) -> str:
    """Its name; of a process what is started, since all are named so."""
    return target.detail if target.kind == "process" else target.name


def _title(occasion: Occasion, about: About) -> str:
    words = {"undo-incomplete": "UNDO INCOMPLETE", "guard": "GUARD TRIPPED"}
    return f"chaosmem: {words.get(occasion, occasion.upper())} {about.plan.experiment}"


def _planned(plan: Plan) -> Iterator[str]:
    yield from (plain(f"planned: {f.id}: {f.does}") for f in plan.faults)


def _did(plan: Plan, seen: Evidence) -> Iterator[str]:
    """Each fault, in how many of the planned trials it was acknowledged."""
    for fault in plan.faults:
        records = [r for t in seen.trials for r in t.faults if r.planned.id == fault.id]
        done = sum(r.applied is not None for r in records)
        yield plain(f"{fault.id}: {fault.does} ({_times(done, len(plan.trials))}{_left(records)})")


def _times(done: int, planned: int) -> str:
    if done == planned:
        return "done" if planned == 1 else f"done in all {planned} trials"
    return "not done" if not done else f"done in {done} of {planned} trials"


def _left(records: Iterable[FaultRecord]) -> str:
    return "; NOT UNDONE" if any(r.undo_error and r.undone is None for r in records) else ""


def _told(finding: Finding) -> Told:
    return Told(
        check=finding.check,
        name=plain(finding.name),
        outcome=finding.outcome.value,
        trial=finding.trial_key,
        target=plain(finding.target),
        observed=plain(finding.observed),
        expected=plain(finding.expected),
        reason=plain(finding.reason),
        numbers={
            plain(name): Amount(value=n.value, unit=n.unit, error=n.error)
            for name, n in finding.numbers.items()
        },
    )
