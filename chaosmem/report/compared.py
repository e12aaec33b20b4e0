"""Each check under each arm: its outcomes, every trial's number, and the arms' difference.

The statistics are the verdict's own (`chaosmem.verify.together`); nothing is computed here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from chaosmem.report.rows import EVERY_ARM, short_trial
from chaosmem.report.words import amount
from chaosmem.verify.model import Comparison, Finding, Outcome, Summary, Verdict, worst

_WIDTH, _MARGIN, _RADIUS = 220.0, 8.0, 3.6
_HEIGHT, _STEP, _TALLEST = 24.0, 8.0, 66.0  # one row of dots; between two; of as many as there are


@dataclass(frozen=True, slots=True, eq=False)
class ArmRow:
    """One check under one arm.

    Attributes:
        outcome: the worst.
        tally: how many trials ended like that: `5 of 6`.
        dots: each trial's headline number; None where the check has none.
        summary: the verdict's statistics of these numbers.
        against: the comparison with the first arm; None for the first itself.
    """

    arm: str
    outcome: Outcome
    tally: str
    dots: Markup | None
    summary: Summary | None
    against: Comparison | None


@dataclass(frozen=True, slots=True, eq=False)
class CheckGroup:
    """One check under every arm, its dots on one scale from `low` to `high` (empty: no dots)."""

    name: str
    unit: str
    advisory: bool
    low: str
    high: str
    rows: tuple[ArmRow, ...]


def check_groups(verdict: Verdict, names: Sequence[str]) -> tuple[CheckGroup, ...]:
    """The checks in the order of `names`, those about the run as a whole left out."""
    trials = [f for f in verdict.findings if f.trial is not None]
    groups = ([f for f in trials if f.name == name] for name in dict.fromkeys(names))
    return tuple(_group(found, verdict) for found in groups if found)


def _group(found: Sequence[Finding], verdict: Verdict) -> CheckGroup:
    name = found[0].name
    values = [f.headline.value for f in found if f.headline]
    unit = next((f.headline.unit for f in found if f.headline), "")
    ends = (min(values), max(values)) if values else (0.0, 0.0)
    arms = dict.fromkeys([*(s.arm for s in verdict.summaries), *(f.arm for f in found)])
    if not values and all(f.outcome is Outcome.PASS for f in found):
        arms = {EVERY_ARM: None}  # nothing to tell apart
    rows = tuple(
        _row(arm, own, verdict, ends)
        for arm in arms
        if (own := [f for f in found if arm in {f.arm, EVERY_ARM}])
    )
    low, high = (amount(v, unit) if values else "" for v in ends)
    return CheckGroup(name, unit, found[0].advisory, low, high, rows)


def _row(arm: str, own: Sequence[Finding], verdict: Verdict, ends: tuple[float, float]) -> ArmRow:
    name, outcome = own[0].name, worst(f.outcome for f in own)
    alike = sum(f.outcome is outcome for f in own)
    summary = next((s for s in verdict.summaries if (s.name, s.arm) == (name, arm)), None)
    against = next((c for c in verdict.comparisons if (c.name, c.arm) == (name, arm)), None)
    numbered = [f for f in own if f.headline]
    dots = _dots(numbered, summary, *ends) if numbered else None
    return ArmRow(arm, outcome, f"{alike} of {len(own)}", dots, summary, against)


def _dots(own: Sequence[Finding], summary: Summary | None, low: float, high: float) -> Markup:
    """A dot for each trial, side by side where values are close, over median and interval."""

    def place(value: float) -> float:
        inside = _WIDTH - 2 * _MARGIN
        return _MARGIN + (value - low) / (high - low) * inside if high > low else _WIDTH / 2

    found = sorted(
        ((place(f.headline.value), f) for f in own if f.headline), key=lambda item: item[0]
    )
    levels = _levels([x for x, _ in found])
    many = max(levels)
    height = min(max(_HEIGHT, _HEIGHT + many * _STEP), _TALLEST)
    step = min(_STEP, (height - _HEIGHT) / many) if many else 0.0
    middle = height / 2
    dots = Markup().join(
        _dot(f, x, middle + (-1) ** level * ((level + 1) // 2) * step)
        for (x, f), level in zip(found, levels, strict=True)
    )
    words = ", ".join(amount(f.headline.value, f.headline.unit) for _, f in found if f.headline)
    return Markup(
        '<svg class="strip" viewBox="0 0 {:.0f} {:.0f}" role="img" aria-label="{}">'
        '<line class="rail" x1="{:.0f}" x2="{:.0f}" y1="{:.1f}" y2="{:.1f}"/>{}{}</svg>'
    ).format(
        _WIDTH, height, words, _MARGIN, _WIDTH - _MARGIN, middle, middle,
        _middle(summary, place, middle), dots,
    )  # fmt: skip


def _levels(places: Sequence[float]) -> list[int]:
    """How far from the middle each dot goes so that it hides no other; `places` ascending."""
    free: list[float] = []  # by level: from where on there is room
    levels = []
    for x in places:
        level = next((i for i, end in enumerate(free) if end <= x), len(free))
        free[level : level + 1] = [x + 2 * _RADIUS + 1]
        levels.append(level)
    return levels


def _dot(finding: Finding, x: float, y: float) -> Markup:
    number = finding.headline
    said = amount(number.value, number.unit) if number else ""
    return Markup(
        '<circle class="{}" cx="{:.1f}" cy="{:.1f}" r="{:.1f}"><title>{}</title></circle>'
    ).format(finding.outcome.lower(), x, y, _RADIUS, f"{short_trial(finding)}: {said}")


def _middle(summary: Summary | None, place: Callable[[float], float], y: float) -> Markup:
    """The median, and its interval where there is one."""
    if summary is None or summary.median is None:
        return Markup()
    made = Markup()
    if summary.interval is not None:
        left, right = (place(x) for x in summary.interval)
        made = Markup(
            '<line class="interval" x1="{:.1f}" x2="{:.1f}" y1="{:.1f}" y2="{:.1f}"/>'
        ).format(left, right, y, y)
    at = place(summary.median)
    return made + Markup(
        '<line class="median" x1="{:.1f}" x2="{:.1f}" y1="{:.1f}" y2="{:.1f}"/>'
    ).format(at, at, y - 11, y + 11)
