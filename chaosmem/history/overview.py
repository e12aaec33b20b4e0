"""`trend`: which runs are looked at, and what is left out and why."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any

from chaosmem.errors import Exit, UsageError
from chaosmem.history import queries, text
from chaosmem.history.database import History
from chaosmem.history.differences import differences, in_words
from chaosmem.history.model import FAIL, PASS, Point, Wanted, worst
from chaosmem.history.trend import Trend, series, trend


@dataclass(frozen=True, slots=True)
class Overview:
    """The trends of a check, and what was left out of them."""

    experiment: str
    check: str
    trends: tuple[Trend, ...]
    notes: tuple[str, ...]


def look(
    history: History, check: str, wanted: Wanted, *, arm: str = "", across_specs: bool = False
) -> Overview:
    """The check's trends: one an arm and subject, of the newest spec unless `across_specs`."""
    chosen = replace(wanted, experiment=wanted.experiment or _only_experiment(history, check))
    found = [p for p in queries.points(history, check, chosen) if arm in ("", p.arm)]
    if not found:
        raise UsageError(
            f"no run with the check {check!r} fits",
            hint=f"known: {', '.join(queries.checks(history))}",
        )
    shas = list(dict.fromkeys(p.spec_sha256 for p in found))
    notes: tuple[str, ...] = ()
    if len(shas) > 1:
        notes = _notes(history, found, shas, joined=across_specs)
        kept = found[-1].spec_sha256
        found = found if across_specs else [p for p in found if p.spec_sha256 == kept]
    trends = tuple(trend(points, partial(queries.facts, history)) for points in series(found))
    return Overview(chosen.experiment, check, trends, notes)


def _only_experiment(history: History, check: str) -> str:
    names = queries.experiments_of(history, check)
    if len(names) > 1:
        raise UsageError(
            f"{check} was judged in several experiments: {', '.join(names)}",
            hint="choose one with --experiment",
        )
    return names[0] if names else ""


def _notes(
    history: History, found: Sequence[Point], shas: Sequence[str], *, joined: bool
) -> tuple[str, ...]:
    """Which specs stand beside the newest, and in what they differ from it."""
    newest = found[-1].spec_sha256
    texts = queries.documents(history, shas)
    notes = []
    for sha in (s for s in shas if s != newest):
        runs = len({p.run_id for p in found if p.spec_sha256 == sha})
        told = in_words(differences(texts[sha], texts[newest]))
        verb = "also shown" if joined else "left out (--across-specs joins them)"
        notes.append(f"{runs} runs of spec {sha[:12]} are {verb}; against {newest[:12]} {told}")
    return tuple(notes)


def lines(found: Overview, *, every: bool = False) -> Iterable[str]:
    """The overview for a terminal."""
    width = shutil.get_terminal_size((100, 24)).columns
    for one in found.trends:
        yield from text.trend(one, width=width, every=every)
    for note in found.notes:
        yield text.safe(f"note: {note}")


def as_json(found: Overview) -> dict[str, Any]:
    """The overview as plain values."""
    return asdict(found)


def exit_code(found: Overview) -> int:
    """By the worst of the trends."""
    outcome = worst([t.outcome for t in found.trends])
    return int({PASS: Exit.PASS, FAIL: Exit.FAIL}.get(outcome, Exit.INCONCLUSIVE))
