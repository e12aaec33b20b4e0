"""What `gate` does: the run, the baseline, the decision, and the files."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from chaosmem import spec
from chaosmem.cli import running
from chaosmem.cli.secrets import refuse_missing
from chaosmem.errors import ChaosmemError, Exit, UsageError
from chaosmem.gate.policy import Policy
from chaosmem.spec.errors import Problem, SpecInvalid
from chaosmem.spec.reader import Loaded

if TYPE_CHECKING:
    from chaosmem.evidence import Evidence
    from chaosmem.gate.decision import Decision, Looked
    from chaosmem.gate.places import Places
    from chaosmem.notify.bell import Bell
    from chaosmem.run.job import Job
    from chaosmem.rundir import RunDir


@dataclass(frozen=True, slots=True)
class Order:
    """What the user asked the gate for."""

    spec: Path
    runs: Path
    out: Path
    policy: Policy
    db: str
    trials: int | None
    annotate: bool
    progress: running.Progress
    notify: Path | None = None
    """A file of channels that are told besides those of the spec."""


def keep_gate(order: Order) -> int:
    """Run, judge, compare, decide, write; the exit code.

    What keeps the run from its beginning fails the gate with its own exit code, whatever the
    policy lets through, and is in the files as well.
    """
    _make(order.out)
    try:
        loaded = _loaded(order)
        channels = refuse_missing(loaded, str(order.spec), order.notify)
        job = _job(order, loaded)
    except ChaosmemError as problem:
        _refused(order, problem)
        raise
    with running.told(channels, job) as bell:
        found, stopped = _run(order, job, bell)
        code = None if stopped else _judge(order, loaded, found, bell)
    if code is None:
        raise _not_judged(order, found)
    return code


def _make(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise UsageError(f"cannot make {out}: {problem.strerror}") from problem


def _loaded(order: Order) -> Loaded:
    from chaosmem.gate.trials import with_trials  # noqa: PLC0415

    loaded = spec.load(order.spec)
    if order.trials is None:
        return loaded
    return with_trials(loaded, order.trials, str(order.spec))


def _job(order: Order, loaded: Loaded) -> Job:
    from chaosmem.run import resolve  # noqa: PLC0415

    for warning in loaded.warnings:
        _say(f"warning: {warning}")
    job = resolve.job(loaded, order.spec.resolve().parent, _say, running.load_engine)
    facts = {"gate.trials": str(order.trials)} if order.trials else {}
    return replace(job, facts={**job.facts, **facts})


def _run(order: Order, job: Job, bell: Bell | None) -> tuple[RunDir, bool]:
    try:
        return running.execute(job, order.runs, running.Wish(progress=order.progress), bell)
    except ChaosmemError as problem:
        _refused(order, problem)
        raise


def _not_judged(order: Order, found: RunDir) -> ChaosmemError:
    problem = Stopped(
        f"stopped by the operator before run {found.run_id} was judged",
        hint=f"`chaosmem verify {found.run_id}` gives its verdict",
    )
    _refused(order, problem)
    return problem


class Stopped(ChaosmemError):
    """The operator wanted no verdict."""

    exit_code = Exit.ABORTED


def _judge(order: Order, loaded: Loaded, found: RunDir, bell: Bell | None) -> int:
    from chaosmem.cli import looking  # noqa: PLC0415
    from chaosmem.gate.decision import decide  # noqa: PLC0415
    from chaosmem.gate.places import places  # noqa: PLC0415

    seen, verdict = looking.judged(found)
    looking.keep_verdict(found, verdict)
    looking.keep_report(found, seen, verdict)
    if bell:
        bell.verdict(seen, verdict)
    decision = decide(verdict, _baseline(order, found), order.policy, _notes(order, loaded))
    where = places(loaded.text, _relative(order.spec), loaded.experiment)
    _files(order, decision, seen, where, found)
    looking.emit(looking.render("text", seen, verdict, str(found.root)))
    _tell(order, decision, where)
    return int(decision.exit_code)


def _baseline(order: Order, found: RunDir) -> Looked:
    """The comparison, or why there is none: a history that cannot be had ends no gate."""
    from chaosmem.gate.decision import Looked  # noqa: PLC0415

    if order.policy.baseline == "none":
        return Looked(why_not="it was not asked for")
    try:
        return _compared(order, found)
    except ChaosmemError as problem:
        return Looked(why_not=str(problem))


def _compared(order: Order, found: RunDir) -> Looked:
    from chaosmem.cli.history_options import opened  # noqa: PLC0415
    from chaosmem.gate.decision import Looked  # noqa: PLC0415
    from chaosmem.history import against, baselines, queries, reading  # noqa: PLC0415

    run, name = reading.read(found), order.policy.name
    with opened(order.db) as history:
        force = baselines.in_force(baselines.revisions(history, run.experiment, name))
        if force is None:
            return Looked(why_not=f"there is no baseline {run.experiment}/{name}")
        members = queries.load(history, force.runs)
    return Looked(against.compare(run, force, members, against.Rules()))


def _notes(order: Order, loaded: Loaded) -> list[str]:
    notes = []
    if order.trials:
        notes.append(f"{order.trials} trials an arm (--trials), all of them in this verdict")
    attempt = os.environ.get("GITHUB_RUN_ATTEMPT", "1")
    if attempt != "1":
        notes.append(f"attempt {attempt} of this CI run: the earlier ones are not in this verdict")
    notes += [str(warning) for warning in loaded.warnings]
    return notes


def _relative(path: Path) -> str:
    """As the repository has it: CI marks lines by such paths."""
    base = Path(os.environ.get("GITHUB_WORKSPACE") or Path.cwd()).resolve()
    whole = path.resolve()
    return whole.relative_to(base).as_posix() if whole.is_relative_to(base) else whole.as_uri()


def _files(order: Order, decision: Decision, seen: Evidence, where: Places, found: RunDir) -> None:
    from chaosmem.gate import junit, record, sarif, summary  # noqa: PLC0415
    from chaosmem.rundir import layout  # noqa: PLC0415

    words = summary.summary(decision, seen).encode()
    _write_all(
        order.out,
        {
            "gate.json": record.record(decision, str(found.root)),
            "junit.xml": junit.junit(decision, seen),
            "summary.md": words,
            "results.sarif": sarif.sarif(decision, where),
            layout.VERDICT: found.read(layout.VERDICT),
            layout.REPORT: found.read(layout.REPORT),
        },
    )
    _step_summary(words)


def _refused(order: Order, problem: ChaosmemError) -> None:
    """The same files where nothing was judged: a CI that looks for them finds why."""
    from chaosmem.gate import annotations, junit, record, sarif, summary  # noqa: PLC0415

    code, name = int(problem.exit_code), order.spec.stem
    why = str(problem) + (f"\nhint: {problem.hint}" if problem.hint else "")
    problems = _placed(order, problem)
    words = summary.refused(name, why, code).encode()
    for stale in ("verdict.json", "report.html"):
        (order.out / stale).unlink(missing_ok=True)
    _write_all(
        order.out,
        {
            "gate.json": record.refused(name, why, code),
            "junit.xml": junit.refused(name, why, type(problem).__name__),
            "summary.md": words,
            "results.sarif": sarif.of_problems(problems, code, why),
        },
    )
    _step_summary(words)
    if order.annotate:
        for line in annotations.of_problems(problems):
            typer.echo(line)


def _placed(order: Order, problem: ChaosmemError) -> list[Problem]:
    """With the repository's path; what has no place of its own is at the spec's first line."""
    name = _relative(order.spec)
    if isinstance(problem, SpecInvalid):
        return [replace(p, file=name) for p in problem.problems]
    return [Problem(name, 1, 1, "", f"nothing was run: {problem}")]


def _tell(order: Order, decision: Decision, where: Places) -> None:
    from chaosmem.gate import annotations  # noqa: PLC0415
    from chaosmem.report.words import plain  # noqa: PLC0415

    if order.annotate:
        for line in annotations.commands(decision, where):
            typer.echo(line)
    for note in decision.notes:
        typer.echo(f"note: {plain(note)}")
    word = "passed" if decision.passed else f"failed, exit {int(decision.exit_code)}"
    typer.echo(f"gate {word}: {plain(decision.says)}")
    _say(f"files in {order.out}")


def _write_all(out: Path, files: Mapping[str, bytes]) -> None:
    for name, data in files.items():
        write(out / name, data)


def write(place: Path, data: bytes) -> None:
    """Write a file as a whole; UsageError where it cannot be."""
    part = place.with_name(f"{place.name}.part")
    try:
        part.write_bytes(data)
        part.replace(place)
    except OSError as problem:
        raise UsageError(f"cannot write {place}: {problem.strerror}") from problem


def _step_summary(words: bytes) -> None:
    """Append to GitHub's page of the step; that it cannot be written fails no gate."""
    place = os.environ.get("GITHUB_STEP_SUMMARY")
    if not place:
        return
    try:
        with Path(place).open("ab") as page:
            page.write(words)
    except OSError as problem:
        _say(f"cannot write GITHUB_STEP_SUMMARY: {problem.strerror}")


def _say(text: str) -> None:
    typer.echo(f"chaosmem: {text}", err=True)
