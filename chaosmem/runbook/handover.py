"""The hand-over after a run: what was done, said and found, what is open, what is next. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from chaosmem import units
from chaosmem.drivers.kube.envpatch import EnvUndo
from chaosmem.evidence.model import Evidence, Trial
from chaosmem.runbook.byhand import Left, of_experiment
from chaosmem.runbook.document import Block, Bullets, Code, Heading, Paper, Para, Table, said
from chaosmem.runbook.nextsteps import next_steps
from chaosmem.runbook.runbook import BLANK, ROLES, by_hand, processes
from chaosmem.rundir.events import (
    ClusterUndo,
    DeleteObject,
    ReleaseAgent,
    ReleaseInPod,
    RevertEnvironment,
    StopMarked,
    UndoAct,
)
from chaosmem.verify.model import Outcome, Verdict


@dataclass(frozen=True, slots=True)
class Moment:
    """Something that was done or said: `t` on the run's clock, `by` a person, or empty.

    `later` is set where it was after the run's end: its wall clock as far as that is known.
    """

    t: float
    words: str
    by: str = ""
    trial: str = ""
    later: str = ""


@dataclass(frozen=True, slots=True)
class Open:
    """One undo that is not known to be done."""

    what: str
    undo: UndoAct
    error: str = ""


@dataclass(frozen=True, slots=True)
class Handover:
    """What the report is made from; `moments` in time order.

    `process` is that of a run that still goes on: then nobody undoes anything by hand.
    """

    evidence: Evidence
    verdict: Verdict
    moments: tuple[Moment, ...]
    open: tuple[Open, ...]
    directory: str = ""
    process: int | None = None


def handover(ground: Handover) -> Paper:
    """The whole of it."""
    return (
        Heading(f"Hand-over: {ground.verdict.experiment}: {ground.verdict.outcome}", 1),
        Para(said(ground.verdict.says)),
        *_facts(ground),
        *_open(ground),
        *_next(ground.verdict),
        *_done(ground.evidence),
        *_people(ground),
        *_happened(ground),
        *_signed(ground.evidence),
    )


def _facts(ground: Handover) -> Iterator[Block]:
    evidence = ground.evidence
    ended = str(evidence.end.state) + (f": {evidence.end.reason}" if evidence.end.reason else "")
    lines = [
        f"Run: {evidence.run_id}, started {evidence.started or 'at an unknown time'}",
        f"Ended: {ended}",
        *(f"Target: {t.name}: {t.detail}" for t in evidence.plan.targets),
        f"Exit code: {ground.verdict.exit_code}",
    ]
    lines += [f"Damaged evidence: {words}" for words in evidence.damage]
    if ground.directory:
        lines.append(f"Evidence: {ground.directory}")
    yield Bullets(tuple(said(line) for line in lines))


def _open(ground: Handover) -> Iterator[Block]:
    yield Heading("What is still open")
    if not ground.open:
        yield Para("Nothing: every undo that was promised is confirmed.")
        return
    if ground.process is not None:
        yield from _goes_on(ground, ground.process)
        return
    yield Para("Not undone, as far as the run's journal says:")
    tried = tuple(said(f"{o.what}" + (f": {o.error}" if o.error else "")) for o in ground.open)
    yield Bullets(tried, boxes=True)
    yield Code((f"chaosmem undo {ground.evidence.run_id}",))
    left = left_by(ground.evidence, [o.undo for o in ground.open])
    if left is not None:
        yield from by_hand(left, ground.evidence.run_id)
    if any(isinstance(o.undo, StopMarked) for o in ground.open):
        yield from processes(ground.evidence.run_id)
    agents = [o.undo for o in ground.open if isinstance(o.undo, ReleaseAgent)]
    if agents:
        urls = ", ".join(a.url for a in agents)
        yield Para(said(f"The agent at {urls} let go by itself 3 s after the last heartbeat."))


def _goes_on(ground: Handover, process: int) -> Iterator[Block]:
    yield Para(
        f"The run goes on (process {process}), and undoes this itself; touch nothing by hand. "
        "To end it now:"
    )
    yield Code((f"chaosmem control {ground.evidence.run_id} abort",))
    yield Bullets(tuple(said(o.what) for o in ground.open))


def left_by(evidence: Evidence, undone: Sequence[UndoAct]) -> Left | None:
    """What in a cluster these promises are about; None: nothing in a cluster."""
    mine = [u for u in undone if isinstance(u, ClusterUndo)]
    if not mine or evidence.experiment.target.kubernetes is None:
        return None
    formers = [EnvUndo.model_validate(u.former) for u in mine if isinstance(u, RevertEnvironment)]
    pods = [t.pod for t in evidence.plan.targets if t.pod is not None]
    kinds = {u.kind for u in mine if isinstance(u, DeleteObject)}
    return replace(
        of_experiment(evidence.experiment, pods, formers),
        own_pods=bool(kinds & {"Pod", "Secret"}),
        stress="StressChaos" in kinds,
        agents=any(isinstance(u, ReleaseInPod) for u in mine),
    )


def _next(verdict: Verdict) -> Iterator[Block]:
    yield Heading("Next steps")
    steps = [("outcome", "check", "what was seen", "next", "who, until when")]
    seen: set[tuple[str, str]] = set()
    for finding in verdict.findings:
        if finding.outcome is Outcome.PASS or (finding.name, finding.arm) in seen:
            continue
        seen.add((finding.name, finding.arm))
        name = finding.name + (f" ({finding.arm})" if finding.arm not in ("", "default") else "")
        name += ", advisory" if finding.advisory else ""
        step = next_steps(finding)
        steps.append((str(finding.outcome), said(name), said(finding.reason), step, BLANK))
    if len(steps) == 1:
        yield Para("Every check holds. Keep the run as part of the baseline:")
        yield Code((f"chaosmem baseline record {verdict.run_id}",))
        return
    yield Table(tuple(steps))


def _done(evidence: Evidence) -> Iterator[Block]:
    yield Heading("What was done")
    rows = [("trial", "target", "fault", "began", "undone", "trouble")]
    for trial in evidence.trials:
        for fault in trial.faults:
            trouble = "; ".join(e for e in (fault.apply_error, fault.undo_error) if e)
            began, ended = _at(fault.applied), _at(fault.undone)
            does = f"{fault.planned.id}: {fault.planned.does}"
            row = (trial.key, trial.target, does, began, ended, trouble)
            rows.append(tuple(said(cell) for cell in row))  # type: ignore[arg-type]
    if len(rows) > 1:
        yield Table(tuple(rows))
    else:
        yield Para("No fault acted.")
    short = [t for t in evidence.trials if not t.complete]
    if short:
        yield Para(said(f"Not run to their end: {', '.join(map(_named, short))}."))


def _named(trial: Trial) -> str:
    return trial.key


def _at(t: float | None) -> str:
    return "never" if t is None else f"{t:.1f} s"


def _people(ground: Handover) -> Iterator[Block]:
    yield Heading("What people said and did")
    mine = [m for m in ground.moments if m.by]
    if not mine:
        yield Para("Nothing is recorded.")
        return
    rows = [("when", "run's clock", "who", "what")]
    for moment in mine:
        wall, clock = _when(ground.evidence.started, moment)
        rows.append((wall, clock, said(moment.by), said(moment.words)))
    yield Table(tuple(rows))


def _happened(ground: Handover) -> Iterator[Block]:
    yield Heading("What happened, in time order")
    rows = [("when", "run's clock", "trial", "what")]
    for moment in ground.moments:
        who = f"{moment.by}: " if moment.by else ""
        wall, clock = _when(ground.evidence.started, moment)
        rows.append((wall, clock, said(moment.trial), said(f"{who}{moment.words}")))
    yield Table(tuple(rows))


def _when(started: str, moment: Moment) -> tuple[str, str]:
    """Time of day in UTC and seconds of the run; the start is known to the millisecond."""
    clock = "after it" if moment.later else f"{moment.t:.1f} s"
    try:
        if moment.later:
            return f"{datetime.fromisoformat(moment.later):%H:%M:%S}", clock
        at = datetime.fromisoformat(started) + timedelta(seconds=moment.t)
    except ValueError:
        return "-", clock
    return f"{at:%H:%M:%S}", clock


def _signed(evidence: Evidence) -> Iterator[Block]:
    labels = evidence.experiment.metadata.labels
    took = units.human_seconds(evidence.plan.seconds)
    yield Heading("Who took part, and to whom it is handed over")
    rows = [("role", "who", "has read this")]
    rows += [(role, said(labels.get(role, "")) or BLANK, BLANK) for role in ROLES]
    rows.append(("next shift", BLANK, BLANK))
    yield Table(tuple(rows))
    yield Para(f"Planned length of the phases: {took}. Times of day are UTC.")
