"""Writing runs: each import is one transaction, idempotent, and safe beside others.

The run's row is the lock: whoever inserts or updates it first makes the others wait, who then find
it there. So there is never half a run, and never two.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, cast

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from chaosmem.errors import UsageError
from chaosmem.history import facts
from chaosmem.history.database import History, alone
from chaosmem.history.model import Run
from chaosmem.history.tables import baselines, findings, levels, members, runs, specs, targets

Put = Literal["added", "updated", "unchanged"]


def put(history: History, run: Run, now: str) -> Put:
    """Add the run, or bring its row up to date; `now` as `times.stamp`."""
    with history.write() as connection:
        _ignoring(connection, specs, _spec(run))
        row = _row(run, run.said, now)
        if _ignoring(connection, runs, row):
            _fill(connection, _id(connection, run.run_id), run)
            return "added"
        return _update(connection, run, now)


def _update(connection: sa.Connection, run: Run, now: str) -> Put:
    asked = sa.select(runs).where(runs.c.run_id == run.run_id).with_for_update()
    there = connection.execute(asked).one()
    _refuse_another(run, there)
    row = _row(run, {**json.loads(there.said), **run.said}, now)
    if row["digest"] == there.digest:
        return "unchanged"
    connection.execute(sa.update(runs).where(runs.c.id == there.id).values(**row))
    for table in (targets, findings, levels):
        connection.execute(sa.delete(table).where(table.c.run == there.id))
    _fill(connection, there.id, run)
    return "updated"


def _refuse_another(run: Run, there: sa.Row[Any]) -> None:
    """The same id with another origin is not the same run, whatever became of its directory."""
    same = (there.experiment, there.spec_sha256, there.started)
    if same != (run.experiment, run.spec_sha256, run.started):
        raise UsageError(
            f"{run.run_id} is in the history as a run of {there.experiment} of {there.started}, "
            f"spec {there.spec_sha256[:12]}; {run.directory} is another run with that id",
            hint="restore the run directory, or keep it out of this history",
        )


def _ignoring(connection: sa.Connection, table: sa.Table, row: Mapping[str, Any]) -> bool:
    """Insert unless its key is there; whether it was inserted."""
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    first = next(iter(table.primary_key.columns))
    statement = insert(table).values(**row).on_conflict_do_nothing().returning(first)
    return connection.execute(statement).first() is not None


def _id(connection: sa.Connection, run_id: str) -> int:
    return cast("int", connection.scalar(sa.select(runs.c.id).where(runs.c.run_id == run_id)))


def _spec(run: Run) -> dict[str, str]:
    return {"sha256": run.spec_sha256, "experiment": run.experiment, "document": run.spec}


def _row(run: Run, said: Mapping[str, str], now: str) -> dict[str, Any]:
    known = {**run.facts, **said}
    return {
        "run_id": run.run_id,
        "experiment": run.experiment,
        "spec_sha256": run.spec_sha256,
        "started": run.started,
        "state": run.state,
        "outcome": run.outcome,
        "exit_code": run.exit_code,
        "says": run.says,
        "facts": _json(run.facts),
        "said": _json(said),
        "go": facts.first(known, facts.GO),
        "version": facts.first(known, facts.VERSION),
        "image": facts.first(known, facts.IMAGE),
        "host": facts.first(known, facts.HOST),
        "directory": run.directory,
        "digest": _digest(run, said),
        "imported": now,
    }


def _digest(run: Run, said: Mapping[str, str]) -> str:
    """SHA-256 of what is kept, but for the place it came from."""
    kept = asdict(run) | {"directory": "", "spec": "", "said": dict(said), "facts": dict(run.facts)}
    return hashlib.sha256(_json(kept).encode()).hexdigest()


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=True, sort_keys=True)


def _fill(connection: sa.Connection, at: int, run: Run) -> None:
    named = [{"run": at, "name": name} for name in dict.fromkeys(run.targets)]
    for table, rows in (
        (targets, named),
        (findings, _placed(at, run.findings)),
        (levels, _placed(at, run.levels)),
    ):
        if rows:
            connection.execute(sa.insert(table), rows)


def _placed(at: int, items: Sequence[Any]) -> list[dict[str, Any]]:
    return [{"run": at, "place": place, **asdict(item)} for place, item in enumerate(items)]


@dataclass(frozen=True, slots=True)
class Pruned:
    """Which runs went (or would go), and how many stay because a baseline uses them."""

    gone: tuple[str, ...]
    protected: tuple[str, ...]


def prune(history: History, *, keep: int | None, before: str = "", dry_run: bool = False) -> Pruned:
    """Forget old runs; a run goes only where every given rule lets it go.

    Args:
        history: an open history.
        keep: each experiment's newest this many stay.
        before: runs that started at or after this moment stay; empty: no such rule.
        dry_run: only say what would go.
    """
    if keep is None and not before:
        raise UsageError("prune needs a rule", hint="give --keep N, --older-than 400d, or both")
    with history.write() as connection:
        alone(connection)  # an approval must not come between the question and the deed
        old = _old(connection, keep, before)
        used = _used(connection)
        gone = {at: run_id for at, run_id in old.items() if at not in used}
        if gone and not dry_run:
            _forget(connection, list(gone))
    return Pruned(tuple(gone.values()), tuple(r for at, r in old.items() if at in used))


def _old(connection: sa.Connection, keep: int | None, before: str) -> dict[int, str]:
    newer = sa.func.row_number().over(
        partition_by=runs.c.experiment, order_by=(runs.c.started.desc(), runs.c.run_id.desc())
    )
    ranked = sa.select(runs.c.id, runs.c.run_id, runs.c.started, newer.label("rank")).subquery()
    asked = sa.select(ranked.c.id, ranked.c.run_id).order_by(ranked.c.started, ranked.c.run_id)
    if keep is not None:
        asked = asked.where(ranked.c.rank > keep)
    if before:
        asked = asked.where(ranked.c.started < before)
    return {int(at): str(run_id) for at, run_id in connection.execute(asked)}


def _used(connection: sa.Connection) -> set[int]:
    """Runs of every approved revision, and of each baseline's newest, which awaits approval."""
    newest = sa.select(
        baselines.c.experiment, baselines.c.name, sa.func.max(baselines.c.revision)
    ).group_by(baselines.c.experiment, baselines.c.name)
    kept = (baselines.c.approved != "") | sa.tuple_(
        baselines.c.experiment, baselines.c.name, baselines.c.revision
    ).in_(newest)
    asked = sa.select(members.c.run).join(baselines, baselines.c.id == members.c.baseline)
    return set(connection.scalars(asked.where(kept)))


_AT_ONCE = 500
"""Ids in one statement; SQLite takes 999 in its oldest versions."""


def _forget(connection: sa.Connection, ids: list[int]) -> None:
    for start in range(0, len(ids), _AT_ONCE):
        some = ids[start : start + _AT_ONCE]
        connection.execute(sa.delete(members).where(members.c.run.in_(some)))
        connection.execute(sa.delete(runs).where(runs.c.id.in_(some)))
