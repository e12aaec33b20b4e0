"""The gate in Markdown, for a CI's summary page; the verdict follows it. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from chaosmem.evidence.model import Evidence
from chaosmem.gate.decision import Decision, Item
from chaosmem.report import markdown
from chaosmem.report.markdown import escape
from chaosmem.verify.model import Outcome

MOST = 1_000_000
"""Bytes: GitHub refuses a step's summary above 1 MiB as a whole."""
_GLYPH = {Outcome.PASS: "✅", Outcome.FAIL: "❌", Outcome.INCONCLUSIVE: "⚠️"}


def summary(decision: Decision, evidence: Evidence) -> str:
    """The decision, its rules, the baseline, and the verdict where there is room for it."""
    head = "\n\n".join(_parts(decision)) + "\n\n"
    verdict = markdown(decision.verdict, evidence)
    if len((head + verdict).encode()) > MOST:
        verdict = "The verdict is too long for this page; it is in report.html.\n"
    return head + verdict


def _parts(decision: Decision) -> Iterator[str]:
    word = "✅ Gate passed" if decision.passed else f"❌ Gate failed (exit {decision.exit_code})"
    yield f"# {word}: {escape(decision.verdict.experiment)}"
    yield escape(decision.says)
    rules = f"- **Fails on** {escape(decision.policy.words)}; **baseline** "
    rules += escape(f"{decision.policy.baseline} ({_label(decision)})")
    yield "\n".join([rules, *(f"- {escape(note)}" for note in decision.notes)])
    compared = [i for i in decision.items if i.source == "baseline"]
    if compared:
        yield "\n".join(_table(compared))


def _label(decision: Decision) -> str:
    compared = decision.baseline.compared
    return compared.baseline if compared else "none"


def _table(items: list[Item]) -> Iterator[str]:
    yield "| | Against the baseline | Observed | Expected | Why |"
    yield "|---|---|---|---|---|"
    for item in items:
        f = item.finding
        name = f"**{escape(f.name)}**" + ("<br>advisory" if f.advisory else "")
        cells = (f"{_GLYPH[f.outcome]}&nbsp;{f.outcome}", name, escape(f.observed))
        yield f"| {' | '.join(cells)} | {escape(f.expected)} | {escape(f.reason)} |"


def refused(name: str, why: str, exit_code: int) -> str:
    """Where the run did not begin."""
    lines = "\n".join(f"- {escape(line)}" for line in why.splitlines() if line.strip())
    return f"# ❌ Gate failed (exit {exit_code}): {escape(name)}\n\nNothing was run:\n\n{lines}\n"
