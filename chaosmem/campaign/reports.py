"""The roll-up for every reader: terminal, CI, merge request, programs, and one page to open."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Final

from chaosmem import units
from chaosmem.campaign.rollup import Rollup, Row
from chaosmem.report.words import GLYPH, plain
from chaosmem.verify import Outcome

ROLLUP: Final = "rollup.json"
PAGE: Final = "report.html"
FORMAT: Final = 1
_COLOR = {Outcome.PASS: "32", Outcome.FAIL: "31;1", Outcome.INCONCLUSIVE: "33"}


def render(output: str, rollup: Rollup, *, color: bool = False) -> bytes:
    """A report in that format, UTF-8."""
    match output:
        case "json":
            return as_json(rollup)
        case "junit":
            from chaosmem.campaign.junit import junit  # noqa: PLC0415 - loaded when used

            return junit(rollup)
        case "markdown":
            return markdown(rollup).encode()
        case "html":
            from chaosmem.campaign.page import page  # noqa: PLC0415 - loaded when used

            return page(rollup).encode()
        case _:
            return text(rollup, color=color).encode()


def as_json(rollup: Rollup) -> bytes:
    """The roll-up as data; names never change their meaning."""
    made = {"format": FORMAT, **asdict(rollup)}
    return (json.dumps(made, indent=1, ensure_ascii=False) + "\n").encode()


def text(rollup: Rollup, *, color: bool = False) -> str:
    """For a terminal: a line a cell, the bad ones last, and the answer just above the prompt."""
    width = max((len(plain(row.name)) for row in rollup.rows), default=0)
    ordered = sorted(rollup.rows, key=_urgency)
    answer = f"{rollup.outcome}  {rollup.campaign}: {rollup.says}"
    ended = rollup.state + (f": {rollup.reason}" if rollup.reason else "")
    code = f"exit code {rollup.exit_code}; {rollup.campaign}/{rollup.id}"
    lines = [_line(row, width, color=color) for row in ordered]
    lines += ["", _painted(answer, rollup.outcome, color), f"{ended}; {code}", ""]
    return "\n".join(lines)


def _urgency(row: Row) -> int:
    return (Outcome.PASS, Outcome.INCONCLUSIVE, Outcome.FAIL).index(row.outcome)


def _line(row: Row, width: int, *, color: bool) -> str:
    mark = _painted(f"{GLYPH[row.outcome]} {row.outcome:<12}", row.outcome, color)
    took = "" if row.seconds is None else units.human_seconds(row.seconds)
    again = f" (attempt {row.attempts})" if row.attempts > 1 else ""
    return f"{mark} {row.key}  {plain(row.name):<{width}}  {took:>7}  {plain(row.says)}{again}"


def _painted(words: str, outcome: Outcome, color: bool) -> str:
    return f"\x1b[{_COLOR[outcome]}m{words}\x1b[0m" if color else words


def markdown(rollup: Rollup) -> str:
    """For a merge request: the answer, and a table of the cells, the bad ones first."""
    rows = sorted(rollup.rows, key=_urgency, reverse=True)
    shown = [
        f"| {GLYPH[row.outcome]} {row.outcome} | {_cell(row.name)} | {_cell(row.says)} |"
        f" {_cell(row.run_id)} |"
        for row in rows
    ]
    return "\n".join(
        [
            f"## {GLYPH[rollup.outcome]} {rollup.outcome}: campaign {_cell(rollup.campaign)}",
            "",
            f"{_cell(rollup.says)}."
            + (f" Ended early: {_cell(rollup.reason)}." if rollup.reason else ""),
            "",
            "| outcome | cell | why | run |",
            "|---|---|---|---|",
            *shown,
            "",
        ]
    )


def _cell(words: str) -> str:
    """Text that stays text inside a Markdown table."""
    safe = plain(words).replace("&", "&amp;").replace("<", "&lt;").replace("\\", "\\\\")
    for mark in "|*_`[]":
        safe = safe.replace(mark, f"\\{mark}")
    return safe
