"""Reading runs, points of a trend, and specs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from chaosmem.errors import UsageError
from chaosmem.history.database import History
from chaosmem.history.model import Judged, Level, Point, Row, Run, Wanted, outcome_word
from chaosmem.history.tables import findings, levels, runs, specs, targets

_ROW = (
    runs.c.run_id,
    runs.c.experiment,
    runs.c.spec_sha256,
    runs.c.started,
    runs.c.state,
    runs.c.outcome,
    runs.c.exit_code,
    runs.c.says,
    runs.c.go,
    runs.c.version,
    runs.c.image,
    runs.c.host,
)


@dataclass(frozen=True, slots=True)
class Listed:
    """The runs asked for, oldest first, and how many there are without the limit."""

    rows: tuple[Row, ...]
    total: int


def listed(history: History, wanted: Wanted) -> Listed:
    """Runs that fit, oldest first; with `newest` only so many of the newest."""
    chosen = _where(sa.select(*_ROW), wanted).order_by(runs.c.started.desc(), runs.c.run_id.desc())
    with history.read() as connection:
        rows = connection.execute(chosen.limit(wanted.newest)).all()
        total = len(rows)
        if wanted.newest is not None and total == wanted.newest:
            total = connection.scalar(_where(sa.select(sa.func.count(runs.c.id)), wanted)) or 0
    return Listed(tuple(_row(row) for row in reversed(rows)), total)


def _row(row: Sequence[Any]) -> Row:
    return Row(*row[:5], outcome_word(row[5]), *row[6:])  # type: ignore[call-arg]  # _ROW's order


def _where(asked: sa.Select[Any], wanted: Wanted) -> sa.Select[Any]:
    exact = ((runs.c.experiment, wanted.experiment), (runs.c.outcome, wanted.outcome))
    for column, value in exact:
        if value:
            asked = asked.where(column == value)
    if wanted.since:
        asked = asked.where(runs.c.started >= wanted.since)
    if wanted.until:
        asked = asked.where(runs.c.started <= wanted.until)
    for column, value in ((runs.c.version, wanted.version), (runs.c.image, wanted.image)):
        if value:
            asked = asked.where(column.contains(value, autoescape=True))
    if wanted.spec:
        asked = asked.where(runs.c.spec_sha256.startswith(wanted.spec, autoescape=True))
    if wanted.target:
        named = sa.select(targets.c.run).where(
            targets.c.name.contains(wanted.target, autoescape=True)
        )
        asked = asked.where(runs.c.id.in_(named))
    return asked


def find(history: History, name: str) -> str:
    """The id of the run that `name` means: an id, a part of one, an experiment, or `latest`."""
    newest = (runs.c.started.desc(), runs.c.run_id.desc())
    with history.read() as connection:
        asked = sa.select(runs.c.run_id).order_by(*newest)
        exact = connection.scalar(asked.where(runs.c.run_id == name))
        if exact is None and name != "latest":
            exact = connection.scalar(asked.where(runs.c.experiment == name).limit(1))
        if exact is None and name == "latest":
            exact = connection.scalar(asked.limit(1))
        part = runs.c.run_id.contains(name, autoescape=True)
        parts = [exact] if exact else list(connection.scalars(asked.where(part).limit(5)))
    if len(parts) == 1:
        return str(parts[0])
    if parts:
        hint = "give the whole id"
        raise UsageError(f"{name!r} means more than one run: {', '.join(parts)}", hint=hint)
    raise UsageError(
        f"no run {name!r} in the history",
        hint="`chaosmem history list` shows the runs, `chaosmem history import RUN` adds one",
    )


def load(history: History, run_ids: Iterable[str]) -> tuple[Run, ...]:
    """These runs whole, oldest first; those that are not there are left out."""
    with history.read() as connection:
        rows = connection.execute(
            sa.select(runs, specs.c.document)
            .join(specs, specs.c.sha256 == runs.c.spec_sha256)
            .where(runs.c.run_id.in_(list(run_ids)))
            .order_by(runs.c.started, runs.c.run_id)
        ).all()
        ids = [row.id for row in rows]
        of_targets = _grouped(connection, targets, targets.c.name, ids)
        of_findings = _grouped(connection, findings, findings.c.place, ids)
        of_levels = _grouped(connection, levels, levels.c.place, ids)
    return tuple(
        _run(
            row, of_targets.get(row.id, []), of_findings.get(row.id, []), of_levels.get(row.id, [])
        )
        for row in rows
    )


def _grouped(
    connection: sa.Connection, table: sa.Table, order: sa.Column[Any], ids: list[int]
) -> dict[int, list[dict[str, Any]]]:
    found: dict[int, list[dict[str, Any]]] = {}
    asked = sa.select(table).where(table.c.run.in_(ids)).order_by(table.c.run, order)
    for row in connection.execute(asked).mappings():
        values = dict(row)
        values.pop("place", None)
        found.setdefault(values.pop("run"), []).append(values)
    return found


def _run(row: sa.Row[Any], named: list[Any], judged: list[Any], measured: list[Any]) -> Run:
    return Run(
        run_id=row.run_id,
        experiment=row.experiment,
        spec_sha256=row.spec_sha256,
        spec=row.document,
        started=row.started,
        state=row.state,
        outcome=outcome_word(row.outcome),
        exit_code=row.exit_code,
        says=row.says,
        facts=json.loads(row.facts),
        targets=tuple(t["name"] for t in named),
        findings=tuple(Judged(**_told(values)) for values in judged),
        levels=tuple(Level(**_told(values)) for values in measured),
        directory=row.directory,
        said=json.loads(row.said),
    )


def _told(values: dict[str, Any]) -> dict[str, Any]:
    return values | {"outcome": outcome_word(values["outcome"])}


def points(history: History, check: str, wanted: Wanted) -> tuple[Point, ...]:
    """Every level of the check (by name, else by kind), oldest first."""
    columns = (
        runs.c.run_id,
        runs.c.started,
        runs.c.spec_sha256,
        levels.c.check,
        levels.c.arm,
        levels.c.subject,
        levels.c.outcome,
        levels.c.value,
        levels.c.unit,
        levels.c.error,
        runs.c.version,
        runs.c.image,
        runs.c.go,
    )
    asked = sa.select(*columns).join(levels, levels.c.run == runs.c.id)
    asked = _where(asked, wanted).order_by(runs.c.started, runs.c.run_id, levels.c.place)
    with history.read() as connection:
        rows = connection.execute(asked.where(levels.c.name == check)).all()
        rows = rows or connection.execute(asked.where(levels.c.check == check)).all()
    return tuple(_point(row) for row in rows)


def _point(row: Sequence[Any]) -> Point:
    return Point(*row[:6], outcome_word(row[6]), *row[7:])  # type: ignore[call-arg]  # as asked


def experiments_of(history: History, check: str) -> tuple[str, ...]:
    """Experiments in which that check (by name or kind) was judged, by name."""
    named = (levels.c.name == check) | (levels.c.check == check)
    asked = sa.select(runs.c.experiment).join(levels, levels.c.run == runs.c.id).where(named)
    with history.read() as connection:
        return tuple(connection.scalars(asked.distinct().order_by(runs.c.experiment)))


def checks(history: History) -> tuple[str, ...]:
    """Names of all checks that were ever judged."""
    asked = sa.select(levels.c.name).distinct().order_by(levels.c.name)
    with history.read() as connection:
        return tuple(connection.scalars(asked))


def facts(history: History, run_ids: Iterable[str]) -> dict[str, Mapping[str, str]]:
    """The facts of these runs, with what people said of them."""
    asked = sa.select(runs.c.run_id, runs.c.facts, runs.c.said)
    with history.read() as connection:
        rows = connection.execute(asked.where(runs.c.run_id.in_(list(run_ids)))).all()
    return {r: {**json.loads(known), **json.loads(said)} for r, known, said in rows}


def documents(history: History, sha256s: Iterable[str]) -> dict[str, str]:
    """The experiments as understood, by the SHA-256 of their text."""
    asked = sa.select(specs.c.sha256, specs.c.document)
    with history.read() as connection:
        rows = connection.execute(asked.where(specs.c.sha256.in_(list(sha256s)))).all()
    return {str(sha256): str(document) for sha256, document in rows}
