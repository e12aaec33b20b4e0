"""Recording and approving baselines. A revision's runs never change once it is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from chaosmem.errors import UsageError
from chaosmem.history.database import History, alone
from chaosmem.history.differences import differences, in_words
from chaosmem.history.model import Baseline, Run
from chaosmem.history.tables import baselines, members, runs, specs

DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Act:
    """Who does it, when, and why."""

    by: str
    now: str
    note: str = ""


def record(
    history: History, name: str, added: Sequence[Run], act: Act, *, fresh: bool = False
) -> Baseline:
    """A new revision, not approved yet: the newest one's runs (unless `fresh`) and these."""
    experiment, sha256 = _one_origin(added)
    with history.write() as connection:
        alone(connection)
        newest = _newest(connection, experiment, name)
        kept = () if fresh or newest is None else _same_spec(connection, newest, sha256).runs
        revision = 1 + (newest.revision if newest else 0)
        wanted = dict.fromkeys((*kept, *(run.run_id for run in added)))
        made = Baseline(
            experiment, name, revision, sha256, act.now, act.by, tuple(wanted), note=act.note
        )
        _write(connection, made)
    return made


def _one_origin(added: Sequence[Run]) -> tuple[str, str]:
    origins = {(run.experiment, run.spec_sha256) for run in added}
    if len(origins) != 1:
        told = ", ".join(sorted(f"{name} {sha[:12]}" for name, sha in origins)) or "none"
        raise UsageError(f"a baseline holds runs of one experiment and one spec, not of {told}")
    return origins.pop()


def _same_spec(connection: sa.Connection, newest: Baseline, sha256: str) -> Baseline:
    if newest.spec_sha256 == sha256:
        return newest
    asked = sa.select(specs.c.document).where(specs.c.sha256.in_([newest.spec_sha256, sha256]))
    texts = list(connection.scalars(asked.order_by(specs.c.sha256 == sha256)))
    raise UsageError(
        f"{newest.label} is of spec {newest.spec_sha256[:12]}, this run of {sha256[:12]}; "
        + in_words(differences(texts[0], texts[1])),
        hint="--fresh begins the next revision with this run alone",
    )


def _write(connection: sa.Connection, made: Baseline) -> None:
    values = {
        "experiment": made.experiment,
        "name": made.name,
        "revision": made.revision,
        "spec_sha256": made.spec_sha256,
        "recorded": made.recorded,
        "recorded_by": made.recorded_by,
        "approved": "",
        "approved_by": "",
        "note": made.note,
    }
    at = connection.execute(sa.insert(baselines).values(values)).inserted_primary_key
    asked = sa.select(runs.c.id).where(runs.c.run_id.in_(made.runs))
    ids = list(connection.scalars(asked.with_for_update(read=True)))
    if len(ids) != len(made.runs):
        raise UsageError("a run of this baseline has left the history", hint="import it again")
    rows = [{"baseline": at[0] if at else None, "run": run} for run in ids]
    connection.execute(sa.insert(members), rows)


def approve(history: History, experiment: str, name: str, act: Act) -> Baseline:
    """Approve the newest revision; approving it again changes nothing."""
    with history.write() as connection:
        alone(connection)
        newest = _newest(connection, experiment, name)
        if newest is None:
            raise UsageError(
                f"there is no baseline {experiment}/{name}",
                hint="`chaosmem baseline record RUN` makes one",
            )
        if not newest.approved:
            note = {"note": act.note} if act.note else {}
            connection.execute(
                sa.update(baselines)
                .where(_is(newest))
                .values(approved=act.now, approved_by=act.by, **note)
            )
        return _newest(connection, experiment, name) or newest


def _is(one: Baseline) -> sa.ColumnElement[bool]:
    return (
        (baselines.c.experiment == one.experiment)
        & (baselines.c.name == one.name)
        & (baselines.c.revision == one.revision)
    )


def revisions(history: History, experiment: str = "", name: str = "") -> tuple[Baseline, ...]:
    """All revisions of these baselines, oldest first; empty words mean all."""
    asked = sa.select(baselines)
    if experiment:
        asked = asked.where(baselines.c.experiment == experiment)
    if name:
        asked = asked.where(baselines.c.name == name)
    with history.read() as connection:
        order = (baselines.c.experiment, baselines.c.name, baselines.c.revision)
        rows = connection.execute(asked.order_by(*order)).all()
        return tuple(_baseline(connection, row) for row in rows)


def in_force(revised: Sequence[Baseline]) -> Baseline | None:
    """The newest approved revision, else the newest one, which then decides nothing."""
    approved = [b for b in revised if b.approved]
    return max(approved or revised, key=lambda b: b.revision, default=None)


def _newest(connection: sa.Connection, experiment: str, name: str) -> Baseline | None:
    asked = (
        sa.select(baselines)
        .where(baselines.c.experiment == experiment, baselines.c.name == name)
        .order_by(baselines.c.revision.desc())
        .limit(1)
    )
    row = connection.execute(asked).one_or_none()
    return None if row is None else _baseline(connection, row)


def _baseline(connection: sa.Connection, row: sa.Row[Any]) -> Baseline:
    named = (
        sa.select(runs.c.run_id)
        .join(members, members.c.run == runs.c.id)
        .where(members.c.baseline == row.id)
        .order_by(runs.c.started, runs.c.run_id)
    )
    return Baseline(
        row.experiment,
        row.name,
        row.revision,
        row.spec_sha256,
        row.recorded,
        row.recorded_by,
        tuple(connection.scalars(named)),
        row.approved,
        row.approved_by,
        row.note,
    )
