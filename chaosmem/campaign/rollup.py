"""All cells together: one outcome, one exit code, one line each. Pure.

The worst wins, by docs/exit-codes.md. A cell without a verdict is INCONCLUSIVE, never PASS: a
campaign that did not run a cell has shown nothing about it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from chaosmem.campaign.model import Cell, Prepared
from chaosmem.campaign.runner import Ending
from chaosmem.campaign.state import Standing
from chaosmem.errors import Exit
from chaosmem.verify import Outcome
from chaosmem.verify.model import worst

Where = Literal["done", "not run", "waiting", "running", "cut off", "stopped"]
_ORDER = (
    Exit.UNDO_INCOMPLETE,
    Exit.ABORTED,
    Exit.FAIL,
    Exit.INCONCLUSIVE,
    Exit.PASS,
)
"""Exit codes, the worst first."""


@dataclass(frozen=True, slots=True)
class Row:
    """One cell's line.

    Attributes:
        where: `done` where it has a verdict; `not run` where an error was before its run.
        report: path of its run's page, relative to the campaign directory; empty: none.
        seconds: from the begin of its last attempt to its end; None where that is not known.
    """

    index: int
    key: str
    name: str
    axes: Mapping[str, str]
    where: Where
    outcome: Outcome
    exit_code: int
    says: str
    attempts: int = 0
    run_id: str = ""
    report: str = ""
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Rollup:
    """The campaign's answer."""

    campaign: str
    id: str
    description: str
    outcome: Outcome
    exit_code: int
    says: str
    state: str
    reason: str
    rows: tuple[Row, ...]


def rollup(
    prepared: Prepared,
    standings: Sequence[Standing],
    ending: Ending | None,
    running: frozenset[int] = frozenset(),
) -> Rollup:
    """The roll-up.

    Args:
        prepared: the campaign.
        standings: of its cells, in their order.
        ending: how its last session ended; None: it goes on, or was killed.
        running: indices of cells whose process is known to run now.
    """
    rows = tuple(
        _row(cell, now, alive=cell.index in running)
        for cell, now in zip(prepared.cells, standings, strict=True)
    )
    stopped = ending is not None and ending.state == "stopped"
    code = worst_code([r.exit_code for r in rows] + [Exit.ABORTED] * stopped)
    outcome = worst(row.outcome for row in rows)
    if outcome is Outcome.PASS and code != Exit.PASS:
        outcome = Outcome.INCONCLUSIVE
    return Rollup(
        campaign=prepared.name,
        id=prepared.id,
        description=prepared.campaign.metadata.description,
        outcome=outcome,
        exit_code=code,
        says=_says(rows),
        state=ending.state if ending else ("running" if running else "unfinished"),
        reason=ending.reason if ending else "",
        rows=rows,
    )


def worst_code(codes: Sequence[int]) -> int:
    """The worst of exit codes; a code that is no verdict's (usage, internal) is inconclusive."""
    known = [c if c in _ORDER else Exit.INCONCLUSIVE for c in codes]
    return int(min(known, key=_ORDER.index, default=Exit.INCONCLUSIVE))


def _row(cell: Cell, now: Standing, *, alive: bool) -> Row:
    planned, ended = now.planned, now.ended
    where, says = _where(now, alive=alive)
    has_run = planned is not None and (ended is None or ended.how not in {"failed", "not-begun"})
    result = now.result
    return Row(
        index=cell.index,
        key=cell.key,
        name=cell.name,
        axes=cell.axes,
        where=where,
        outcome=Outcome(result.outcome) if result else Outcome.INCONCLUSIVE,
        exit_code=_code(now),
        says=says,
        attempts=now.attempts,
        run_id=planned.run_id if planned and has_run else "",
        report=(
            f"../../../{planned.experiment}/{planned.run_id}/report.html"
            if planned and result and result.how == "finished"
            else ""
        ),
        seconds=ended.t - planned.t if planned and ended else None,
    )


def _code(now: Standing) -> int:
    if now.left:
        return Exit.UNDO_INCOMPLETE
    return now.result.exit_code if now.result else Exit.INCONCLUSIVE


_WHERE: dict[str, Where] = {"finished": "done", "failed": "not run", "stopped": "stopped"}


def _where(now: Standing, *, alive: bool) -> tuple[Where, str]:
    if alive:
        return "running", "runs now"
    if now.planned is None:
        return "waiting", "not run"
    if now.ended is None:
        return "cut off", "its process was killed; `chaosmem campaign resume` takes it up"
    says = now.ended.says.removeprefix(f"{now.ended.outcome}: ")
    return _WHERE.get(now.ended.how, "cut off"), says


def _says(rows: Sequence[Row]) -> str:
    """`97 of 100 cells pass; 2 FAIL: a, b; 1 not run`."""
    passed = sum(row.outcome is Outcome.PASS for row in rows)
    parts = [f"{passed} of {len(rows)} cells pass"]
    failed = [row.name for row in rows if row.outcome is Outcome.FAIL]
    parts += [f"{len(failed)} FAIL: {_listed(failed)}"] if failed else []
    open_ = [row.name for row in rows if row.exit_code == Exit.UNDO_INCOMPLETE]
    parts += [f"{len(open_)} not undone: {_listed(open_)}"] if open_ else []
    unsure = [row for row in rows if row.outcome is Outcome.INCONCLUSIVE]
    counted = Counter(row.where for row in unsure)
    done = counted.pop("done", 0)
    parts += [f"{done} INCONCLUSIVE"] if done else []
    parts += [f"{count} {where}" for where, count in counted.items()]
    return "; ".join(parts)


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:3])
    return shown if len(names) <= 3 else f"{shown} and {len(names) - 3} more"  # noqa: PLR2004
