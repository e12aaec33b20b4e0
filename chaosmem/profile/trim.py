"""Which nodes and calls a report shows: the fractions, the count, the order, the unit.

Source: github.com/google/pprof/internal/report (report.go, newTrimmedGraph, selectOutputUnit).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from chaosmem.profile.columns import Bool, Int64
from chaosmem.profile.edges import Edges, find_edges
from chaosmem.profile.graph import Weighted, Weights, weigh
from chaosmem.profile.measurement import AUTOMATIC, percentage, scale, truncated_division
from chaosmem.profile.nodes import Nodes, build_nodes
from chaosmem.profile.options import Options
from chaosmem.profile.report import Report


@dataclass(frozen=True, slots=True)
class Trimmed:
    """What is left to show.

    Attributes:
        report: what it is of.
        nodes: all nodes.
        order: int64, the nodes shown, in order.
        flat, cum: int64 by node (means, if means are asked for).
        before_count: nodes before nodecount cut some off.
        dropped: nodes below nodefraction.
        unit: in which values are printed.
    """

    report: Report
    nodes: Nodes
    weighted: Weighted
    order: Int64
    flat: Int64
    cum: Int64
    before_count: int
    dropped: int
    edge_cutoff: int
    unit: str

    def edges(self, callees: Bool | None = None) -> Edges:
        """The calls among the nodes shown, above edgefraction."""
        kept = self._kept()
        edges = find_edges(self.weighted, self.nodes, kept, callees)
        shown = np.zeros(len(self.nodes), np.bool_)
        shown[self.order] = True
        small = np.abs(edges.weight) < self.edge_cutoff
        return edges.take(~(small & shown[edges.callee]))

    def _kept(self) -> Bool:
        kept = np.ones(len(self.nodes), np.bool_)
        if self.dropped or len(self.order) != self.before_count:
            kept[:] = False
            kept[self.order] = True
        return kept

    def shown(self) -> int:
        """Sum of flat over the nodes shown."""
        return int(self.flat[self.order].sum())

    def legend(self) -> list[str]:
        """The lines that say what is shown of what."""
        report, total = self.report, self.report.total
        share = percentage(self.shown(), total).strip()
        accounted, whole = report.format(self.shown(), self.unit), report.format(total, self.unit)
        lines = [f"Showing nodes accounting for {accounted}, {share} of {whole} total"]
        if total and self.dropped:
            limit = abs(int(float(total) * report.options.nodefraction))
            plural = "s" if self.dropped > 1 else ""
            cutoff = report.format(limit, self.unit)
            lines.append(f"Dropped {self.dropped} node{plural} (cum <= {cutoff})")
        if total and 0 < len(self.order) < self.before_count:
            lines.append(f"Showing top {len(self.order)} nodes out of {self.before_count}")
        return lines


def untrimmed(options: Options) -> Options:
    """The same options with nothing left out."""
    return replace(options, nodecount=0, nodefraction=0.0, edgefraction=0.0)


def trim(report: Report, default_count: int) -> Trimmed:
    """Weighs the nodes and picks those to show.

    Args:
        report: what to show.
        default_count: nodes at most when nodecount is -1; 0 is all.
    """
    options = report.options
    if options.nodecount == -1:
        options = replace(options, nodecount=default_count)
    if not options.trim:
        options = untrimmed(options)
    report = replace(report, options=options)
    nodes = build_nodes(report.profile, options)
    weighted = report.weighted()
    weights = weigh(weighted, nodes)
    shown = _present(weights, drop_negative=options.drop_negative)
    flat_total = float(int(weights.flat[shown].sum()))
    cutoff = abs(int(flat_total * options.nodefraction))
    kept = shown[np.abs(weights.cum[shown]) >= cutoff]
    order = _ordered(nodes, weights, kept, cum=options.cum)
    limit = options.nodecount if options.nodecount > 0 else len(order)
    order = order[:limit]
    flat, cum = _means(weights)
    unit = _output_unit(report, flat[order], cum[order])
    return Trimmed(
        report=report,
        nodes=nodes,
        weighted=weighted,
        order=order,
        flat=flat,
        cum=cum,
        before_count=len(kept),
        dropped=len(shown) - len(kept),
        edge_cutoff=abs(int(flat_total * options.edgefraction)),
        unit=unit,
    )


def _present(weights: Weights, *, drop_negative: bool) -> Int64:
    present = (weights.cum != 0) | (weights.flat != 0)
    if drop_negative:
        present &= ~((weights.flat < 0) | ((weights.flat == 0) & (weights.cum < 0)))
    return np.flatnonzero(present)


def _ordered(nodes: Nodes, weights: Weights, kept: Int64, *, cum: bool) -> Int64:
    """By size, largest first; names decide only where sizes are equal."""
    score = np.abs(weights.cum if cum else weights.flat)[kept]
    order = kept[np.argsort(-score, kind="stable")]
    score = np.sort(score)[::-1]
    bounds = np.flatnonzero(np.concatenate(([True], score[1:] != score[:-1], [True])))
    for first, last in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        if last - first > 1:
            order[first:last] = sorted(order[first:last].tolist(), key=nodes.sort_key)
    return order


def _means(weights: Weights) -> tuple[Int64, Int64]:
    if not (weights.flat_divisor.any() or weights.cum_divisor.any()):
        return weights.flat, weights.cum
    return (
        _divided(weights.flat, weights.flat_divisor),
        _divided(weights.cum, weights.cum_divisor),
    )


def _divided(values: Int64, divisors: Int64) -> Int64:
    pairs = zip(values.tolist(), divisors.tolist(), strict=True)
    return np.array([truncated_division(v, d) if d else v for v, d in pairs], np.int64)


def _output_unit(report: Report, flat: Int64, cum: Int64) -> str:
    """One unit that suits the smallest value, unless a unit is asked for."""
    wanted = report.options.unit
    if wanted != "minimum" or not len(flat):
        return wanted
    sizes = np.abs(np.where(flat == 0, cum, flat))
    sizes = sizes[sizes > 0]
    smallest = report.divided(int(sizes.min()) if len(sizes) else report.total)
    largest = report.divided(report.total)
    unit = scale(smallest, report.unit, AUTOMATIC[0])[1]
    if unit != scale(largest, report.unit, AUTOMATIC[0])[1] and smallest * 100 < largest:
        unit = scale(100 * smallest, report.unit, AUTOMATIC[0])[1]
    return unit or report.unit
