"""A run directory into the history's row: verdict.json where it is there, else judged now."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TypeVar

from chaosmem import evidence, verify
from chaosmem.errors import RunDirError
from chaosmem.history.levels import levels
from chaosmem.history.model import Judged, Run, outcome_word
from chaosmem.history.times import stamp
from chaosmem.plan.model import Plan, PlannedTarget
from chaosmem.rundir import RunDir, events, layout
from chaosmem.rundir.journal import Journal, decode
from chaosmem.verify.model import Finding, Verdict

E = TypeVar("E", bound=events.Entry)
_UNFINISHED = "unfinished"
_OF_ID = re.compile(r"^(\d{8}T\d{6})Z")


def read(rundir: RunDir, said: Mapping[str, str] | None = None, *, anew: bool = False) -> Run:
    """The run as its directory tells it; `anew` judges it again instead of reading verdict.json.

    The identity is the id in the journal, so that a copied or renamed directory is the same run.
    """
    plan, spec = _declared(rundir)
    journal = decode(rundir.read(layout.JOURNAL) if rundir.has(layout.JOURNAL) else b"")
    begun = next(iter(_of(journal, events.RunStarted)), None)
    ended = [e.state for e in _of(journal, events.RunEnded)]
    verdict = _verdict(rundir, anew=anew)
    findings = tuple(_judged(plan, f) for f in verdict.findings)
    run_id = begun.run_id if begun else rundir.run_id
    return Run(
        run_id=run_id,
        experiment=plan.experiment,
        spec_sha256=plan.sha256,
        spec=spec,
        started=_started(begun.wall if begun else "", run_id),
        state=ended[-1] if ended else _UNFINISHED,
        outcome=outcome_word(verdict.outcome),
        exit_code=verdict.exit_code,
        says=verdict.says,
        facts=_facts(begun, journal),
        targets=tuple(t.name for t in plan.targets),
        findings=findings,
        levels=levels(findings),
        directory=str(rundir.root.resolve()),
        said=dict(said or {}),
    )


def _of(journal: Journal, kind: type[E]) -> list[E]:
    return [n.entry for n in journal.lines if isinstance(n.entry, kind)]


def _declared(rundir: RunDir) -> tuple[Plan, str]:
    """The plan, and the experiment as canonical JSON in the order of its declaration."""
    try:
        plan = Plan.model_validate_json(rundir.read(layout.PLAN))
        experiment = json.loads(rundir.read(layout.EXPERIMENT))
    except ValueError as problem:
        raise RunDirError(
            f"{rundir.root.name}: the plan cannot be read: {str(problem).splitlines()[0]}",
            hint="was it made by a newer chaosmem?",
        ) from problem
    return plan, json.dumps(experiment, ensure_ascii=False, separators=(",", ":"))


def _verdict(rundir: RunDir, *, anew: bool) -> Verdict:
    if rundir.has(layout.VERDICT) and not anew:
        return verify.from_json(rundir.read(layout.VERDICT))
    return verify.verify(evidence.load(rundir))


def _started(wall: str, run_id: str) -> str:
    """Wall clock of the journal, else (torn at once) of the id; to the microsecond, in UTC."""
    of_id = _OF_ID.match(run_id)
    try:
        if wall:
            at = datetime.fromisoformat(wall)
        elif of_id:
            at = datetime.strptime(of_id[1], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
        else:
            raise RunDirError(f"{run_id}: neither its journal nor its id says when it started")
    except ValueError as problem:
        raise RunDirError(f"{run_id}: its start {wall!r} is no time") from problem
    return stamp(at)


def _facts(begun: events.RunStarted | None, journal: Journal) -> dict[str, str]:
    """The run's facts, and those of the target in its first trial as `target.NAME`."""
    said = next((e.facts for e in _of(journal, events.TargetFacts)), {})
    return {**(begun.facts if begun else {}), **{f"target.{k}": v for k, v in said.items()}}


def _judged(plan: Plan, finding: Finding) -> Judged:
    number = finding.headline
    return Judged(
        check=finding.check,
        name=finding.name,
        outcome=outcome_word(finding.outcome),
        observed=finding.observed,
        expected=finding.expected,
        reason=finding.reason,
        advisory=finding.advisory,
        arm=finding.arm,
        trial=finding.trial,
        target=finding.target,
        subject=_subject(plan, finding.target),
        value=number.value if number else None,
        unit=number.unit if number else "",
        error=number.error if number else None,
    )


def _subject(plan: Plan, target: str) -> str:
    """What stays the same from run to run: a pod's workload, since its name never comes again."""
    planned: PlannedTarget | None = next((t for t in plan.targets if t.name == target), None)
    pod = planned.pod if planned else None
    return f"{pod.namespace}/{pod.workload}" if pod and pod.workload else target
