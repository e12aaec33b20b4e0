"""Fewer points that look the same: every extreme of every column survives."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from chaosmem.evidence.model import Floats, Series, Window


def extremes(t: Floats, columns: Sequence[Floats], limit: int) -> NDArray[np.intp]:
    """Ascending indices of at most about `limit` rows that keep the shape of all `columns`.

    Time is cut into equal buckets; of each, the rows of every column's minimum and maximum stay,
    and the first and the last row of all. A spike of one sample is never lost, which averaging
    and every n-th row would do.
    """
    if len(t) <= limit or len(t) < 3:  # noqa: PLR2004 - nothing between first and last
        return np.arange(len(t))
    buckets = max(1, limit // (2 * max(1, len(columns))))
    share = (t - t[0]) / max(t[-1] - t[0], np.finfo(np.float64).tiny)
    bucket = np.minimum((share * buckets).astype(np.intp), buckets - 1)
    edges = np.flatnonzero(np.diff(bucket, prepend=-1))
    ends = np.append(edges[1:], len(t)) - 1
    kept = [np.array([0, len(t) - 1])]
    for column in columns:
        order = np.lexsort((column, bucket))  # by bucket, then by value: ends are the extremes
        kept += [order[edges], order[ends]]
    return np.unique(np.concatenate(kept))


def per_bucket(
    series: Series, span: Window, width: float, quantiles: Sequence[float]
) -> tuple[Floats, tuple[Floats, ...]]:
    """Quantiles in steps of `width` seconds from the start: (middle of each step, columns).

    `series` lies within `span`. Steps without a value are left out.
    """
    step = ((series.t - span.start) // width).astype(np.intp)
    found, first = np.unique(step, return_index=True)
    parts = np.split(series.v, first[1:]) if len(series) else []
    rows = [np.quantile(part, quantiles) for part in parts]
    columns: Floats = np.array(rows, np.float64).reshape(-1, len(quantiles)).T
    middles: Floats = np.asarray(span.start + (found + 0.5) * width, np.float64)
    return middles, tuple(columns)
