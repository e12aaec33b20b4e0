"""The report that a terminal shows at the end of a run."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from chaosmem.evidence.model import Evidence
from chaosmem.report.operators import operated
from chaosmem.report.rows import CheckRow, TargetRow, by_target, check_rows
from chaosmem.report.words import (
    GLYPH,
    compared,
    ending,
    not_undone,
    plain,
    pointer,
    says,
    shape,
    span,
)
from chaosmem.verify.model import Outcome, Verdict

if TYPE_CHECKING:  # rich takes 60 ms to import, and only this report needs it
    from rich.console import Console, RenderableType

_STYLE = {
    Outcome.PASS: "bold green",
    Outcome.FAIL: "bold red",
    Outcome.INCONCLUSIVE: "bold yellow",
}
_LABEL = 12  # width of the labels' column: `INCONCLUSIVE` is the longest


def text(
    verdict: Verdict, evidence: Evidence, *, color: bool, width: int, directory: str = ""
) -> str:
    """The verdict for a terminal, at most `width` columns wide (at least 40).

    Args:
        verdict: what was decided.
        evidence: what it was decided on.
        color: with ANSI colours; the words alone say everything too.
        width: columns of the terminal.
        directory: the run directory as the user should type it; names the files where given.
    """
    from rich.console import Console  # noqa: PLC0415 - see above

    out = io.StringIO()
    console = Console(
        file=out,
        width=max(width, 40),
        force_terminal=color,
        color_system="standard" if color else None,
        markup=False,
        emoji=False,
        highlight=False,
        legacy_windows=False,
    )
    _head(console, verdict)
    _facts(console, verdict, evidence)
    _checks(console, verdict)
    _arms(console, verdict)
    _missing(console, evidence)
    _foot(console, evidence, directory)
    return "\n".join(line.rstrip() for line in out.getvalue().rstrip().splitlines()) + "\n"


def _head(console: Console, verdict: Verdict) -> None:
    from rich.text import Text  # noqa: PLC0415 - see above

    line = Text()
    line.append(f"{GLYPH[verdict.outcome]} {verdict.outcome}", _STYLE[verdict.outcome])
    line.append(f"  {plain(verdict.experiment)}", "bold")
    console.print(line)
    console.print(plain(says(verdict)))
    console.print()


def _facts(console: Console, verdict: Verdict, evidence: Evidence) -> None:
    rows = _targets(verdict, evidence)
    rows += [
        ("fault", f"{plain(f.does)} ({span(f.begin, f.end)})") for f in evidence.plan.faults
    ] or [("fault", "none")]
    rows += [("trials", shape(evidence)), ("run", plain(ending(evidence)))]
    rows += [("operator", plain(f"{e.words} (t={e.t:.1f} s)")) for e in operated(evidence)]
    _table(console, [(label, words, "dim") for label, words in rows])
    console.print()


def _checks(console: Console, verdict: Verdict) -> None:
    arms = len({f.arm for f in verdict.findings if f.arm}) > 1
    for row in check_rows(verdict):
        _check(console, row, with_arm=arms)
    if not verdict.findings:
        console.print("? INCONCLUSIVE  no check gave a finding")
    console.print()


def _check(console: Console, row: CheckRow, *, with_arm: bool) -> None:
    from rich.text import Text  # noqa: PLC0415 - see above

    head = Text()
    head.append(f"{GLYPH[row.outcome]} {row.outcome:<{_LABEL}}", _STYLE[row.outcome])
    head.append(f"  {plain(row.name)}", "bold")
    notes = [row.arm if with_arm else "", row.tally, "advisory" if row.advisory else ""]
    head.append("".join(f"  {note}" for note in notes if note), "dim")
    console.print(head, overflow="ellipsis", no_wrap=True)
    shown = row.shown
    lines = [("observed", shown.observed), ("expected", shown.expected), ("why", shown.reason)]
    if row.outcome is not Outcome.PASS:
        lines += [("evidence", pointer(p)) for p in shown.evidence[:3]]
    _table(console, [(label, plain(words), "dim") for label, words in lines if words], indent=2)


def _targets(verdict: Verdict, evidence: Evidence) -> list[tuple[str, str]]:
    """Every target; of several each with its own outcome, and what all have in common once."""
    rows = by_target(verdict, evidence)
    if not rows:
        found = evidence.plan.targets
        return [("target", f"{plain(t.name)} ({plain(t.detail)})") for t in found]
    details = {row.detail for row in rows if row.detail}
    told = [("target", _target(row, detailed=len(details) > 1)) for row in rows]
    return told + [("", f"each {plain(d)}") for d in details if len(details) == 1]


def _target(row: TargetRow, *, detailed: bool) -> str:
    arms = f" ({', '.join(row.arms)})" if row.arms else ""
    detail = f" ({row.detail})" if detailed and row.detail else ""
    why = "" if row.outcome is Outcome.PASS else f": {row.why}"
    return plain(f"{GLYPH[row.outcome]} {row.outcome} {row.name}{arms}{detail}{why}")


def _arms(console: Console, verdict: Verdict) -> None:
    if verdict.comparisons:
        rows = [(f"{plain(c.name)}, {plain(c.arm)}", compared(c), "") for c in verdict.comparisons]
        console.print(f"arms compared with {plain(verdict.comparisons[0].base)}", style="bold")
        _table(console, rows, indent=2)
        console.print()
    for note in dict.fromkeys(s.note for s in verdict.summaries if s.note):
        console.print(f"note  {plain(note)}", style="dim")


def _missing(console: Console, evidence: Evidence) -> None:
    """Captures that were asked for and could not be had, whether or not a check needed them."""
    for capture in (c for t in evidence.trials for c in t.captures if c.error):
        words = f"missing  {capture.profile} at {capture.moment}: {plain(capture.error)}"
        console.print(words, style="yellow")


def _foot(console: Console, evidence: Evidence, directory: str) -> None:
    for record in not_undone(evidence):
        words = f"NOT UNDONE  {plain(record.what)}"
        console.print(
            f"{words}: {plain(record.error)}" if record.error else words, style="bold red"
        )
    for damage in evidence.damage:
        console.print(f"damaged evidence  {plain(damage)}", style="yellow")
    if directory:
        base = directory.rstrip("/")
        rows = [
            ("report", f"{base}/report.html"),
            ("verdict", f"{base}/verdict.json"),
            ("again", f"chaosmem verify {base}"),
        ]
        for label, words in rows:  # never wrapped: people copy and click these
            console.print(f"{label:<{_LABEL}}{plain(words)}", soft_wrap=True)


def _table(console: Console, rows: list[tuple[str, str, str]], indent: int = 0) -> None:
    from rich.padding import Padding  # noqa: PLC0415 - see above
    from rich.table import Table  # noqa: PLC0415 - see above
    from rich.text import Text  # noqa: PLC0415 - see above

    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(min_width=_LABEL - 2, no_wrap=True, overflow="ellipsis")
    grid.add_column(overflow="fold")
    for label, words, style in rows:
        grid.add_row(Text(label, style), Text(words))
    shown: RenderableType = Padding(grid, (0, 0, 0, indent)) if indent else grid
    console.print(shown)
