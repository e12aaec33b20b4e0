"""`top`: the nodes with the largest values, as `go tool pprof -top` shows them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import tzinfo

import numpy as np

from chaosmem.profile.columns import Profile
from chaosmem.profile.measurement import percentage
from chaosmem.profile.options import DEFAULT, Granularity, Options
from chaosmem.profile.report import Report, active_filters, header, prepare
from chaosmem.profile.trim import Trimmed, trim


@dataclass(frozen=True, slots=True)
class TopRow:
    """One node.

    Attributes:
        name: printable name; what it shows depends on the granularity.
        flat: own value.
        cum: value with all that it calls.
        flat_percent, sum_percent, cum_percent: of the total; sum is of flat down to this row.
        inline: "(inline)", "(partial-inline)" or "".
    """

    name: str
    flat: int
    cum: int
    flat_percent: float
    sum_percent: float
    cum_percent: float
    inline: str


@dataclass(frozen=True, slots=True)
class Top:
    """The rows, largest first.

    Attributes:
        rows: the nodes.
        sample_type: what the values count.
        unit: the values' unit ("bytes", "count", "nanoseconds").
        total: what the percentages are of.
        shown: sum of flat over the rows.
        dropped: nodes left out because their cum is too small.
        hidden: nodes left out by the limit of rows.
        warnings: options that matched nothing.
    """

    rows: tuple[TopRow, ...]
    sample_type: str
    unit: str
    total: int
    shown: int
    dropped: int
    hidden: int
    warnings: tuple[str, ...]
    _trimmed: Trimmed

    def text(self, zone: tzinfo | None = None) -> str:
        """The report as pprof prints it.

        Args:
            zone: time zone of the header's time; UTC if None.
        """
        trimmed = self._trimmed
        report, unit = trimmed.report, trimmed.unit
        lines = report_head(report, trimmed, zone)
        lines.append("      flat  flat%   sum%        cum   cum%")
        sums = 0
        for row in self.rows:
            sums += row.flat
            inline = f" {row.inline}" if row.inline else ""
            lines.append(
                f"{report.format(row.flat, unit):>10} {percentage(row.flat, self.total)}"
                f" {percentage(sums, self.total)} {report.format(row.cum, unit):>10}"
                f" {percentage(row.cum, self.total)}  {row.name}{inline}"
            )
        return "\n".join(lines) + "\n"


def top(
    profile: Profile,
    *,
    sample_index: str | int | None = None,
    n: int = 10,
    granularity: Granularity | None = None,
    cum: bool = False,
    options: Options = DEFAULT,
) -> Top:
    """The nodes with the largest flat (or cum) values.

    Args:
        profile: any profile.
        sample_index: name or index of the sample type; None for the profile's default.
        n: rows at most; 0 for all.
        granularity: what a row is, "functions" unless `options` says otherwise.
        cum: sort by cum.
        options: every other flag of pprof.

    Raises:
        UsageError: an option is malformed, or the sample type is not there.
    """
    chosen = replace(
        options,
        sample_index=options.sample_index if sample_index is None else sample_index,
        nodecount=n,
        granularity=granularity or options.granularity,
        cum=cum or options.cum,
    )
    report = prepare(profile, chosen)
    return _top(trim(report, 0))


def report_head(report: Report, trimmed: Trimmed, zone: tzinfo | None) -> list[str]:
    """Header, filters and legend."""
    lines = [] if report.options.compact_labels else header(report, trimmed.unit, zone)
    return [*lines, *active_filters(report.options), *trimmed.legend()]


def _top(trimmed: Trimmed) -> Top:
    report = trimmed.report
    inline = _inline_marks(trimmed)
    rows, sums = [], 0
    for node in trimmed.order.tolist():
        flat, cum = int(trimmed.flat[node]), int(trimmed.cum[node])
        sums += flat
        own, running, whole = (_percent(value, report.total) for value in (flat, sums, cum))
        rows.append(
            TopRow(
                trimmed.nodes.printable(node), flat, cum, own, running, whole, inline.get(node, "")
            )
        )
    return Top(
        rows=tuple(rows),
        sample_type=report.sample_type,
        unit=report.unit,
        total=report.total,
        shown=trimmed.shown(),
        dropped=trimmed.dropped,
        hidden=trimmed.before_count - len(rows),
        warnings=report.warnings,
        _trimmed=trimmed,
    )


def _percent(value: int, total: int) -> float:
    return value / total * 100 if total else 0.0


def _inline_marks(trimmed: Trimmed) -> dict[int, str]:
    """Which nodes were inlined into all, or into some, of their callers."""
    nodes = trimmed.nodes
    candidates = np.zeros(len(nodes), np.bool_)
    shown = np.zeros(len(nodes), np.bool_)
    shown[trimmed.order] = True
    candidates[nodes.frame_node[nodes.frame_inlined]] = True
    candidates &= shown
    if not candidates.any():
        return {}
    edges = trimmed.edges(candidates)
    inline, outline = (
        set(edges.callee[edges.inline].tolist()),
        set(edges.callee[~edges.inline].tolist()),
    )
    return {node: "(partial-inline)" if node in outline else "(inline)" for node in sorted(inline)}
