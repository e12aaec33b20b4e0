"""Markdown for a CI's summary page (GitHub's step summary, a merge request's comment)."""

from __future__ import annotations

import html
import re

from chaosmem.evidence.model import Evidence
from chaosmem.report.operators import operated
from chaosmem.report.rows import CheckRow, by_target, check_rows
from chaosmem.report.words import (
    GLYPH,
    amount,
    compared,
    ending,
    not_undone,
    plain,
    pointer,
    says,
    shape,
    span,
)
from chaosmem.verify.model import Summary, Verdict

_POINTERS = 5  # of one finding
_MARK = {"✓": "✅", "✗": "❌", "?": "⚠️"}
# Every ASCII mark may be escaped by a backslash (CommonMark 2.4). `&` and `<` become entities, so
# that a reader that passes HTML through sees none; a word joiner behind `@` and `#` keeps people
# and issues from being mentioned by a target's log line.
_MARKS = re.compile(r"([\\`*_{}\[\]()#+\-.!|~:>$^=])")
_MENTIONS = re.compile(r"([@#])")


def escape(text: str) -> str:
    """`text` as literal Markdown on one line, safe in a table cell."""
    safe = _MARKS.sub(r"\\\1", plain(text))
    safe = safe.replace("&", "&amp;").replace("<", "&lt;")
    return _MENTIONS.sub("\\1\u2060", safe)


def markdown(verdict: Verdict, evidence: Evidence) -> str:
    """The verdict as GitHub-flavoured Markdown: one table, details folded, everything escaped."""
    parts = [
        f"## {_mark(GLYPH[verdict.outcome])} {verdict.outcome}: {escape(verdict.experiment)}",
        escape(says(verdict)),
        _facts(verdict, evidence),
        _table(verdict),
        _targets(verdict, evidence),
        _arms(verdict),
        *(_detail(row) for row in check_rows(verdict)),
        _trials(verdict),
        f"Run `{_code(evidence.run_id)}`, started {escape(evidence.started)}",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _mark(glyph: str) -> str:
    return _MARK[glyph]


def _code(text: str) -> str:
    return plain(text).replace("`", "'")


def _facts(verdict: Verdict, evidence: Evidence) -> str:
    alone = not by_target(verdict, evidence)  # several are a table
    found = evidence.plan.targets if alone else ()
    lines = [f"- **Target** {escape(t.name)} ({escape(t.detail)})" for t in found]
    lines += [
        f"- **Fault** {escape(f.does)} ({span(f.begin, f.end)})" for f in evidence.plan.faults
    ]
    lines.append(f"- **Trials** {escape(shape(evidence))}")
    lines.append(f"- **Run** {escape(ending(evidence))}")
    lines += [f"- **Operator** {escape(e.words)} (t={e.t:.1f} s)" for e in operated(evidence)]
    lines += [
        f"- ❗ **Not undone** {escape(u.what)} {escape(u.error)}" for u in not_undone(evidence)
    ]
    lines += [f"- ❗ **Damaged evidence** {escape(words)}" for words in evidence.damage]
    return "\n".join(lines)


def _table(verdict: Verdict) -> str:
    if not verdict.findings:
        return "No check gave a finding."
    rows = ["| | Check | Observed | Expected |", "|---|---|---|---|"]
    rows += [_row(row) for row in check_rows(verdict)]
    return "\n".join(rows)


def _targets(verdict: Verdict, evidence: Evidence) -> str:
    found = by_target(verdict, evidence)
    arms = any(row.arms for row in found)
    rows = [("", "Target", *(["Arm"] if arms else []), "Decided by", "")]
    for row in found:
        under = [", ".join(row.arms)] if arms else []
        rows.append((f"{GLYPH[row.outcome]} {row.outcome}", row.name, *under, row.why, row.detail))
    return _finding_table(tuple(rows)).rstrip() if len(rows) > 1 else ""


def _row(row: CheckRow) -> str:
    notes = [row.arm, row.tally, "advisory" if row.advisory else ""]
    note = ", ".join(escape(n) for n in notes if n)
    name = f"**{escape(row.name)}**" + (f"<br>{note}" if note else "")
    outcome = f"{_mark(GLYPH[row.outcome])}&nbsp;{row.outcome}"
    return f"| {outcome} | {name} | {escape(row.shown.observed)} | {escape(row.shown.expected)} |"


def _detail(row: CheckRow) -> str:
    finding = row.shown
    more = len(finding.evidence) - _POINTERS
    lines = [
        ("Why", finding.reason),
        ("Threshold", finding.threshold),
        *(("Evidence", pointer(p)) for p in finding.evidence[:_POINTERS]),
        ("Evidence", f"and {more} more in the HTML report" if more > 0 else ""),
    ]
    body = "\n".join(f"- **{name}** {escape(words)}" for name, words in lines if words)
    title = html.escape(plain(f"{row.outcome} {row.name} {row.arm}".strip()))
    table = _finding_table(finding.table)
    return f"<details><summary>{title}</summary>\n\n{body}\n\n{table}</details>"


def _finding_table(rows: tuple[tuple[str, ...], ...]) -> str:
    if not rows:
        return ""
    cells = [[escape(cell) or " " for cell in row] for row in rows]
    cells.insert(1, ["---"] * len(rows[0]))
    return "\n".join("| " + " | ".join(row) + " |" for row in cells) + "\n\n"


def _arms(verdict: Verdict) -> str:
    """The arms against the first: what a run with arms was made for, so it is not folded."""
    if not verdict.comparisons:
        return ""
    base = verdict.comparisons[0].base
    rows = [("Check", "Arm", "Difference (interval), p", "")]
    rows += [(c.name, c.arm, *_split(compared(c))) for c in verdict.comparisons]
    return f"**Arms compared** with {escape(base)}\n\n{_finding_table(tuple(rows)).rstrip()}"


def _split(words: str) -> tuple[str, str]:
    """The number, and what it shows."""
    number, colon, shows = words.partition(": ")
    return (number, shows) if colon else ("", words)


def _trials(verdict: Verdict) -> str:
    rows = [("Check", "Arm", "Trials", "Median", "Mean ± SD", "Note")]
    rows += [_summary(s) for s in verdict.summaries if s.median is not None]
    if len(rows) == 1:
        return ""
    return f"<details><summary>Trials</summary>\n\n{_finding_table(tuple(rows))}</details>"


def _summary(summary: Summary) -> tuple[str, str, str, str, str, str]:
    def shown(value: float | None) -> str:
        return "" if value is None else amount(value, summary.unit)

    mean = shown(summary.mean) + (f" ± {shown(summary.sd)}" if summary.sd is not None else "")
    middle = shown(summary.median)
    if summary.interval is not None:
        middle += f" ({shown(summary.interval[0])} to {shown(summary.interval[1])})"
    return summary.name, summary.arm, str(summary.trials), middle, mean, summary.note
