"""A run directory, whole or torn, into evidence."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from functools import lru_cache

from pydantic import ValidationError

from chaosmem.errors import RunDirError
from chaosmem.evidence.acts import act_records, wait_records
from chaosmem.evidence.model import (
    Capture,
    Evidence,
    Log,
    ProbeProblem,
    RunEnd,
    RunState,
    TargetEvent,
    TargetState,
    Trial,
    UndoRecord,
    Window,
)
from chaosmem.evidence.records import fault_records, histogram
from chaosmem.evidence.tables import read_cycles, read_series
from chaosmem.plan.model import Plan, PlannedTrial
from chaosmem.rundir import RunDir, events, layout
from chaosmem.rundir.journal import Journal, Line, decode
from chaosmem.spec.base import Phase
from chaosmem.spec.model import Experiment


def load(rundir: RunDir) -> Evidence:
    """Read everything; RunDirError only where there is no readable plan or experiment."""
    experiment, plan = _declared(rundir)
    journal = decode(rundir.read(layout.JOURNAL) if rundir.has(layout.JOURNAL) else b"")
    damage = list(journal.damage)
    first = next((n.entry for n in journal.lines if isinstance(n.entry, events.RunStarted)), None)
    begun = {n.entry.trial for n in journal.lines if isinstance(n.entry, events.TrialStarted)}
    trials = tuple(
        _trial(rundir, plan, planned, journal, damage)
        for planned in plan.trials
        if planned.key in begun
    )
    return Evidence(
        run_id=rundir.run_id,
        started=first.wall if first else "",
        experiment=experiment,
        plan=plan,
        trials=trials,
        end=_end(journal),
        undo=_undo(journal),
        damage=tuple(damage),
        facts=_facts(journal, first),
        acts=act_records(journal.lines),
        waits=wait_records(journal.lines),
    )


def _declared(rundir: RunDir) -> tuple[Experiment, Plan]:
    try:
        experiment = Experiment.model_validate_json(rundir.read(layout.EXPERIMENT))
        plan = Plan.model_validate_json(rundir.read(layout.PLAN))
    except ValidationError as problem:
        first = problem.errors()[0]
        raise RunDirError(
            f"{rundir.root.name}: the plan cannot be read: {first['msg']}",
            hint="was it made by a newer chaosmem?",
        ) from problem
    return experiment, plan


def _facts(journal: Journal, first: events.RunStarted | None) -> Mapping[str, str]:
    facts = dict(first.facts) if first else {}
    for line in journal.lines:
        if isinstance(line.entry, events.TargetFacts):
            told = line.entry.facts.items()
            facts |= {f"target.{k}": v for k, v in told if f"target.{k}" not in facts}
    return facts


def _end(journal: Journal) -> RunEnd:
    for line in reversed(journal.lines):
        if isinstance(line.entry, events.RunEnded):
            return RunEnd(RunState(line.entry.state), line.entry.reason, line.number)
    return RunEnd(RunState.UNFINISHED, "the journal ends in the middle of the run")


def _undo(journal: Journal) -> tuple[UndoRecord, ...]:
    records: dict[str, UndoRecord] = {}
    for line in journal.lines:
        entry = line.entry
        if isinstance(entry, events.UndoPlanned):
            records[entry.id] = UndoRecord(entry.id, entry.what, done=False, line=line.number)
        elif isinstance(entry, events.UndoDone) and entry.id in records:
            records[entry.id] = UndoRecord(
                entry.id, records[entry.id].what, done=True, line=line.number
            )
        elif isinstance(entry, events.UndoFailed) and entry.id in records:
            records[entry.id] = UndoRecord(
                entry.id, records[entry.id].what, done=False, error=entry.error, line=line.number
            )
    return tuple(records.values())


def _trial(
    rundir: RunDir, plan: Plan, planned: PlannedTrial, journal: Journal, damage: list[str]
) -> Trial:
    lines = [n for n in journal.lines if n.entry.trial == planned.key]
    directory = f"series/{planned.key}"
    changes = tuple(_changes(lines))
    return Trial(
        key=planned.key,
        arm=planned.arm,
        trial=planned.trial,
        target=_target(lines, plan, planned),
        phases=_phases(lines),
        series=read_series(rundir, directory, damage),
        cycles=read_cycles(rundir, directory, damage),
        captures=tuple(_captures(rundir, lines, damage)),
        histograms=tuple(h for n in lines for h in histogram(rundir, n, damage)),
        faults=fault_records(plan, lines),
        events=changes,
        problems=tuple(_problems(lines)),
        log=_log(rundir, planned.key, changes),
        complete=any(isinstance(n.entry, events.TrialEnded) and n.entry.complete for n in lines),
        read=lru_cache(maxsize=64)(rundir.read),
    )


def _target(lines: Iterable[Line], plan: Plan, planned: PlannedTrial) -> str:
    """The target that the trial really had: a rollout replaces the planned pod."""
    found = [n.entry.target for n in lines if isinstance(n.entry, events.TrialStarted)]
    return found[-1] if found else plan.targets[planned.target].name


def _phases(lines: Iterable[Line]) -> dict[Phase, Window]:
    begun: dict[str, float] = {}
    phases: dict[Phase, Window] = {}
    for line in lines:
        entry = line.entry
        if isinstance(entry, events.PhaseBegun):
            begun[entry.phase] = entry.t
        elif isinstance(entry, events.PhaseEnded) and entry.phase in begun:
            phases[Phase(entry.phase)] = Window(begun[entry.phase], entry.t)
    return phases


def _changes(lines: Iterable[Line]) -> Iterable[TargetEvent]:
    for line in lines:
        entry = line.entry
        if isinstance(entry, events.TargetChanged):
            yield TargetEvent(
                entry.t,
                TargetState(entry.state),
                entry.pid,
                entry.by_us,
                entry.detail,
                line.number,
            )


def _problems(lines: Iterable[Line]) -> Iterable[ProbeProblem]:
    for line in lines:
        entry = line.entry
        if isinstance(entry, events.ProbeTrouble) and entry.text:
            yield ProbeProblem(entry.t, entry.source, entry.text, line.number)


def _captures(rundir: RunDir, lines: Iterable[Line], damage: list[str]) -> Iterable[Capture]:
    for line in lines:
        entry = line.entry
        if not isinstance(entry, events.CaptureTaken):
            continue
        error = entry.error or _wrong_bytes(rundir, entry)
        if error and not entry.error:
            damage.append(error)
        yield Capture(
            id=entry.capture,
            profile=entry.profile,
            moment=entry.moment,
            begin=entry.begin,
            end=entry.end,
            file="" if error else entry.file,
            sha256=entry.sha256,
            size=entry.size,
            gc=entry.gc,
            error=error,
        )


def _wrong_bytes(rundir: RunDir, entry: events.CaptureTaken) -> str:
    try:
        data = rundir.read(entry.file)
    except RunDirError as problem:
        return str(problem)
    if hashlib.sha256(data).hexdigest() != entry.sha256:
        return f"{entry.file}: its checksum is not the journal's"
    return ""


def _log(rundir: RunDir, key: str, changes: Iterable[TargetEvent]) -> Log | None:
    file = f"logs/{key}.log"
    if not rundir.has(file):
        return None
    started = next((c.t for c in changes if c.state is TargetState.STARTED), 0.0)
    return Log(file, rundir.read(file), started)
